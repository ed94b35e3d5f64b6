"""S30: the weight of the background that a repair takes out of the prompt, and repairs over the spurious ratio."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence, Points
from sims.theorems.repairs import CONFLICTING, LEARNERS, MODEL, SHOWN, WORST
from theory.learners import contrastive_critic
from theory.model import Caption, SpuriousModel
from theory.predictions import accuracy
from theory.repaired import repair
from theory.statements.group_accuracy import group_accuracies
from theory.statements.repairs import best_weight, largest_helpful_weight


def curves() -> dict[str, np.ndarray]:
    """The worse group over the weight, the weights that matter, and conflicting images over the spurious ratio."""
    weights, ratios = np.linspace(-0.55, 1.05, 161), np.linspace(0.55, 0.98, 44)
    found = {"weights": weights, "ratios": ratios}
    for learner in LEARNERS:
        critic = contrastive_critic(learner, MODEL, Caption())

        def worst(weight: Array, critic: Array = critic) -> Array:
            return jnp.min(group_accuracies(MODEL, critic @ jnp.stack([jnp.ones(()), -weight]))[:2])

        found[f"worst, {learner}"] = np.asarray(jax.jit(jax.vmap(worst))(jnp.asarray(weights)))
        # A rule that leans against the background is helped by no weight above 0.
        largest = largest_helpful_weight(critic) if critic[1, 0] > 0 else jnp.nan
        found[f"best and largest, {learner}"] = np.array([best_weight(critic), largest], float)
    models = jax.vmap(lambda ratio: dataclasses.replace(MODEL, spurious_ratio=ratio))(jnp.asarray(ratios))
    for name in SHOWN:

        def conflicting(model: SpuriousModel, name: str = name) -> Array:
            if name == "none":
                return accuracy(model, "linearized", caption="label-attribute").conflicting
            return repair(model, "linearized", name, caption="label-attribute").conflicting

        found[f"conflicting, {name}"] = np.asarray(jax.jit(jax.vmap(conflicting))(models))
    return found


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left: the worse group over the weight, dotted where a weight stops helping; right: conflicting images."""
    figure, axes = panels(2, height=3.6)
    for series, learner in enumerate(LEARNERS):
        line(axes[0], series, curves["weights"], 100 * curves[f"worst, {learner}"])
        points(axes[0], series, _percent(evidence[WORST][learner]), learner)
        for weight, style in zip(curves[f"best and largest, {learner}"], ("--", ":"), strict=True):
            if np.isfinite(weight):
                axes[0].axvline(weight, color="black", linestyle=style, linewidth=0.8)
    for series, name in enumerate(SHOWN):
        line(axes[1], series, curves["ratios"], 100 * curves[f"conflicting, {name}"])
        points(axes[1], series, _percent(evidence[CONFLICTING][name]), name)
    name_axes(
        axes[0],
        "latent captions: the best weight (dashed), and the largest that helps (dotted)",
        "weight of the background taken out of the prompt",
        "accuracy in the worse group (%)",
    )
    name_axes(
        axes[1],
        "linearised loss, captions of class and background",
        "spurious ratio p_spu",
        "accuracy on conflicting images (%)",
    )
    for axis in axes:
        legend(axis)
    return figure


def _percent(measured: Points) -> Points:
    return Points(measured.x, 100 * measured.mean, 100 * measured.standard_error)
