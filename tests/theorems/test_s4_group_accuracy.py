"""S4: the accuracy of any linear rule in every group, exact for finite dimensions and noise."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import SpuriousModel, group_accuracies

pytestmark = pytest.mark.statement("S4")

DIRECTION, RESIDUAL = jnp.array([0.4, 0.9]), 1.3
SIZE = 400_000
RATIOS = (1.0, 0.0, UNROUND.spurious_ratio, 0.5)


def correct(ratio, seed):
    """Whether each image is classified right by a rule with a part outside the signal's plane; 0 or 1."""
    sample = draw_in_plane(UNROUND, SIZE, seed=seed, ratio=ratio, dims=(UNROUND.image_dim, 2))
    scores = sample.images[:, :2] @ np.asarray(DIRECTION) + RESIDUAL * sample.images[:, 2]
    return np.asarray(np.sign(scores) == sample.labels, float)


@pytest.mark.parametrize("group", range(4))
def test_simulation_agrees_and_rejects_plausible_mistakes(group):
    draws = correct(RATIOS[group], seed=group)
    assert agree(draws, group_accuracies(UNROUND, DIRECTION, RESIDUAL)[group])
    noiseless = dataclasses.replace(UNROUND, sigma_xi=0.0)
    all_noise = dataclasses.replace(UNROUND, sigma_xi=UNROUND.sigma_xi * np.sqrt(UNROUND.image_dim))
    assert not agree(draws, group_accuracies(noiseless, DIRECTION, RESIDUAL)[group])  # the limit d -> infinity
    assert not agree(draws, group_accuracies(all_noise, DIRECTION, RESIDUAL)[group])  # sigma_xi^2 not over d
    if group != 3:  # over both groups alike, the outside part costs about as much as it gives
        assert not agree(draws, group_accuracies(UNROUND, DIRECTION)[group])  # the outside part forgotten


def test_invariant_feature_alone_does_not_see_the_groups():
    accuracies = np.asarray(group_accuracies(UNROUND, jnp.array([2.0, 0.0])))
    deviation = np.sqrt(UNROUND.sigma_inv**2 + UNROUND.sigma_xi**2 / UNROUND.image_dim)
    np.testing.assert_allclose(accuracies, norm.cdf(UNROUND.mu_inv / deviation), rtol=1e-14)


def test_spurious_feature_alone_is_as_wrong_as_it_is_right():
    aligned, conflicting, in_distribution, uniform = np.asarray(group_accuracies(UNROUND, jnp.array([0.0, 1.0])))
    np.testing.assert_allclose(aligned + conflicting, 1.0, rtol=1e-14)
    np.testing.assert_allclose(uniform, 0.5, rtol=1e-14)
    ratio = UNROUND.spurious_ratio
    np.testing.assert_allclose(in_distribution, ratio * aligned + (1 - ratio) * conflicting, rtol=1e-14)


def test_length_does_not_matter_and_sign_flips():
    once, thrice = (group_accuracies(UNROUND, factor * DIRECTION) for factor in (1.0, 3.0))
    np.testing.assert_allclose(once, thrice, rtol=1e-14)
    np.testing.assert_allclose(group_accuracies(UNROUND, -DIRECTION), 1.0 - once, rtol=1e-13)


def test_without_any_spread_the_margin_decides():
    sharp = SpuriousModel(mu_inv=1.0, mu_spu=2.0, sigma_inv=0.0, sigma_spu=0.0, sigma_xi=0.0, spurious_ratio=0.75)
    np.testing.assert_array_equal(group_accuracies(sharp, jnp.array([1.0, 1.0])), [1.0, 0.0, 0.75, 0.5])
    np.testing.assert_array_equal(group_accuracies(sharp, jnp.array([2.0, 1.0])), [1.0, 0.5, 0.875, 0.75])


def test_zero_direction_decides_nothing():
    assert np.isnan(group_accuracies(UNROUND, jnp.zeros(2))).all()


def test_vmaps_over_parameters_and_differentiates():
    ratios = jnp.linspace(0.5, 1.0, 7)
    accuracy = lambda ratio: group_accuracies(SpuriousModel(spurious_ratio=ratio), DIRECTION)[2]  # noqa: E731
    many = jax.vmap(accuracy)(ratios)
    np.testing.assert_allclose(many, [accuracy(float(ratio)) for ratio in ratios], rtol=1e-14)
    aligned, conflicting, *_ = group_accuracies(SpuriousModel(), DIRECTION)
    np.testing.assert_allclose(jax.grad(accuracy)(0.8), aligned - conflicting, rtol=1e-12)


def test_intercept_and_unequal_classes():
    """Accuracy with an intercept where one class is rarer; a wrong sign of it, or equal classes, are rejected."""
    model, intercept = dataclasses.replace(UNROUND, class_prior=0.2), -0.6
    sample = draw_in_plane(model, SIZE, seed=45, ratio=0.0)
    right = np.asarray(np.sign(sample.images @ np.asarray(DIRECTION) + intercept) == sample.labels, float)
    assert agree(right, group_accuracies(model, DIRECTION, 0.0, intercept)[1])
    assert not agree(right, group_accuracies(model, DIRECTION, 0.0, -intercept)[1])
    assert not agree(right, group_accuracies(UNROUND, DIRECTION, 0.0, intercept)[1])


def test_without_intercept_the_prior_does_not_matter():
    rare = dataclasses.replace(UNROUND, class_prior=0.03)
    np.testing.assert_allclose(group_accuracies(rare, DIRECTION), group_accuracies(UNROUND, DIRECTION), rtol=1e-14)
