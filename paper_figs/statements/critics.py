"""S13 to S15: pointwise mutual information, and the rules that InfoNCE and the sigmoid loss learn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.critics import (
    CAPTION_SET,
    ENTRIES,
    INVARIANT,
    MODEL,
    PMI_MODEL,
    SAYINGS,
    SIGLIP_KINDS,
    caption_of,
    panel_name,
)
from sims.theorems.evidence import Evidence
from theory.model import CAPTIONS
from theory.names import DIRECTIONS
from theory.statements.infonce import infonce_critic
from theory.statements.logistic import logistic_direction
from theory.statements.mutual_information import pointwise_mutual_information
from theory.statements.siglip import siglip_critic

# Of the label prompt's rule.
_WEIGHTS = dict(zip(ENTRIES, ("invariant weight", "spurious weight"), strict=True))


def mutual_information_curves() -> dict[str, np.ndarray]:
    """PMI over the background, for each kind of captions and what they say."""
    spurious = np.linspace(-2.7, 2.7, 109)
    images = jnp.stack([jnp.full(len(spurious), INVARIANT), jnp.asarray(spurious)], axis=1)
    found = {"spurious": spurious}
    for kind, sayings in SAYINGS.items():
        for name, place in sayings.items():
            captions = jnp.broadcast_to(jnp.array(place), images.shape)
            values = pointwise_mutual_information(PMI_MODEL, CAPTION_SET[kind], images, captions)
            found[f"{kind}, {name}"] = np.asarray(values)
    return found


def draw_mutual_information(evidence: Evidence, curves: Curves) -> Figure:
    """A panel for captions of the class alone, and one for captions that name the background too."""
    figure, axes = panels(len(SAYINGS), height=3.6, share_y=True)
    for axis, (kind, sayings) in zip(axes, SAYINGS.items(), strict=True):
        for series, name in enumerate(sayings):
            line(axis, series, curves["spurious"], curves[f"{kind}, {name}"])
            points(axis, series, evidence[kind][name], name)
        name_axes(axis, f"{kind} captions, images with u_inv = {INVARIANT:g}", "background u_spu", "PMI (nats)")
        axis.margins(y=0.2)
        legend(axis)
    return figure


# Of the quadrature: enough for five digits, in half the time.
_NODES = 65
_STYLES = dict(zip(DIRECTIONS, ("-", "--", ":"), strict=True))


_RATIOS = np.linspace(0.5, 0.97, 11)


def infonce_curves() -> dict[str, np.ndarray]:
    """Critics over the ratio for each kind of captions, shape (directions, ratios, 2, 2); half of logistic rules."""
    places = jnp.asarray(_RATIOS)

    def half(ratio: Array) -> Array:
        return logistic_direction(dataclasses.replace(MODEL, spurious_ratio=ratio)) / 2.0

    found = {"ratios": _RATIOS, "half of logistic": np.asarray(jax.jit(jax.vmap(half))(places))}
    for kind in CAPTIONS:

        def critic(case: tuple[Array, Array], kind: str = kind) -> Array:
            model = dataclasses.replace(MODEL, spurious_ratio=case[0])
            return infonce_critic(model, caption_of(kind), case[1], _NODES)

        # One compilation for all the lines of a column.
        grid = jnp.meshgrid(places, jnp.array(list(DIRECTIONS.values())))
        flat = jax.lax.map(critic, tuple(part.ravel() for part in grid))
        found[kind] = np.asarray(flat).reshape(len(DIRECTIONS), len(places), 2, 2)
    return found


def draw_infonce(evidence: Evidence, curves: Curves) -> Figure:
    """Upper row: weight on the invariant feature; lower row: on the spurious one; a column for each kind of caption."""
    figure, axes = panels(len(ENTRIES) * len(CAPTIONS), height=2.9, columns=3, share_x=True, share_y=True)
    ratios = curves["ratios"]
    for column, kind in enumerate(CAPTIONS):
        for series, name in enumerate(DIRECTIONS):
            for row, (entry, place) in enumerate(ENTRIES.items()):
                axis = axes[row * len(CAPTIONS) + column]
                line(axis, series, ratios, curves[kind][series][:, *place], style=_STYLES[name])
                points(axis, series, evidence[panel_name(kind, entry)][name], name)
        for row, entry in enumerate(ENTRIES):
            axis = axes[row * len(CAPTIONS) + column]
            if kind == "label":
                line(axis, 6, ratios, curves["half of logistic"][:, row], "half of logistic regression", "-.")
            mention = ", background in half of them" if kind == "label-attribute" else ""
            name_axes(axis, f"{kind} captions{mention}", "spurious ratio p_spu", _WEIGHTS[entry])
    legend(axes[len(CAPTIONS) + 1])
    return figure


def siglip_curves() -> dict[str, np.ndarray]:
    """Critics over the ratio for each kind of captions, of the sigmoid loss and of InfoNCE: (ratios, 2, 2, 2)."""
    found = {"ratios": _RATIOS}
    for kind in SIGLIP_KINDS:

        def critics(ratio: Array, kind: str = kind) -> Array:
            model, caption = dataclasses.replace(MODEL, spurious_ratio=ratio), caption_of(kind)
            return jnp.stack([siglip_critic(model, caption), infonce_critic(model, caption, 0.0, _NODES)])

        found[kind] = np.asarray(jax.lax.map(critics, jnp.asarray(_RATIOS)))
    return found


def draw_siglip(evidence: Evidence, curves: Curves) -> Figure:
    """A row for each kind of caption, a column for each of the rule's two weights."""
    figure, axes = panels(len(SIGLIP_KINDS) * len(ENTRIES), height=3.0, share_x=True)
    ratios = curves["ratios"]
    for row, kind in enumerate(SIGLIP_KINDS):
        found = curves[kind]
        for column, (entry, place) in enumerate(ENTRIES.items()):
            axis = axes[row * len(ENTRIES) + column]
            line(axis, 0, ratios, found[:, 0][:, *place], "sigmoid loss, closed form (S15)")
            line(axis, 5, ratios, found[:, 1][:, *place], "InfoNCE text to image (S14)", "--")
            points(axis, 0, evidence[panel_name(kind, entry)]["siglip"], "fitted to samples")
            mention = ", background in half of them" if kind == "label-attribute" else ""
            name_axes(axis, f"{kind} captions{mention}", "spurious ratio p_spu", _WEIGHTS[entry])
    for axis in axes[-len(ENTRIES) :]:
        legend(axis)
    return figure
