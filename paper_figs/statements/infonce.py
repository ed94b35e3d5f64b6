"""S14: the rule of the label prompt that InfoNCE and its two directions learn, for each kind of caption."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.infonce import ENTRIES, MODEL, caption_of, panel_name
from theory.statements.captions import CAPTIONS
from theory.statements.infonce import DIRECTIONS, infonce_critic
from theory.statements.logistic import logistic_direction

# Of the quadrature: enough for five digits, in half the time.
_NODES = 65
_STYLES = dict(zip(DIRECTIONS, ("-", "--", ":"), strict=True))


def draw(evidence: Evidence) -> Figure:
    """Upper row: weight on the invariant feature; lower row: on the spurious one; a column for each kind of caption."""
    figure, axes = panels(len(ENTRIES) * len(CAPTIONS), height=3.4)
    ratios = np.linspace(0.5, 0.97, 11)
    places = jnp.asarray(ratios)
    logistic = jax.vmap(lambda ratio: logistic_direction(dataclasses.replace(MODEL, spurious_ratio=ratio)) / 2.0)(
        places
    )
    for column, kind in enumerate(CAPTIONS):

        def critic(case: tuple[Array, Array], kind: str = kind) -> Array:
            model = dataclasses.replace(MODEL, spurious_ratio=case[0])
            return infonce_critic(model, caption_of(kind), case[1], _NODES)

        # One compilation for all the lines of a column.
        grid = jnp.meshgrid(places, jnp.array(list(DIRECTIONS.values())))
        flat = jax.lax.map(critic, tuple(part.ravel() for part in grid))
        critics = np.asarray(flat).reshape(len(DIRECTIONS), len(places), 2, 2)
        for series, name in enumerate(DIRECTIONS):
            for row, (entry, place) in enumerate(ENTRIES.items()):
                axis = axes[row * len(CAPTIONS) + column]
                line(axis, series, ratios, critics[series][:, *place], style=_STYLES[name])
                points(axis, series, evidence[panel_name(kind, entry)][name], name)
        for row, entry in enumerate(ENTRIES):
            axis = axes[row * len(CAPTIONS) + column]
            if kind == "label":
                line(axis, 6, ratios, logistic[:, row], "half of logistic regression", "-.")
            mention = ", background in half of them" if kind == "label-attribute" else ""
            name_axes(axis, f"{kind} captions{mention}", "spurious ratio p_spu", entry)
            axis.yaxis.label.set_fontsize(8)
    legend(axes[1])
    return figure
