"""S4: accuracy of fixed rules in both groups, against their spurious weight, in several dimensions."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.group_accuracy import GROUP_RATIOS, IMAGE_DIMS, MODEL, RELIANCES
from theory.statements.group_accuracy import group_accuracies


def draw(evidence: Evidence) -> Figure:
    """A panel for each image dimension, at the same total noise."""
    figure, axes = panels(len(IMAGE_DIMS))
    weights = np.linspace(min(RELIANCES), max(RELIANCES), 81)
    for axis, dim in zip(axes, IMAGE_DIMS, strict=True):
        model = dataclasses.replace(MODEL, image_dim=dim)
        rules = jnp.stack([jnp.ones(len(weights)), jnp.asarray(weights)], axis=1)
        accuracies = jax.vmap(lambda rule, model=model: group_accuracies(model, rule))(rules)
        for series, group in enumerate(GROUP_RATIOS):
            line(axis, series, weights, accuracies[:, series])
            points(axis, series, evidence[f"{dim} dimensions"][group], group)
        name_axes(
            axis, f"images of {dim} dimensions", "spurious weight of the rule (1, t)", "accuracy (share of images)"
        )
        legend(axis)
    return figure
