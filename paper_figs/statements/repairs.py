"""S30: the weight of the background that a repair takes out of the prompt, and repairs over the spurious ratio."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence, Points
from sims.theorems.repairs import CONFLICTING, LEARNERS, MODEL, SHOWN, WORST
from theory.learners import contrastive_critic
from theory.model import SpuriousModel
from theory.predictions import accuracy
from theory.repaired import repair
from theory.statements.captions import Caption
from theory.statements.group_accuracy import group_accuracies
from theory.statements.repairs import best_weight, largest_helpful_weight


def draw(evidence: Evidence) -> Figure:
    """Left: the worse group over the weight, dotted where a weight stops helping; right: conflicting images."""
    figure, axes = panels(2, height=3.6)
    weights = np.linspace(-0.55, 1.05, 161)
    for series, learner in enumerate(LEARNERS):
        critic = contrastive_critic(learner, MODEL, Caption())

        def worst(weight: Array, critic: Array = critic) -> Array:
            return jnp.min(group_accuracies(MODEL, critic @ jnp.stack([jnp.ones(()), -weight]))[:2])

        line(axes[0], series, weights, 100 * jax.vmap(worst)(jnp.asarray(weights)))
        points(axes[0], series, _percent(evidence[WORST][learner]), learner)
        axes[0].axvline(float(best_weight(critic)), color="black", linestyle="--", linewidth=0.8)
        if critic[1, 0] > 0:
            axes[0].axvline(float(largest_helpful_weight(critic)), color="black", linestyle=":", linewidth=0.8)
    ratios = np.linspace(0.55, 0.98, 44)
    models = jax.vmap(lambda ratio: dataclasses.replace(MODEL, spurious_ratio=ratio))(jnp.asarray(ratios))
    for series, name in enumerate(SHOWN):

        def conflicting(model: SpuriousModel, name: str = name) -> Array:
            if name == "none":
                return accuracy(model, "linearized", caption="label-attribute").conflicting
            return repair(model, "linearized", name, caption="label-attribute").conflicting

        line(axes[1], series, ratios, 100 * jax.vmap(conflicting)(models))
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
