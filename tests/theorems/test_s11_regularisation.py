"""S11: regularised logistic regression, from the difference of the class means to the largest margin."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit

from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import Caption, SpuriousModel, caption_covariance, least_squares_direction, logistic_direction
from theory.statements.regularisation import (
    regularised_logistic_direction,
    strongly_regularised_direction,
    weakly_regularised_direction,
    weight_beside_separation,
)

pytestmark = pytest.mark.statement("S11")


def reliance(direction):
    return float(direction[1] / direction[0])


def test_simulated_score_is_zero_and_rejects_plausible_mistakes():
    """The gradient of the penalised risk, image by image, at the closed form's optimum."""
    penalty = 0.3
    images, _, labels, _ = draw_in_plane(UNROUND, 400_000, seed=61)

    def score(direction):
        weights = np.asarray(direction)
        return penalty * weights - (labels * expit(-labels * (images @ weights)))[:, None] * images

    optimum = regularised_logistic_direction(UNROUND, penalty)
    assert agree(score(optimum), np.zeros(2))
    for wrong in (
        regularised_logistic_direction(UNROUND, 2 * penalty),  # a factor 2 in the penalty
        logistic_direction(UNROUND),
        regularised_logistic_direction(dataclasses.replace(UNROUND, sigma_xi=0.0), penalty),
    ):
        assert not agree(score(wrong), np.zeros(2))


def test_strong_penalty_leads_to_the_difference_of_the_class_means():
    limit = reliance(strongly_regularised_direction(UNROUND))
    distances = [abs(reliance(regularised_logistic_direction(UNROUND, penalty)) - limit) for penalty in (1e2, 1e3, 1e4)]
    # The next term of the expansion in 1 / penalty: ten times the penalty, a tenth of the distance.
    np.testing.assert_allclose(np.array(distances[:-1]) / distances[1:], 10.0, rtol=0.1)
    assert abs(reliance(least_squares_direction(UNROUND)) - limit) > 100 * distances[-1]


def test_strong_limit_is_the_linearised_learner_of_label_captions():
    rule = caption_covariance(UNROUND, Caption("label"))[:, 0]
    np.testing.assert_allclose(reliance(rule), reliance(strongly_regularised_direction(UNROUND)), rtol=1e-14)


def test_weak_penalty_leads_to_the_unregularised_optimum():
    limit = np.asarray(weakly_regularised_direction(UNROUND))
    optimum = np.asarray(logistic_direction(UNROUND))
    np.testing.assert_allclose(limit, optimum / np.linalg.norm(optimum), rtol=1e-12)
    distances = [
        np.linalg.norm(np.asarray(regularised_logistic_direction(UNROUND, penalty)) - optimum)
        for penalty in (1e-5, 1e-6)
    ]
    np.testing.assert_allclose(distances[0] / distances[1], 10.0, rtol=0.01)  # first order in the penalty


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"sigma_inv": 0.0}, [1.0, 0.0]),
        ({"sigma_spu": 0.0, "spurious_ratio": 1.0}, [0.0, 1.0]),
        ({"sigma_spu": 0.0, "mu_spu": 0.0}, [1.0, 0.0]),
    ],
)
def test_separable_classes_approach_the_largest_margin(change, limit):
    model = dataclasses.replace(UNROUND, sigma_xi=0.0, **change)
    np.testing.assert_array_equal(weakly_regularised_direction(model), limit)
    off = []
    for penalty in (1e-2, 1e-4, 1e-8):
        direction = np.asarray(regularised_logistic_direction(model, penalty))
        direction = direction / np.linalg.norm(direction)
        off.append(np.sqrt(max(0.0, 1 - (direction @ np.array(limit)) ** 2)))
    # The margin grows with the logarithm of 1 / penalty, and so slowly does the angle close.
    assert off[0] >= off[1] >= off[2] and off[2] < 0.2


@pytest.mark.parametrize(
    ("change", "leading"),
    [
        ({"sigma_inv": 0.0}, 0),
        ({"sigma_inv": 0.0, "spurious_ratio": 1.0}, 0),
        ({"sigma_spu": 0.0, "spurious_ratio": 1.0}, 1),
    ],
)
def test_the_angle_closes_as_one_over_the_logarithm(change, leading):
    """Both equations of the page at the optimum, and the limits that follow; other rates are rejected.

    What they leave out is e^(-margin) of them, of the order of penalty * log(1 / penalty): the tolerance is 100 times
    the penalty, and 2e-5 for where the iteration stops.
    """
    model = dataclasses.replace(UNROUND, sigma_xi=0.0, **change)
    mean, variance = np.asarray(model.latent_mean), np.asarray(model.latent_sigma) ** 2
    other = 1 - leading
    groups = [(model.spurious_ratio, 1), (1 - model.spurious_ratio, -1)]

    def moment(weight):
        return sum(
            p * np.exp(-sign * weight * mean[other] + weight**2 * variance[other] / 2) for p, sign in groups if p > 0
        )

    limit = float(weight_beside_separation(model)) if leading == 0 else mean[0] / variance[0]
    # The minimum of M, by SciPy.
    np.testing.assert_allclose(limit, minimize_scalar(moment, (0.0, 1.0), tol=1e-12).x, rtol=1e-6)

    penalties, off, reliances = (1e-4, 1e-8), [], []
    for penalty in penalties:
        direction = np.asarray(regularised_logistic_direction(model, penalty))
        large, small = direction[leading], direction[other]
        margin = large * mean[leading]
        np.testing.assert_allclose(
            mean[leading] * np.exp(-margin) * moment(small), penalty * large, rtol=100 * penalty + 2e-5
        )
        step = 1e-5
        slope = (np.log(moment(small + step)) - np.log(moment(small - step))) / (2 * step)
        np.testing.assert_allclose(slope, -small * mean[leading] / large, atol=100 * penalty + 2e-5)
        off.append(abs(small - limit))
        reliances.append(small / large)
    assert 1.4 < off[0] / off[1] < 2.6  # what is left of b* falls as 1 / log(1 / penalty), which doubles, as well
    # So the reliance halves, up to log log and the next order; as a root of the penalty or the logarithm it would not.
    halved = reliances[0] / reliances[1]
    assert abs(halved - 2) < 0.3
    for wrong in ((penalties[0] / penalties[1]) ** 0.25, 2**0.5, 4.0):
        assert abs(halved - wrong) > 0.3


def test_without_any_spread_the_largest_margin_is_by_hand():
    sharp = SpuriousModel(mu_inv=0.9, mu_spu=1.4, sigma_inv=0.0, sigma_spu=0.0, sigma_xi=0.0, spurious_ratio=0.8)
    np.testing.assert_array_equal(weakly_regularised_direction(sharp), [1.0, 0.0])
    always = dataclasses.replace(sharp, spurious_ratio=1.0)
    np.testing.assert_allclose(weakly_regularised_direction(always), np.array([0.9, 1.4]) / np.hypot(0.9, 1.4))


def test_vmaps_and_differentiates():
    penalties = jnp.array([1e-3, 0.1, 10.0])
    function = lambda penalty: regularised_logistic_direction(UNROUND, penalty)  # noqa: E731
    many = jax.jit(jax.vmap(function))(penalties)
    np.testing.assert_allclose(many, [function(float(penalty)) for penalty in penalties], rtol=1e-9)
    step = 1e-5
    difference = (function(0.1 + step) - function(0.1 - step)) / (2 * step)
    np.testing.assert_allclose(
        jax.jit(jax.jacfwd(function))(0.1), difference, rtol=1e-6
    )  # central differences err by step^2
