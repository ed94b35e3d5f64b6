"""S15: the rule of the label prompt that the sigmoid loss learns, beside InfoNCE's direction text to image."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.infonce import ENTRIES, MODEL, caption_of, panel_name
from sims.theorems.siglip import KINDS
from theory.statements.infonce import infonce_critic
from theory.statements.siglip import siglip_critic

_NODES = 65  # of InfoNCE's quadrature: enough for five digits, in half the time


def draw(evidence: Evidence) -> Figure:
    """A row for each kind of caption, a column for each of the rule's two weights."""
    figure, axes = panels(len(KINDS) * len(ENTRIES), height=3.4, columns=2)
    ratios = np.linspace(0.5, 0.97, 11)
    for row, kind in enumerate(KINDS):

        def critics(ratio: Array, kind: str = kind) -> Array:
            model, caption = dataclasses.replace(MODEL, spurious_ratio=ratio), caption_of(kind)
            return jnp.stack([siglip_critic(model, caption), infonce_critic(model, caption, 0.0, _NODES)])

        found = np.asarray(jax.lax.map(critics, jnp.asarray(ratios)))
        for column, (entry, place) in enumerate(ENTRIES.items()):
            axis = axes[row * len(ENTRIES) + column]
            line(axis, 0, ratios, found[:, 0][:, *place], "sigmoid loss, closed form (S15)")
            line(axis, 5, ratios, found[:, 1][:, *place], "InfoNCE text to image (S14)", "--")
            points(axis, 0, evidence[panel_name(kind, entry)]["siglip"], "fitted to samples")
            mention = ", background in half of them" if kind == "label-attribute" else ""
            name_axes(axis, f"{kind} captions{mention}", "spurious ratio p_spu", entry)
            axis.yaxis.label.set_fontsize(8)
            legend(axis)
    return figure
