"""S6: population logistic regression by quadrature, against arbitrary precision, closed limits and simulation."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath.calculus.quadrature import GaussLegendre

from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import SpuriousModel, least_squares_direction, logistic_direction
from theory.statements.logistic import log_logistic_risk, logistic_risk

pytestmark = pytest.mark.statement("S6")

HARD = [
    UNROUND,
    SpuriousModel(),
    SpuriousModel(spurious_ratio=0.99, mu_spu=20.0),  # the spurious feature tells the attribute exactly
    SpuriousModel(sigma_inv=0.0, image_dim=256),  # nearly separable: the risk is about 1e-60
    SpuriousModel(spurious_ratio=0.9999, mu_spu=8.0, sigma_spu=0.3),
]


@functools.cache
def standard_nodes():
    """Places and weights, in 30 digits, of Gauss-Legendre quadrature with a standard normal density.

    Wide enough for a tail that starts 45 deviations out, in pieces that resolve its kink.
    """
    with mpmath.workdps(30):
        nodes = GaussLegendre(mpmath.mp).calc_nodes(4, mpmath.mp.prec)
        places = mpmath.linspace(-50, 15, 131)
        half = (places[1] - places[0]) / 2
        found = []
        for start in places[:-1]:
            for node, weight in nodes:
                place = start + half * (1 + node)
                found.append((place, half * weight * mpmath.npdf(place)))
        return found


def visible_nodes(margin, spread):
    """Those of which the risk's integrand is above e^-60 of its largest: the others are below a double's rounding."""
    places = np.array([place for place, _ in standard_nodes()], float)
    logs = -0.5 * places**2 - np.maximum(float(margin) + float(spread) * places, 0.0)
    return [node for node, log in zip(standard_nodes(), logs, strict=True) if log > logs.max() - 60.0]


def reference_gradient(model, direction):
    """Gradient of the logarithm of the risk by mpmath's Gauss-Legendre quadrature in 30 digits."""
    with mpmath.workdps(30):
        noise = mpmath.mpf(model.sigma_xi) ** 2 / model.image_dim
        variances = [mpmath.mpf(model.sigma_inv) ** 2 + noise, mpmath.mpf(model.sigma_spu) ** 2 + noise]
        weights = [mpmath.mpf(float(weight)) for weight in direction]
        spread = mpmath.sqrt(sum(w**2 * v for w, v in zip(weights, variances, strict=True)))
        scale = mpmath.exp(float(log_logistic_risk(model, direction)))
        risk, gradient = mpmath.mpf(0), [mpmath.mpf(0), mpmath.mpf(0)]
        for sign, share in ((1, model.spurious_ratio), (-1, 1 - mpmath.mpf(model.spurious_ratio))):
            means = [mpmath.mpf(model.mu_inv), sign * mpmath.mpf(model.mu_spu)]
            margin = sum(w * m for w, m in zip(weights, means, strict=True))

            base = tilt = mpmath.mpf(0)
            for e, weight in visible_nodes(margin, spread):
                raised = mpmath.exp(-(margin + spread * e))
                density = weight / scale
                risk += share * density * mpmath.log1p(raised)
                wrong = density * raised / (1 + raised)
                base, tilt = base + wrong, tilt + e * wrong
            for axis in range(2):
                along = variances[axis] * weights[axis] / spread
                gradient[axis] -= share * (means[axis] * base + along * tilt)
        return np.array([float(part / risk) for part in gradient]), float(mpmath.log(risk * scale))


@pytest.mark.parametrize("model", HARD, ids=range(len(HARD)))
def test_gradient_vanishes_in_arbitrary_precision(model):
    direction = logistic_direction(model)
    gradient, log_risk = reference_gradient(model, direction)
    np.testing.assert_allclose(log_logistic_risk(model, direction), log_risk, rtol=1e-9)
    # What is left of the gradient is less than what a change of either weight by one part in a million makes.
    for axis in range(2):
        shifted = np.array(direction)
        shifted[axis] *= 1 + 1e-6
        change = reference_gradient(model, jnp.asarray(shifted))[0] - gradient
        assert np.linalg.norm(gradient) < np.linalg.norm(change)


def test_always_aligned_is_fishers_discriminant():
    always = dataclasses.replace(UNROUND, spurious_ratio=1.0)
    noise = always.sigma_xi**2 / always.image_dim
    expected = [2 * always.mu_inv / (always.sigma_inv**2 + noise), 2 * always.mu_spu / (always.sigma_spu**2 + noise)]
    np.testing.assert_allclose(logistic_direction(always), expected, rtol=1e-9)


def test_without_correlation_the_spurious_feature_has_no_weight():
    balanced = dataclasses.replace(UNROUND, spurious_ratio=0.5)
    noise = balanced.sigma_xi**2 / balanced.image_dim
    expected = [2 * balanced.mu_inv / (balanced.sigma_inv**2 + noise), 0.0]
    np.testing.assert_allclose(logistic_direction(balanced), expected, rtol=1e-9, atol=1e-12)


def test_simulated_score_is_zero_and_rejects_plausible_mistakes():
    latents, _, labels, _ = draw_in_plane(UNROUND, 400_000, seed=21)

    def score(direction):
        return (labels / (1 + np.exp(labels * (latents @ np.asarray(direction)))))[:, None] * latents

    optimum = logistic_direction(UNROUND)
    assert agree(score(optimum), np.zeros(2))
    noiseless = logistic_direction(dataclasses.replace(UNROUND, sigma_xi=0.0))
    least_squares = least_squares_direction(UNROUND)
    least_squares = least_squares * optimum[0] / least_squares[0]  # of the same invariant weight
    for wrong in (noiseless, least_squares, optimum / 2):
        assert not agree(score(wrong), np.zeros(2))


def test_nearly_separable_classes_have_an_optimum_at_every_ratio():
    """At a risk of e^-26 a whole Newton step from far away ends where the risk is flat, and stays there."""
    model = SpuriousModel(0.7, 2.69288, 0.526602, 0.303701, 1.354774, 0.519269, image_dim=5)
    ratios = jnp.linspace(0.69, 0.71, 81)
    directions = jax.jit(jax.vmap(lambda ratio: logistic_direction(model.replace(spurious_ratio=ratio))))(ratios)
    assert np.isfinite(directions).all()
    for direction, ratio in zip(directions[::20], ratios[::20], strict=True):
        risk = logistic_risk(model.replace(spurious_ratio=float(ratio)), direction)
        assert np.linalg.norm(risk.gradient) < 1e-7 * float(risk.value)


@pytest.mark.parametrize(
    "model",
    [
        SpuriousModel(sigma_inv=0.0, sigma_xi=0.0),
        SpuriousModel(sigma_spu=0.0, sigma_xi=0.0, spurious_ratio=1.0),
        SpuriousModel(sigma_spu=0.0, sigma_xi=0.0, mu_spu=0.0),
    ],
)
def test_where_no_optimum_exists_it_is_not_a_number(model):
    assert np.isnan(logistic_direction(model)).all()


def test_discrete_attribute_without_noise_has_a_finite_optimum():
    sharp = SpuriousModel(sigma_spu=0.0, sigma_xi=0.0)
    # With z_spu = a mu_spu known exactly, the posterior is logistic in (z_inv, a): weights 2 mu / sigma^2 and
    # log(p / (1 - p)) / mu_spu.
    expected = [2.0, np.log(0.9 / 0.1) / 1.5]
    np.testing.assert_allclose(logistic_direction(sharp), expected, rtol=1e-9)


def test_derivative_is_that_of_the_optimum():
    weights = lambda ratio: logistic_direction(SpuriousModel(spurious_ratio=ratio))  # noqa: E731
    step = 1e-5
    difference = (weights(0.8 + step) - weights(0.8 - step)) / (2 * step)
    # Central differences err by step^2 times the third derivative, of order 1e3.
    np.testing.assert_allclose(jax.jit(jax.jacrev(weights))(0.8), difference, rtol=1e-6)


def test_vmaps_over_ratios():
    ratios = jnp.array([0.5, 0.7, 0.95, 1.0])
    many = jax.jit(jax.vmap(lambda ratio: logistic_direction(SpuriousModel(spurious_ratio=ratio))))(ratios)
    one_by_one = jnp.stack([logistic_direction(SpuriousModel(spurious_ratio=float(ratio))) for ratio in ratios])
    np.testing.assert_allclose(many, one_by_one, rtol=1e-9, atol=1e-12)
