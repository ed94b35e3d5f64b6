"""S11: regularised logistic regression between its two limits."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import GROUP_RATIOS
from sims.theorems.least_squares import MODEL
from sims.theorems.regularisation import ACCURACY, PENALTIES, RELIANCE
from theory.statements.boundary import spurious_reliance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.regularisation import (
    regularised_logistic_direction,
    strongly_regularised_direction,
    weakly_regularised_direction,
)


def draw(evidence: Evidence) -> Figure:
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
    axes[0].margins(y=0.3)  # room for the legend
    for axis in axes:
        axis.set_xscale("log")
        legend(axis)
    return figure
