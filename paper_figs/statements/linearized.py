"""S1, S2 and S9: the minimiser of the linearised loss, its limit, and the rate at which a sample reaches it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.linearized import (
    ENTRIES,
    ERROR,
    FAILURE,
    IMAGE_DIMS,
    OUTSIDE,
    POPULATION_MODEL,
    RATE_DRAWS,
    RATE_MODEL,
    SIZES,
    WIDTHS,
    rate_series,
)
from theory.statements.population import latent_covariance
from theory.statements.rate import error_bound, mean_square_error, outside_mean_square
from theory.statements.theorem62 import printed_latent_covariance
from theory.statements.zero_shot import latent_prompt


def draw_linearized(evidence: Evidence) -> Figure:
    """Singular values of the trained product on those of the sample's cross-covariance, cut to the width; distances."""
    figure, axes = panels(2)
    values = evidence["singular values"]
    full = values["cross-covariance"]
    for series, width in enumerate(WIDTHS):
        kept = np.where(full.x <= width, full.mean, 0.0)
        shift = 0.08 * (series - 1.5)  # side by side, not on top of each other
        line(axes[0], series, full.x + shift, kept)
        measured = values[f"width {width}"]
        points(axes[0], series, measured._replace(x=measured.x + shift), f"width {width}")
        distance = evidence["distance"][f"width {width}"]
        points(axes[1], series, distance._replace(x=distance.x + 1.0), f"width {width}")
    name_axes(axes[0], "after training (lines: closed form)", "rank of the singular value", "singular value")
    axes[0].set_xticks(full.x)
    name_axes(axes[1], "on the way there", "gradient steps, plus 1", "distance to the closed form (share)")
    axes[1].set_xscale("log")
    axes[1].set_yscale("log")
    for axis in axes:
        legend(axis)
    return figure


def draw_population(evidence: Evidence) -> Figure:
    """Each entry: derived (line), printed (dashed), estimated from samples (points)."""
    figure, axes = panels(len(ENTRIES))
    ratios = np.linspace(0.5, 1.0, 26)
    models = [dataclasses.replace(POPULATION_MODEL, spurious_ratio=float(ratio)) for ratio in ratios]
    derived = np.array([latent_covariance(model) for model in models])
    printed = np.array([printed_latent_covariance(model) for model in models])
    for axis, (entry, (row, column)) in zip(axes, ENTRIES.items(), strict=True):
        line(axis, 0, ratios, derived[:, row, column], "derived (S2)")
        line(axis, 5, ratios, printed[:, row, column], "printed (Lemma D.3)", "--")
        points(axis, 0, evidence[entry]["sample"], "samples")
        name_axes(axis, entry, "spurious ratio p_spu", "entry of the covariance")
        legend(axis)
    return figure


def draw_rate(evidence: Evidence) -> Figure:
    """Left: E ||C_n - C||_F^2, one line for every dimension, and the bound; right: what lies outside the plane."""
    figure, axes = panels(2, height=3.6)
    sizes = np.geomspace(SIZES[0], SIZES[-1], 60)
    places = jnp.asarray(sizes)
    line(
        axes[0],
        0,
        sizes,
        jax.vmap(functools.partial(mean_square_error, RATE_MODEL))(places),
        "exact mean, every dimension (S9)",
    )
    line(
        axes[0],
        5,
        sizes,
        jax.vmap(lambda samples: error_bound(RATE_MODEL, samples, FAILURE) ** 2)(places),
        f"bound, crossed with chance <= {FAILURE:g}",
        "--",
    )
    points(axes[0], 5, evidence[ERROR]["largest"], f"largest of {RATE_DRAWS} samples")
    for series, dim in enumerate(IMAGE_DIMS):
        model = dataclasses.replace(RATE_MODEL, image_dim=dim)
        prompt = latent_prompt(model, "class-mean")
        outside = jax.vmap(functools.partial(outside_mean_square, model, prompt))(places)
        line(axes[1], series, sizes, outside)
        points(axes[0], series, evidence[ERROR][rate_series(dim)], f"mean, images of {dim} dimensions")
        points(axes[1], series, evidence[OUTSIDE][rate_series(dim)], f"images of {dim} dimensions")
    name_axes(axes[0], "squared error of a full-width minimiser", "pairs n", "||C_n - C||_F^2")
    name_axes(axes[1], "the class-mean rule outside the signal's plane", "pairs n", "mean of r^2")
    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
        legend(axis)
    return figure
