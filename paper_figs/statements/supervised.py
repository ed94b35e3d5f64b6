"""S5, S6, S10 and S11: least squares, logistic regression with and without a penalty, and the Bayes classifier."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import GROUP_RATIOS
from sims.theorems.supervised import ACCURACY, MODEL, PENALTIES, POSTERIOR, RELIANCE, WEIGHTS
from theory.model import SpuriousModel
from theory.statements.bayes import bayes_accuracies, half_log_odds
from theory.statements.boundary import spurious_reliance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.least_squares import least_squares_direction
from theory.statements.logistic import logistic_direction
from theory.statements.regularisation import (
    regularised_logistic_direction,
    strongly_regularised_direction,
    weakly_regularised_direction,
)


def _draw_learner(evidence: Evidence, direction: Callable[[SpuriousModel], Float[Array, "2"]], name: str) -> Figure:
    """Weights on both features, then accuracies in both groups; closed form as lines, fits to samples as points."""
    figure, axes = panels(2)
    ratios = np.linspace(0.5, 1.0, 41)
    models = [dataclasses.replace(MODEL, spurious_ratio=float(ratio)) for ratio in ratios]
    rules = [direction(model) for model in models]
    accuracies = np.array([group_accuracies(model, rule) for model, rule in zip(models, rules, strict=True)])
    for series, weight in enumerate(WEIGHTS):
        line(axes[0], series, ratios, np.array(rules)[:, series])
        points(axes[0], series, evidence["weights"][weight], f"{weight} feature")
    for series, group in enumerate(GROUP_RATIOS):
        line(axes[1], series, ratios, accuracies[:, series])
        points(axes[1], series, evidence["accuracy"][group], group)
    name_axes(axes[0], name, "spurious ratio p_spu", "weight of the rule")
    name_axes(axes[1], name, "spurious ratio p_spu", "accuracy (share of images)")
    for axis in axes:
        legend(axis)
    return figure


def draw_least_squares(evidence: Evidence) -> Figure:
    """Weights and accuracies of least squares (S5)."""
    return _draw_learner(evidence, least_squares_direction, "least squares")


def draw_logistic(evidence: Evidence) -> Figure:
    """Weights and accuracies of logistic regression (S6)."""
    return _draw_learner(evidence, logistic_direction, "logistic regression")


def draw_regularisation(evidence: Evidence) -> Figure:
    """Left: reliance over the penalty, with both limits; right: accuracy in both groups."""
    figure, axes = panels(2)
    penalties = np.geomspace(PENALTIES[0] / 2, PENALTIES[-1] * 2, 60)
    rules = jax.vmap(lambda penalty: regularised_logistic_direction(MODEL, penalty))(jnp.asarray(penalties))
    accuracies = np.asarray(jax.vmap(lambda rule: group_accuracies(MODEL, rule))(rules))
    line(axes[0], 0, penalties, jax.vmap(spurious_reliance)(rules), "by quadrature (S11)")
    weak, strong = weakly_regularised_direction(MODEL), strongly_regularised_direction(MODEL)
    axes[0].axhline(float(spurious_reliance(weak)), color="black", linestyle=":", label="no penalty: S6")
    named = "strong penalty: contrastive, label captions"
    axes[0].axhline(float(spurious_reliance(strong)), color="black", linestyle="--", linewidth=1.0, label=named)
    points(axes[0], 0, evidence[RELIANCE]["fitted"], "fitted to samples")
    for series, group in enumerate(GROUP_RATIOS):
        line(axes[1], series, penalties, accuracies[:, series])
        points(axes[1], series, evidence[ACCURACY][group], group)
    name_axes(axes[0], "regularised logistic regression", "penalty", "reliance w_spu / w_inv")
    name_axes(axes[1], "regularised logistic regression", "penalty", "accuracy (share of images)")
    for axis in axes:
        axis.set_xscale("log")
        legend(axis)
    return figure


def draw_bayes(evidence: Evidence) -> Figure:
    """Left: P(y = +1) given the background alone; right: accuracies against the training ratio."""
    figure, axes = panels(2, height=3.4)
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
