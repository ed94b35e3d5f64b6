"""S5: the population least-squares classifier on the same images."""

import dataclasses

import jax
import numpy as np
import pytest

from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree, draw
from theory import SpuriousModel, least_squares_direction

pytestmark = pytest.mark.statement("S5")


def normal_equations(direction, size=400_000):
    """Draws of (<v, x> - y) D_I^T x, whose expectation is 0 at the optimum."""
    bases, batch = draw(UNROUND, size, seed=11)
    latents = np.asarray(batch.images @ bases.image)
    return (latents @ np.asarray(direction) - np.asarray(batch.labels))[:, None] * latents


def test_simulated_residuals_are_uncorrelated_and_reject_plausible_mistakes():
    assert agree(normal_equations(least_squares_direction(UNROUND)), np.zeros(2))
    for wrong in (
        dataclasses.replace(UNROUND, sigma_xi=0.0),  # the image noise forgotten
        dataclasses.replace(UNROUND, spurious_ratio=(1 + UNROUND.spurious_ratio) / 2),  # p for 2p - 1
    ):
        assert not agree(normal_equations(least_squares_direction(wrong)), np.zeros(2))


def test_fit_to_samples_has_nothing_outside_the_plane():
    """Regressions on independent samples average to the closed form, and to 0 outside the signal's plane."""

    def fit(key):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, UNROUND.image_dim, UNROUND.text_dim)
        batch = sample_batch(batch_key, UNROUND, bases, 4000)
        rule = np.linalg.lstsq(np.asarray(batch.images), np.asarray(batch.labels))[0]
        inside = np.asarray(bases.image).T @ rule
        return np.append(inside, (rule - np.asarray(bases.image) @ inside)[0])

    # The bias of order 1 / 4000 is a fiftieth of one sample's error; 200 samples leave it a quarter of the mean's.
    fits = np.stack([fit(key) for key in jax.random.split(seeds.key(5), 200)])
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
