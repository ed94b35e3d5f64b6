"""S5, S6, S10 and S11: least squares, logistic regression with and without a penalty, and the Bayes classifier."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
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


def _learner_curves(direction: Callable[[SpuriousModel], Float[Array, "2"]]) -> dict[str, np.ndarray]:
    """Rules over the ratio, shape (ratios, 2), and accuracies in each group."""
    ratios = np.linspace(0.5, 1.0, 41)

    def both(ratio: Array) -> tuple[Array, Array]:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        rule = direction(model)
        return rule, group_accuracies(model, rule)

    rules, accuracies = jax.jit(jax.vmap(both))(jnp.asarray(ratios))
    return {"ratios": ratios, "rules": np.asarray(rules), "accuracies": np.asarray(accuracies)}


def _draw_learner(evidence: Evidence, curves: Curves, name: str) -> Figure:
    """Weights on both features, then accuracies in both groups; closed form as lines, fits to samples as points."""
    figure, axes = panels(2)
    ratios = curves["ratios"]
    for series, weight in enumerate(WEIGHTS):
        line(axes[0], series, ratios, curves["rules"][:, series])
        points(axes[0], series, evidence["weights"][weight], f"{weight} feature")
    for series, group in enumerate(GROUP_RATIOS):
        line(axes[1], series, ratios, curves["accuracies"][:, series])
        points(axes[1], series, evidence["accuracy"][group], group)
    name_axes(axes[0], name, "spurious ratio p_spu", "weight of the rule")
    name_axes(axes[1], name, "spurious ratio p_spu", "accuracy (share of images)")
    for axis in axes:
        legend(axis)
    return figure


def least_squares_curves() -> dict[str, np.ndarray]:
    """Weights and accuracies of least squares over the ratio."""
    return _learner_curves(least_squares_direction)


def draw_least_squares(evidence: Evidence, curves: Curves) -> Figure:
    """Weights and accuracies of least squares (S5)."""
    return _draw_learner(evidence, curves, "least squares")


def logistic_curves() -> dict[str, np.ndarray]:
    """Weights and accuracies of logistic regression over the ratio."""
    return _learner_curves(logistic_direction)


def draw_logistic(evidence: Evidence, curves: Curves) -> Figure:
    """Weights and accuracies of logistic regression (S6)."""
    return _draw_learner(evidence, curves, "logistic regression")


def regularisation_curves() -> dict[str, np.ndarray]:
    """Reliance and accuracies over the penalty, and the reliance in both limits."""
    penalties = np.geomspace(PENALTIES[0] / 2, PENALTIES[-1] * 2, 60)

    def both(penalty: Array) -> tuple[Array, Array]:
        rule = regularised_logistic_direction(MODEL, penalty)
        return spurious_reliance(rule), group_accuracies(MODEL, rule)

    reliances, accuracies = jax.jit(jax.vmap(both))(jnp.asarray(penalties))
    limits = weakly_regularised_direction(MODEL), strongly_regularised_direction(MODEL)
    return {
        "penalties": penalties,
        "reliance": np.asarray(reliances),
        "accuracies": np.asarray(accuracies),
        "limits": np.array([spurious_reliance(rule) for rule in limits]),
    }


def draw_regularisation(evidence: Evidence, curves: Curves) -> Figure:
    """Left: reliance over the penalty, with both limits; right: accuracy in both groups."""
    figure, axes = panels(2)
    penalties = curves["penalties"]
    line(axes[0], 0, penalties, curves["reliance"], "by quadrature (S11)")
    weak, strong = curves["limits"].tolist()
    axes[0].axhline(weak, color="black", linestyle=":", label="no penalty: S6")
    named = "strong penalty: contrastive, label captions"
    axes[0].axhline(strong, color="black", linestyle="--", linewidth=1.0, label=named)
    points(axes[0], 0, evidence[RELIANCE]["fitted"], "fitted to samples")
    for series, group in enumerate(GROUP_RATIOS):
        line(axes[1], series, penalties, curves["accuracies"][:, series])
        points(axes[1], series, evidence[ACCURACY][group], group)
    name_axes(axes[0], "regularised logistic regression", "penalty", "reliance w_spu / w_inv")
    name_axes(axes[1], "regularised logistic regression", "penalty", "accuracy (share of images)")
    for axis in axes:
        axis.set_xscale("log")
        legend(axis)
    return figure


def bayes_curves() -> dict[str, np.ndarray]:
    """Posteriors over the background; accuracies over the ratio, shape (ratios, classifiers, groups)."""
    places = np.linspace(-3.2, 3.2, 161)
    images = jnp.stack([jnp.zeros(len(places)), jnp.asarray(places)], axis=1)
    margin = float(logistic_direction(MODEL)[1]) * places
    ratios = np.linspace(0.5, 0.995, 60)

    def both(ratio: Array) -> Array:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        return jnp.stack([bayes_accuracies(model), group_accuracies(model, logistic_direction(model))])

    return {
        "places": places,
        "posterior": np.asarray(jax.nn.sigmoid(2.0 * half_log_odds(MODEL, images))),
        "logistic posterior": 1.0 / (1.0 + np.exp(-margin)),
        "ratios": ratios,
        "accuracies": np.asarray(jax.jit(jax.vmap(both))(jnp.asarray(ratios))),
    }


def draw_bayes(evidence: Evidence, curves: Curves) -> Figure:
    """Left: P(y = +1) given the background alone; right: accuracies against the training ratio."""
    figure, axes = panels(2, height=3.4)
    line(axes[0], 0, curves["places"], curves["posterior"], "posterior (S10)")
    line(axes[0], 5, curves["places"], curves["logistic posterior"], "what logistic regression makes of it", "--")
    points(axes[0], 0, evidence[POSTERIOR]["class +1"], "sampled images, windows of 0.1")
    ratios, accuracies = curves["ratios"], curves["accuracies"]
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
