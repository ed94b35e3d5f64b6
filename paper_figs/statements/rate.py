"""S9: the error of a finite sample's cross-covariance over its size, and the part of it outside the signal's plane."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.rate import DRAWS, ERROR, FAILURE, IMAGE_DIMS, MODEL, OUTSIDE, SIZES, series_name
from theory.statements.rate import error_bound, mean_square_error, outside_mean_square
from theory.statements.zero_shot import latent_prompt


def draw(evidence: Evidence) -> Figure:
    """Left: E ||C_n - C||_F^2, one line for every dimension, and the bound; right: what lies outside the plane."""
    figure, axes = panels(2, height=3.9)
    sizes = np.geomspace(SIZES[0], SIZES[-1], 60)
    places = jnp.asarray(sizes)
    line(axes[0], 0, sizes, mean_square_error(MODEL, places), "exact mean, every dimension (S9)")
    line(
        axes[0], 5, sizes, error_bound(MODEL, places, FAILURE) ** 2, f"bound, crossed with chance <= {FAILURE:g}", "--"
    )
    points(axes[0], 5, evidence[ERROR]["largest"], f"largest of {DRAWS} samples")
    for series, dim in enumerate(IMAGE_DIMS):
        model = dataclasses.replace(MODEL, image_dim=dim)
        prompt = latent_prompt(model, "class-mean")
        line(axes[1], series, sizes, outside_mean_square(model, prompt, places))
        points(axes[0], series, evidence[ERROR][series_name(dim)], f"mean, images of {dim} dimensions")
        points(axes[1], series, evidence[OUTSIDE][series_name(dim)], f"images of {dim} dimensions")
    name_axes(axes[0], "squared error of a full-width minimiser", "pairs n", "||C_n - C||_F^2")
    name_axes(axes[1], "the class-mean rule outside the signal's plane", "pairs n", "mean of r^2")
    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
        legend(axis)
    return figure
