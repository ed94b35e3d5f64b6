"""S10: the Bayes classifier of the training distribution."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import SpuriousModel, bayes_accuracies, group_accuracies, logistic_direction
from theory.statements.bayes import half_log_odds

pytestmark = pytest.mark.statement("S10")

RARE = dataclasses.replace(UNROUND, class_prior=0.3)


def posterior_odds(model, images):
    """log p(u, y = +1) - log p(u, y = -1), from the four Gaussians themselves."""
    deviation = np.sqrt(np.asarray(model.image_variance))
    joint = {}
    for label in (1, -1):
        prior = model.class_prior if label == 1 else 1 - model.class_prior
        joint[label] = sum(
            prior
            * (model.spurious_ratio if attribute == label else 1 - model.spurious_ratio)
            * norm.pdf(images[:, 0], label * model.mu_inv, deviation[0])
            * norm.pdf(images[:, 1], attribute * model.mu_spu, deviation[1])
            for attribute in (1, -1)
        )
    return np.log(joint[1] / joint[-1])


@pytest.mark.parametrize("model", [UNROUND, RARE])
def test_log_odds_are_those_of_the_densities(model):
    images = seeds.generator(0).normal(size=(200, 2)) * 2.0
    np.testing.assert_allclose(2 * half_log_odds(model, images), posterior_odds(model, images), atol=1e-10)


@pytest.mark.parametrize("model", [UNROUND, RARE])
def test_accuracies_against_adaptive_quadrature(model):
    deviation = np.sqrt(np.asarray(model.image_variance))

    nodes, weights = np.polynomial.legendre.leggauss(200)

    def accuracy(label, attribute):
        spurious = attribute * model.mu_spu + 8.5 * deviation[1] * nodes
        # Where the posterior is one half, by bisection on the ratio of the densities.
        low, high = np.full(200, -60.0), np.full(200, 60.0)
        for _ in range(60):
            middle = (low + high) / 2
            positive = np.asarray(half_log_odds(model, np.stack([middle, spurious], 1))) > 0
            low, high = np.where(positive, low, middle), np.where(positive, middle, high)
        above = norm.sf(low, label * model.mu_inv, deviation[0])
        right = above if label == 1 else 1 - above
        density = norm.pdf(spurious, attribute * model.mu_spu, deviation[1])
        return 8.5 * deviation[1] * np.sum(weights * right * density)

    prior = model.class_prior
    expected = [prior * accuracy(1, sign) + (1 - prior) * accuracy(-1, -sign) for sign in (1, -1)]
    # 200 Gauss-Legendre nodes over 17 deviations leave rounding.
    np.testing.assert_allclose(bayes_accuracies(model)[:2], expected, atol=1e-9)


@pytest.mark.parametrize("ratio", [1.0, 0.0])
def test_simulation_agrees_and_rejects_plausible_mistakes(ratio):
    sample = draw_in_plane(RARE, 400_000, seed=51, ratio=ratio)
    right = np.asarray(np.sign(half_log_odds(RARE, sample.images)) == sample.labels, float)
    group = 0 if ratio == 1.0 else 1
    assert agree(right, bayes_accuracies(RARE)[group])
    wrong = [bayes_accuracies(UNROUND)]  # the prior forgotten
    if group == 0:  # where the attribute conflicts, these happen to come within 0.1 points
        wrong.append(bayes_accuracies(dataclasses.replace(RARE, sigma_xi=0.0)))  # noise forgotten
        wrong.append(group_accuracies(RARE, logistic_direction(RARE)))  # the background's evidence not saturated
    for accuracies in wrong:
        assert not agree(right, accuracies[group])


def test_no_linear_rule_is_more_accurate_in_distribution():
    best = bayes_accuracies(UNROUND)[2]
    angles = jnp.linspace(-jnp.pi, jnp.pi, 721)
    rules = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)
    linear = jax.jit(jax.vmap(lambda rule: group_accuracies(UNROUND, rule)[2]))(rules)
    assert float(jnp.max(linear)) < float(best)


def test_limits():
    always = dataclasses.replace(UNROUND, spurious_ratio=1.0)
    np.testing.assert_allclose(  # Fisher's discriminant
        bayes_accuracies(always), group_accuracies(always, logistic_direction(always)), rtol=1e-9
    )
    balanced = dataclasses.replace(UNROUND, spurious_ratio=0.5)
    np.testing.assert_allclose(
        bayes_accuracies(balanced), group_accuracies(balanced, jnp.array([1.0, 0.0])), rtol=1e-12
    )
    # The attribute is seen exactly: threshold at -log(9) sigma^2 / 2 mu for a = +1, by hand.
    exact = SpuriousModel(sigma_spu=0.0, sigma_xi=0.0)
    shift = np.log(9.0) / 2
    np.testing.assert_allclose(bayes_accuracies(exact)[:2], norm.cdf([1 + shift, 1 - shift]), rtol=1e-12)
    sharp = SpuriousModel(sigma_inv=0.0, sigma_xi=0.0)
    np.testing.assert_allclose(bayes_accuracies(sharp), 1.0, rtol=1e-12)


def test_in_distribution_accuracy_is_one_minus_the_bayes_error():
    """The Bayes error: the smaller of the two joint densities, summed over the plane."""
    axis = np.linspace(-9, 9, 901)
    images = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=2).reshape(-1, 2)
    deviation = np.sqrt(np.asarray(UNROUND.image_variance))
    density = sum(
        0.5
        * (UNROUND.spurious_ratio if attribute == label else 1 - UNROUND.spurious_ratio)
        * norm.pdf(images[:, 0], label * UNROUND.mu_inv, deviation[0])
        * norm.pdf(images[:, 1], attribute * UNROUND.mu_spu, deviation[1])
        for label in (1, -1)
        for attribute in (1, -1)
    )
    error = np.sum(density / (1 + np.exp(np.abs(posterior_odds(UNROUND, images))))) * (axis[1] - axis[0]) ** 2
    # The kink where the posterior is 1/2 costs a step of 0.02 squared.
    np.testing.assert_allclose(bayes_accuracies(UNROUND)[2], 1 - error, atol=1e-4)


def test_vmaps_and_differentiates():
    ratios = jnp.array([0.55, 0.8, 0.97])
    function = lambda ratio: bayes_accuracies(SpuriousModel(spurious_ratio=ratio))[1]  # noqa: E731
    compiled = jax.jit(jax.value_and_grad(function))
    many = jax.jit(jax.vmap(function))(ratios)
    np.testing.assert_allclose(many, [compiled(float(ratio))[0] for ratio in ratios], rtol=1e-12)
    step = 1e-5
    difference = (compiled(0.8 + step)[0] - compiled(0.8 - step)[0]) / (2 * step)
    np.testing.assert_allclose(compiled(0.8)[1], difference, rtol=1e-7)  # central differences err by step^2
