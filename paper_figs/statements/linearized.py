"""S1, S2 and S9: the minimiser of the linearised loss, its limit, and the rate at which a sample reaches it."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
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


def draw_linearized(evidence: Evidence, curves: Curves) -> Figure:
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


def population_curves() -> dict[str, np.ndarray]:
    """Covariances over the ratio, derived and printed, shape (ratios, 2, 2)."""
    ratios = np.linspace(0.5, 1.0, 26)

    def both(ratio: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = dataclasses.replace(POPULATION_MODEL, spurious_ratio=ratio)
        return latent_covariance(model), printed_latent_covariance(model)

    derived, printed = jax.jit(jax.vmap(both))(jnp.asarray(ratios))
    return {"ratios": ratios, "derived": np.asarray(derived), "printed": np.asarray(printed)}


def draw_population(evidence: Evidence, curves: Curves) -> Figure:
    """Each entry: derived (line), printed (dashed), estimated from samples (points)."""
    figure, axes = panels(len(ENTRIES))
    ratios, derived, printed = curves["ratios"], curves["derived"], curves["printed"]
    for axis, (entry, (row, column)) in zip(axes, ENTRIES.items(), strict=True):
        line(axis, 0, ratios, derived[:, row, column], "derived (S2)")
        line(axis, 5, ratios, printed[:, row, column], "printed (Lemma D.3)", "--")
        points(axis, 0, evidence[entry]["sample"], "samples")
        name_axes(axis, entry, "spurious ratio p_spu", "entry of the covariance")
        legend(axis)
    return figure


def rate_curves() -> dict[str, np.ndarray]:
    """Mean square error and its bound over the number of pairs, and what lies outside the plane in each dimension."""
    sizes = np.geomspace(SIZES[0], SIZES[-1], 60)
    quantities: dict[str, Callable[[jax.Array], jax.Array]] = {
        "mean square error": functools.partial(mean_square_error, RATE_MODEL),
        "bound": lambda samples: error_bound(RATE_MODEL, samples, FAILURE) ** 2,
    }
    for dim in IMAGE_DIMS:
        model = dataclasses.replace(RATE_MODEL, image_dim=dim)
        prompt = latent_prompt(model, "class-mean")
        quantities[rate_series(dim)] = functools.partial(outside_mean_square, model, prompt)
    found = {name: np.asarray(jax.vmap(of)(jnp.asarray(sizes))) for name, of in quantities.items()}
    return {"sizes": sizes, **found}


def draw_rate(evidence: Evidence, curves: Curves) -> Figure:
    """Left: E ||C_n - C||_F^2, one line for every dimension, and the bound; right: what lies outside the plane."""
    figure, axes = panels(2, height=3.6)
    sizes = curves["sizes"]
    line(axes[0], 0, sizes, curves["mean square error"], "exact mean, every dimension (S9)")
    line(axes[0], 5, sizes, curves["bound"], f"bound, crossed with chance <= {FAILURE:g}", "--")
    points(axes[0], 5, evidence[ERROR]["largest"], f"largest of {RATE_DRAWS} samples")
    for series, dim in enumerate(IMAGE_DIMS):
        line(axes[1], series, sizes, curves[rate_series(dim)])
        points(axes[0], series, evidence[ERROR][rate_series(dim)], f"mean, images of {dim} dimensions")
        points(axes[1], series, evidence[OUTSIDE][rate_series(dim)], f"images of {dim} dimensions")
    name_axes(axes[0], "squared error of a full-width minimiser", "pairs n", "||C_n - C||_F^2")
    name_axes(axes[1], "the class-mean rule outside the signal's plane", "pairs n", "mean of r^2")
    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
        legend(axis)
    return figure
