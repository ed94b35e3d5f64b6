"""S19: rays and ellipses on probit axes, and the index of spurious reliance with its standard error."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, chi2, norm

from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, draw_in_plane
from theory import group_accuracies
from theory.statements.accuracy_on_the_line import Estimate, fit_line, line_slope, probit, probits, reliance_index

pytestmark = pytest.mark.statement("S19")

RELIANCE, TAU = 0.4, 0.4 * UNROUND.mu_spu / UNROUND.mu_inv
SIZE = 200_000


def test_probits_are_those_of_the_group_accuracies():
    accuracies = group_accuracies(UNROUND, jnp.array([1.0, RELIANCE]))[:2]
    np.testing.assert_allclose(norm.cdf(probits(UNROUND, RELIANCE)), accuracies, rtol=1e-12)


def simulated(quality, seed):
    """Probits of a rule whose score carries further noise, measured on sampled images."""
    rng = seeds.generator(seed)
    found = []
    for ratio in (1.0, 0.0):
        sample = draw_in_plane(UNROUND, SIZE, seed=100 + seed, ratio=ratio)
        score = sample.images @ np.array([1.0, RELIANCE]) + np.sqrt(quality) * rng.normal(size=SIZE)
        right = np.mean(np.sign(score) == sample.labels)
        found.append(probit(jnp.asarray(right), jnp.asarray(float(SIZE))))
    return found


def test_learners_of_one_reliance_lie_on_one_ray_whatever_their_quality():
    measured = [simulated(quality, seed) for seed, quality in enumerate((0.0, 0.5, 2.0, 8.0))]
    groups = zip(*measured, strict=True)
    aligned, conflicting = (jax.tree.map(lambda *parts: jnp.stack(parts), *group) for group in groups)
    index = reliance_index(aligned, conflicting)
    assert np.all(np.abs((index.value - TAU) / index.standard_error) < CRITICAL)
    assert np.any(np.abs((index.value - RELIANCE) / index.standard_error) > CRITICAL)  # mu_spu / mu_inv forgotten
    fitted = jax.jit(fit_line)(aligned, conflicting)
    assert abs(fitted.slope.value - line_slope(UNROUND, RELIANCE)) < CRITICAL * fitted.slope.standard_error
    assert fitted.chi_square < chi2.isf(1e-5, 3)
    # On logit axes the ray is bent: the ratio is not the same for every quality.
    exact = norm.cdf(np.array([probits(UNROUND, RELIANCE, further) for further in (0.0, 0.5, 2.0, 8.0)]))
    logits = np.log(exact / (1 - exact))
    assert np.ptp(logits[:, 1] / logits[:, 0]) > 0.005


def test_learners_of_different_reliance_lie_on_an_ellipse_and_not_on_a_line():
    reliances = jnp.linspace(0.0, 2.0, 21)
    both = jax.jit(jax.vmap(lambda reliance: probits(UNROUND, reliance)))(reliances)
    total, difference = both[:, 0] + both[:, 1], both[:, 0] - both[:, 1]
    variance = UNROUND.image_variance
    ellipse = variance[0] * (total / (2 * UNROUND.mu_inv)) ** 2 + variance[1] * (difference / (2 * UNROUND.mu_spu)) ** 2
    np.testing.assert_allclose(ellipse, 1.0, rtol=1e-12)
    slopes = np.diff(both[:, 1]) / np.diff(both[:, 0])
    np.testing.assert_allclose(slopes[0], -1.0, atol=0.05)  # first order in t at t = 0.05
    assert np.ptp(slopes) > 0.5
    exact = dataclasses.replace(UNROUND, sigma_spu=0.0, sigma_xi=0.0)
    straight = jax.vmap(lambda reliance: probits(exact, reliance))(reliances)
    np.testing.assert_allclose(np.diff(straight[:, 1]), -np.diff(straight[:, 0]), rtol=1e-12)


def test_intervals_cover_as_often_as_they_say():
    """95% intervals of the index over 4000 pairs of binomial counts, small enough for the error to matter."""
    rng = seeds.generator(7)
    accuracies = norm.cdf(np.asarray(probits(UNROUND, RELIANCE)))
    images = np.array([900, 700])
    counts = rng.binomial(images, accuracies, size=(4000, 2))
    estimates = [
        jax.jit(probit)(jnp.asarray(counts[:, i] / images[i]), jnp.full(4000, float(images[i]))) for i in (0, 1)
    ]
    index = jax.jit(reliance_index)(*estimates)
    covered = np.abs((np.asarray(index.value) - TAU) / np.asarray(index.standard_error)) < norm.isf(0.025)
    low, high = binom.ppf([1e-5, 1 - 1e-5], 4000, 0.95) / 4000
    assert low < covered.mean() < high
    halved = np.abs((np.asarray(index.value) - TAU) / np.asarray(index.standard_error)) < norm.isf(0.025) / np.sqrt(2)
    assert not low < halved.mean() < high  # one group's error forgotten


def test_line_is_the_minimum_of_the_weighted_distances():
    rng = seeds.generator(8)
    true = rng.uniform(0.3, 2.0, 12)
    errors = rng.uniform(0.02, 0.1, (2, 12))
    aligned = Estimate(jnp.asarray(true + errors[0] * rng.normal(size=12)), jnp.asarray(errors[0]))
    conflicting = Estimate(jnp.asarray(0.4 * true + errors[1] * rng.normal(size=12)), jnp.asarray(errors[1]))

    def distance(slope):
        residuals = np.asarray(conflicting.value) - slope * np.asarray(aligned.value)
        return np.sum(residuals**2 / (errors[1] ** 2 + slope**2 * errors[0] ** 2))

    found = minimize_scalar(distance, bounds=(-1, 2), method="bounded", options={"xatol": 1e-10})
    fitted = jax.jit(fit_line)(aligned, conflicting)
    np.testing.assert_allclose(fitted.slope.value, found.x, atol=1e-7)  # where a parabola's minimum is known to
    np.testing.assert_allclose(fitted.chi_square, found.fun, rtol=1e-9)
    np.testing.assert_allclose(fitted.reliance.value, (1 - found.x) / (1 + found.x), atol=1e-6)


def test_no_index_below_chance():
    index = reliance_index(
        Estimate(jnp.array([-0.5, 0.5]), jnp.array([0.1, 0.1])), Estimate(jnp.array([0.2, 0.2]), jnp.array([0.1, 0.1]))
    )
    assert np.isnan(index.value[0]) and np.isfinite(index.value[1])


def test_vmaps_and_differentiates():
    slopes = jax.vmap(lambda reliance: line_slope(UNROUND, reliance))(jnp.array([0.0, 0.5]))
    np.testing.assert_allclose(slopes[0], 1.0)
    assert np.isfinite(jax.grad(lambda t: probits(UNROUND, t)[1])(0.3))
