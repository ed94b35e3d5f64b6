"""S5: the population least-squares classifier on the same images."""

import dataclasses

import numpy as np
import pytest

from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import SpuriousModel, least_squares_direction

pytestmark = pytest.mark.statement("S5")


def normal_equations(direction, size=400_000):
    """Draws of (<v, x> - y) D_I^T x, whose expectation is 0 at the optimum."""
    latents, _, labels, _ = draw_in_plane(UNROUND, size, seed=11)
    return (latents @ np.asarray(direction) - labels)[:, None] * latents


def test_simulated_residuals_are_uncorrelated_and_reject_plausible_mistakes():
    assert agree(normal_equations(least_squares_direction(UNROUND)), np.zeros(2))
    for wrong in (
        dataclasses.replace(UNROUND, sigma_xi=0.0),  # the image noise forgotten
        dataclasses.replace(UNROUND, spurious_ratio=(1 + UNROUND.spurious_ratio) / 2),  # p for 2p - 1
    ):
        assert not agree(normal_equations(least_squares_direction(wrong)), np.zeros(2))


def test_fit_to_samples_has_nothing_outside_the_plane():
    """Regressions on independent samples average to the closed form, and to 0 outside the signal's plane."""

    sample = draw_in_plane(UNROUND, 200 * 4000, seed=5, dims=(UNROUND.image_dim, 2)).batches(200)
    moments = np.swapaxes(sample.images, 1, 2) @ sample.images
    rules = np.linalg.solve(moments, np.einsum("rni,rn->ri", sample.images, sample.labels)[:, :, None])[:, :, 0]
    # The bias of order 1 / 4000 is a fiftieth of one sample's error; 200 samples leave it a quarter of the mean's.
    fits = rules[:, :3]
    assert agree(fits, np.append(least_squares_direction(UNROUND), 0.0))


def test_limits():
    assert least_squares_direction(dataclasses.replace(UNROUND, spurious_ratio=0.5))[1] == 0.0
    # Always aligned: proportional to Fisher's discriminant, means over variances.
    always = dataclasses.replace(UNROUND, spurious_ratio=1.0)
    noise = always.sigma_xi**2 / always.image_dim
    fisher = [always.mu_inv / (always.sigma_inv**2 + noise), always.mu_spu / (always.sigma_spu**2 + noise)]
    direction = np.asarray(least_squares_direction(always))
    np.testing.assert_allclose(direction / direction[0], np.divide(fisher, fisher[0]), rtol=1e-12)
    # A spurious feature without a mean is ignored.
    assert least_squares_direction(SpuriousModel(mu_spu=0.0))[1] == 0.0
