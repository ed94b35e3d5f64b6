"""S29: what curated captions, smaller noise and more pairs change in what the linearised loss and InfoNCE learn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.scale_and_curation import (
    ACCURACY,
    AGREEMENT,
    DROP,
    DROP_MODELS,
    LEARNED,
    LEARNERS,
    MISMATCHES,
    MODEL,
    NOISES,
    RELIANCE,
    RULES,
    SIZES,
)
from theory.mixtures import pairs_of
from theory.model import SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.captions import Caption
from theory.statements.group_accuracy import group_accuracies
from theory.statements.scale_and_curation import curate, curated_critic, curated_pairs, sample_deficit
from theory.statements.zero_shot import zero_shot_direction

_NODES = 65
_LABEL = jnp.array([1.0, 0.0])
_NAMES = {"linearized": "linearised", "infonce_bilinear": "InfoNCE"}
_MENTION = "P(caption mentions the background)"


def draw(evidence: Evidence) -> Figure:
    """Agreement and reliance over what captions mention; the drop over noise; accuracy over the number of pairs."""
    figure, axes = panels(4)
    _draw_agreement(axes[0], evidence)
    _draw_reliance(axes[1], evidence)
    _draw_drop(axes[2], evidence)
    _draw_accuracy(axes[3], evidence)
    for axis in axes:
        legend(axis)
    return figure


def _caption(mention: Array) -> Caption:
    return Caption("label-attribute", 1.0, mention)


def _draw_agreement(axis: Axes, evidence: Evidence) -> None:
    mentions = np.linspace(0.02, 0.98, 49)
    for series, (name, (concepts, cap)) in enumerate(RULES.items()):

        def agreement(mention: Array, concepts: str = concepts, cap: float = cap) -> Array:
            return curate(MODEL, _caption(mention), concepts, cap).agreement

        line(axis, series, mentions, jax.vmap(agreement)(jnp.asarray(mentions)))
        points(axis, series, evidence[AGREEMENT][name], name)
    name_axes(axis, "what the encoder sees", _MENTION, "E[y a] of the pairs kept")
    axis.set_ylim(bottom=0)


def _draw_reliance(axis: Axes, evidence: Evidence) -> None:
    mentions = np.linspace(0.05, 0.95, 10)
    for place, learner in enumerate(LEARNERS):

        def reliance(mention: Array, learner: str = learner) -> Array:
            caption = _caption(mention)
            pairs = pairs_of(MODEL, caption), curated_pairs(MODEL, caption, curate(MODEL, caption))
            return jnp.stack([spurious_reliance(curated_critic(learner, each, True, _NODES)[:, 0]) for each in pairs])

        found = np.asarray(jax.jit(lambda places, of=reliance: jax.lax.map(of, places))(jnp.asarray(mentions)))
        for curated, curation in enumerate(("as it is", "balanced")):
            series = 2 * place + curated
            line(axis, series, mentions, found[:, curated])
            points(axis, series, evidence[RELIANCE][LEARNED[series]], f"{_NAMES[learner]}, {curation}")
    axis.axhline(0.0, color="0.6", linewidth=0.8)
    name_axes(axis, "what is learned, label prompt", _MENTION, "reliance w_spu / w_inv")


def _draw_drop(axis: Axes, evidence: Evidence) -> None:
    noises = np.linspace(NOISES[0], NOISES[-1], 60)
    for series, (name, model) in enumerate(DROP_MODELS.items()):

        def drop(noise: Array, model: SpuriousModel = model) -> Array:
            noisy = dataclasses.replace(model, sigma_xi=noise * jnp.sqrt(float(model.image_dim)))
            accuracies = group_accuracies(noisy, zero_shot_direction(noisy, "label"))
            return accuracies[0] - accuracies[1]

        line(axis, series, noises, jax.vmap(drop)(jnp.asarray(noises)))
        points(axis, series, evidence[DROP][name], name)
    name_axes(axis, "size: less noise, the same rule", "noise of the image in one direction", "drop (share of images)")
    axis.set_ylim(bottom=0)


def _draw_accuracy(axis: Axes, evidence: Evidence) -> None:
    sizes = np.geomspace(SIZES[0], SIZES[-1], 60)
    limit = float(group_accuracies(MODEL, zero_shot_direction(MODEL, "label"))[1])
    for series, (name, share) in enumerate(MISMATCHES.items()):
        deficit = float(sample_deficit(MODEL, _LABEL, share)[1])
        line(axis, series, sizes, limit - deficit / sizes)
        points(axis, series, evidence[ACCURACY][name], name)
    axis.axhline(limit, color="black", linestyle=":", linewidth=1.0, label="any number of pairs, in the limit")
    axis.set_xscale("log")
    axis.set_xticks(SIZES, [str(size) for size in SIZES])
    axis.minorticks_off()
    name_axes(axis, "data: captions that match or not", "pairs n", "accuracy on conflicting images")
