"""S29: what curated captions, smaller noise and more pairs change in what the linearised loss and InfoNCE learn."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
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
from theory.model import Caption, SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.scale_and_curation import curate, curated_critic, curated_pairs, sample_deficit
from theory.statements.zero_shot import zero_shot_direction

_NODES = 65
_NAMES = {"linearized": "linearised", "infonce_bilinear": "InfoNCE"}
_MENTION = "P(caption mentions the background)"


_CURATIONS = ("as it is", "balanced")


def _caption(mention: Array) -> Caption:
    return Caption("label-attribute", 1.0, mention)


def curves() -> dict[str, np.ndarray]:
    """The curves of all four panels."""
    return _agreement() | _reliance() | _drop() | _accuracy()


def _agreement() -> dict[str, np.ndarray]:
    mentions = np.linspace(0.02, 0.98, 49)
    found = {"agreement mentions": mentions}
    for name, (concepts, cap) in RULES.items():

        def agreement(mention: Array, concepts: str = concepts, cap: float = cap) -> Array:
            return curate(MODEL, _caption(mention), concepts, cap).agreement

        found[f"agreement, {name}"] = np.asarray(jax.jit(jax.vmap(agreement))(jnp.asarray(mentions)))
    return found


def _reliance() -> dict[str, np.ndarray]:
    mentions = np.linspace(0.05, 0.95, 10)
    found = {"reliance mentions": mentions}
    for learner in LEARNERS:

        def reliance(mention: Array, learner: str = learner) -> Array:
            caption = _caption(mention)
            pairs = pairs_of(MODEL, caption), curated_pairs(MODEL, caption, curate(MODEL, caption))
            return jnp.stack([spurious_reliance(curated_critic(learner, each, True, _NODES)[:, 0]) for each in pairs])

        run = jax.jit(lambda places, of=reliance: jax.lax.map(of, places))
        found[f"reliance, {learner}"] = np.asarray(run(jnp.asarray(mentions))).T
    return found


def _drop() -> dict[str, np.ndarray]:
    noises = np.linspace(NOISES[0], NOISES[-1], 60)
    found = {"noises": noises}
    for name, model in DROP_MODELS.items():

        def drop(noise: Array, model: SpuriousModel = model) -> Array:
            noisy = dataclasses.replace(model, sigma_xi=noise * jnp.sqrt(float(model.image_dim)))
            accuracies = group_accuracies(noisy, zero_shot_direction(noisy, "label"))
            return accuracies[0] - accuracies[1]

        found[f"drop, {name}"] = np.asarray(jax.jit(jax.vmap(drop))(jnp.asarray(noises)))
    return found


def _accuracy() -> dict[str, np.ndarray]:
    sizes = np.geomspace(SIZES[0], SIZES[-1], 60)
    limit = float(group_accuracies(MODEL, zero_shot_direction(MODEL, "label"))[1])
    deficits = {
        name: float(sample_deficit(MODEL, jnp.array([1.0, 0.0]), share)[1]) for name, share in MISMATCHES.items()
    }
    accuracies = {f"accuracy, {name}": limit - deficit / sizes for name, deficit in deficits.items()}
    return {"sizes": sizes, "limit": np.asarray(limit), **accuracies}


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Agreement and reliance over what captions mention; the drop over noise; accuracy over the number of pairs."""
    figure, axes = panels(4)
    _draw_agreement(axes[0], evidence, curves)
    _draw_reliance(axes[1], evidence, curves)
    _draw_drop(axes[2], evidence, curves)
    _draw_accuracy(axes[3], evidence, curves)
    for axis in axes:
        legend(axis)
    return figure


def _draw_agreement(axis: Axes, evidence: Evidence, curves: Curves) -> None:
    for series, name in enumerate(RULES):
        line(axis, series, curves["agreement mentions"], curves[f"agreement, {name}"])
        points(axis, series, evidence[AGREEMENT][name], name)
    name_axes(axis, "what the encoder sees", _MENTION, "E[y a] of the pairs kept")
    axis.set_ylim(bottom=0)


def _draw_reliance(axis: Axes, evidence: Evidence, curves: Curves) -> None:
    for series, (learner, (row, curation)) in enumerate(itertools.product(LEARNERS, enumerate(_CURATIONS))):
        line(axis, series, curves["reliance mentions"], curves[f"reliance, {learner}"][row])
        points(axis, series, evidence[RELIANCE][LEARNED[series]], f"{_NAMES[learner]}, {curation}")
    axis.axhline(0.0, color="0.6", linewidth=0.8)
    name_axes(axis, "what is learned, label prompt", _MENTION, "reliance w_spu / w_inv")


def _draw_drop(axis: Axes, evidence: Evidence, curves: Curves) -> None:
    for series, name in enumerate(DROP_MODELS):
        line(axis, series, curves["noises"], curves[f"drop, {name}"])
        points(axis, series, evidence[DROP][name], name)
    name_axes(axis, "size: less noise, the same rule", "noise of the image in one direction", "drop (share of images)")
    axis.set_ylim(bottom=0)


def _draw_accuracy(axis: Axes, evidence: Evidence, curves: Curves) -> None:
    limit = float(curves["limit"])
    for series, name in enumerate(MISMATCHES):
        line(axis, series, curves["sizes"], curves[f"accuracy, {name}"])
        points(axis, series, evidence[ACCURACY][name], name)
    axis.axhline(limit, color="black", linestyle=":", linewidth=1.0, label="any number of pairs, in the limit")
    axis.set_xscale("log")
    axis.set_xticks(SIZES, [str(size) for size in SIZES])
    axis.minorticks_off()
    name_axes(axis, "data: captions that match or not", "pairs n", "accuracy on conflicting images")
