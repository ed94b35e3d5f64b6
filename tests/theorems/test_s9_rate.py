"""S9: the rate at which the sample's minimiser reaches its population limit, with an exact constant."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import linregress

from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, z_scores
from theory import cross_covariance, latent_prompt
from theory.statements.rate import error_bound, mean_square_error, outside_mean_square

pytestmark = pytest.mark.statement("S9")

# Runs for each sample size, over more than two decades.
RUNS = {8: 4000, 30: 2000, 100: 1000, 1000: 400, 10_000: 300}


def squared_errors(model, samples, runs, seed=101):
    """||C_n - C||_F^2, and the squared part of C_n D_T q outside the signal's plane; shape (runs, 2)."""
    prompt = latent_prompt(model, "class-mean")

    def one(key):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        batch = sample_batch(batch_key, model, bases, samples)
        centred = [part - jnp.mean(part, axis=0)[None, :] for part in (batch.images, batch.texts)]
        found = centred[0].T @ centred[1] / (samples - 1)
        rule = found @ (bases.text @ prompt)
        outside = rule - bases.image @ (bases.image.T @ rule)
        error = found - cross_covariance(model, bases.image, bases.text)
        return jnp.stack([jnp.sum(error**2), jnp.sum(outside**2)])

    return np.asarray(jax.jit(lambda keys: jax.lax.map(one, keys))(jax.random.split(seeds.key(seed), runs)))


@pytest.fixture(scope="module")
def measured():
    return {samples: squared_errors(UNROUND, samples, runs) for samples, runs in RUNS.items()}


def test_mean_square_is_exact_and_rejects_plausible_mistakes(measured):
    for samples, draws in measured.items():
        exact = float(mean_square_error(UNROUND, samples))
        assert abs(z_scores(draws[:, 0], exact)) < CRITICAL
        noise_per_direction = dataclasses.replace(UNROUND, sigma_xi=UNROUND.sigma_xi * np.sqrt(UNROUND.image_dim))
        assert abs(z_scores(draws[:, 0], float(mean_square_error(noise_per_direction, samples)))) > CRITICAL
    # Terms of order n^(-2) forgotten: seen at n = 8.
    leading = 1000 * float(mean_square_error(UNROUND, 1e3)) / 8
    assert abs(z_scores(measured[8][:, 0], leading)) > CRITICAL


def test_outside_part_is_exact(measured):
    prompt = latent_prompt(UNROUND, "class-mean")
    for samples, draws in measured.items():
        exact = float(outside_mean_square(UNROUND, prompt, samples))
        assert abs(z_scores(draws[:, 1], exact)) < CRITICAL
        all_directions = exact * UNROUND.image_dim / (UNROUND.image_dim - 2)
        assert abs(z_scores(draws[:, 1], all_directions)) > CRITICAL


def test_slope_over_three_decades(measured):
    """-1/2 within its standard error; -1/3 and -1 are rejected. From 30 on, where n^(-2) terms are below 4%."""
    sizes = [samples for samples in RUNS if samples >= 100]
    means = [np.sqrt(measured[samples][:, 0]).mean() for samples in sizes]
    errors = [np.sqrt(measured[s][:, 0]).std() / np.sqrt(RUNS[s]) / m for s, m in zip(sizes, means, strict=True)]
    fit = linregress(np.log(sizes), np.log(means))
    spread = np.sqrt(np.sum(np.array(errors) ** 2)) / np.ptp(np.log(sizes)) * np.sqrt(2)
    assert abs(fit.slope + 0.5) < CRITICAL * spread
    for wrong in (-1 / 3, -1.0):
        assert abs(fit.slope - wrong) > CRITICAL * spread


def test_bounds_are_never_crossed(measured):
    for samples, draws in measured.items():
        norms = np.sqrt(draws[:, 0])
        sampling_error = CRITICAL * norms.std() / np.sqrt(len(norms))
        assert norms.mean() < error_bound(UNROUND, samples) + sampling_error
        assert norms.mean() > 0.8 * error_bound(UNROUND, samples)  # a bound, and not a loose one
        assert norms.max() < error_bound(UNROUND, samples, 0.01)


def test_dimension_moves_only_where_the_error_lies():
    wide = dataclasses.replace(UNROUND, image_dim=200, text_dim=100)
    np.testing.assert_allclose(mean_square_error(wide, 50), mean_square_error(UNROUND, 50), rtol=1e-14)
    draws = squared_errors(wide, 50, 400)
    assert abs(z_scores(draws[:, 0], float(mean_square_error(wide, 50)))) < CRITICAL
    prompt = latent_prompt(wide, "class-mean")
    assert abs(z_scores(draws[:, 1], float(outside_mean_square(wide, prompt, 50)))) < CRITICAL


def test_vmaps_and_differentiates():
    sizes = jnp.array([10.0, 100.0])
    many = jax.vmap(lambda samples: mean_square_error(UNROUND, samples))(sizes)
    np.testing.assert_allclose(many, [mean_square_error(UNROUND, 10), mean_square_error(UNROUND, 100)], rtol=1e-14)
    slope = jax.grad(lambda noise: mean_square_error(dataclasses.replace(UNROUND, sigma_xi=noise), 20))(1.7)
    assert slope > 0
