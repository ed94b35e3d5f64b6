"""S10: what a background tells of the label saturates; accuracy of the Bayes classifier and logistic regression."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.bayes import ACCURACY, MODEL, POSTERIOR
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import GROUP_RATIOS
from theory.statements.bayes import bayes_accuracies, half_log_odds
from theory.statements.group_accuracy import group_accuracies
from theory.statements.logistic import logistic_direction


def draw(evidence: Evidence) -> Figure:
    """Left: P(y = +1) given the background alone; right: accuracies against the training ratio."""
    figure, axes = panels(2, height=3.9)
    places = np.linspace(-3.2, 3.2, 161)
    images = jnp.stack([jnp.zeros(len(places)), jnp.asarray(places)], axis=1)
    line(axes[0], 0, places, jax.nn.sigmoid(2.0 * half_log_odds(MODEL, images)), "posterior (S10)")
    margin = float(logistic_direction(MODEL)[1]) * places
    line(axes[0], 5, places, 1.0 / (1.0 + np.exp(-margin)), "what logistic regression makes of it", "--")
    points(axes[0], 0, evidence[POSTERIOR]["class +1"], "sampled images, windows of 0.1")
    ratios = np.linspace(0.5, 0.995, 60)

    def both(ratio: Array) -> Array:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        return jnp.stack([bayes_accuracies(model), group_accuracies(model, logistic_direction(model))])

    accuracies = np.asarray(jax.jit(jax.vmap(both))(jnp.asarray(ratios)))
    for series, group in enumerate(GROUP_RATIOS):
        line(axes[1], series, ratios, accuracies[:, 0, series])
        line(axes[1], series, ratios, accuracies[:, 1, series], f"{group}, logistic regression", "--")
        points(axes[1], series, evidence[ACCURACY][group], f"{group}, Bayes")
    name_axes(axes[0], f"p_spu = {MODEL.spurious_ratio:g}", "background u_spu", "P(y = +1 | u_spu)")
    name_axes(
        axes[1], "Bayes classifier of the training distribution", "spurious ratio p_spu", "accuracy (share of images)"
    )
    for axis in axes:
        legend(axis)
    return figure
