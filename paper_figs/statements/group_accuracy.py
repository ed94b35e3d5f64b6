"""S4 and S19: accuracy of fixed rules in both groups; rays of one reliance on probit axes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import (
    GROUP_RATIOS,
    IMAGE_DIMS,
    LINE_MODEL,
    LINE_RELIANCES,
    MODEL,
    PROBITS,
    RELIANCES,
    line_series,
)
from theory.statements.accuracy_on_the_line import line_slope, probits
from theory.statements.group_accuracy import group_accuracies


def group_accuracy_curves() -> dict[str, np.ndarray]:
    """Accuracies over the rule's spurious weight for each dimension of the image, shape (weights, groups)."""
    weights = np.linspace(min(RELIANCES), max(RELIANCES), 81)
    rules = jnp.stack([jnp.ones(len(weights)), jnp.asarray(weights)], axis=1)
    found = {"weights": weights}
    for dim in IMAGE_DIMS:
        model = dataclasses.replace(MODEL, image_dim=dim)
        accuracies = jax.jit(jax.vmap(lambda rule, model=model: group_accuracies(model, rule)))(rules)
        found[f"{dim} dimensions"] = np.asarray(accuracies)
    return found


def draw_group_accuracy(evidence: Evidence, curves: Curves) -> Figure:
    """A panel for each image dimension, at the same total noise."""
    figure, axes = panels(len(IMAGE_DIMS), share_y=True)
    for axis, dim in zip(axes, IMAGE_DIMS, strict=True):
        accuracies = curves[f"{dim} dimensions"]
        for series, group in enumerate(GROUP_RATIOS):
            line(axis, series, curves["weights"], accuracies[:, series])
            points(axis, series, evidence[f"{dim} dimensions"][group], group)
        name_axes(
            axis, f"images of {dim} dimensions", "spurious weight of the rule (1, t)", "accuracy (share of images)"
        )
        legend(axis)
    return figure


def line_curves() -> dict[str, np.ndarray]:
    """Probits of rules without further noise, shape (reliances, 2), and the slope of each ray."""
    reliances = jnp.linspace(0.0, LINE_RELIANCES[-1] * 1.1, 80)
    ellipse = jax.jit(jax.vmap(lambda reliance: probits(LINE_MODEL, reliance)))(reliances)
    slopes = [line_slope(LINE_MODEL, reliance) for reliance in LINE_RELIANCES]
    return {"ellipse": np.asarray(ellipse), "slopes": np.array(slopes)}


def draw_accuracy_on_the_line(evidence: Evidence, curves: Curves) -> Figure:
    """One panel; its axes are labelled in accuracy, spaced as probits."""
    figure, (axis,) = panels(1, height=4.6)
    figure.set_figwidth(6.4)
    ellipse = curves["ellipse"]
    furthest = float(ellipse[:, 0].max()) * 1.05
    for series, reliance in enumerate(LINE_RELIANCES):
        tau = reliance * LINE_MODEL.mu_spu / LINE_MODEL.mu_inv
        ends = np.array([0.0, furthest])
        line(axis, series, ends, ends * curves["slopes"][series])
        points(axis, series, evidence[PROBITS][line_series(reliance)], f"{line_series(reliance)}: index {tau:.2f}")
    line(axis, 6, ellipse[:, 0], ellipse[:, 1], "no further noise: an ellipse (S19)", "--")
    for ticks, name in ((axis.set_xticks, "aligned"), (axis.set_yticks, "conflicting")):
        shares = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95] if name == "aligned" else [0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        ticks(np.asarray(jax.scipy.special.ndtri(shares)), [f"{100 * share:g}%" for share in shares])
    name_axes(
        axis,
        "rays: rules of one reliance t, the noisier the nearer to 50%",
        "accuracy on aligned images (share, probit scale)",
        "accuracy on conflicting images (share, probit scale)",
    )
    legend(axis)
    return figure
