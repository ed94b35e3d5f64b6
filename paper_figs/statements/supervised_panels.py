"""The panels that S5 and S6 share: weights and accuracies of a supervised learner against the spurious ratio."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import GROUP_RATIOS
from sims.theorems.least_squares import MODEL, WEIGHTS
from theory.model import SpuriousModel
from theory.statements.group_accuracy import group_accuracies


def draw_supervised(evidence: Evidence, direction: Callable[[SpuriousModel], Float[Array, "2"]], name: str) -> Figure:
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
