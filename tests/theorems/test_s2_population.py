"""S2: the population cross-covariance, the printed one beside it, and the rate at which samples reach it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import linregress

from sims.synthetic.sampler import sample_bases
from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane, sample_covariances
from theory import SpuriousModel, cross_covariance, latent_covariance
from theory.statements.theorem62 import printed_latent_covariance

pytestmark = pytest.mark.statement("S2")


@functools.cache
def latent_products(model, size, seed=0):
    """Independent draws, shape (size, 2, 2), whose expectation is the latent covariance: image times text."""
    sample = draw_in_plane(model, size, seed=seed)
    return sample.images[:, :, None] * sample.texts[:, None, :]


def test_simulation_agrees_and_rejects_the_printed_matrix():
    draws = latent_products(UNROUND, 200_000)
    assert agree(draws, latent_covariance(UNROUND))
    assert not agree(draws, printed_latent_covariance(UNROUND))


@pytest.mark.parametrize(
    ("row", "column", "wrong"),
    [
        (0, 1, lambda m: m.spurious_ratio * m.mu_inv * m.mu_spu),  # p for 2p - 1
        (0, 1, lambda m: 2 * m.mu_spu * m.spurious_ratio - 1),  # as printed
        (1, 1, lambda m: 1 + m.sigma_spu**2),  # as printed
        (0, 0, lambda m: m.mu_inv**2 + m.sigma_inv**2 + m.sigma_xi**2 / m.image_dim),  # noise that should drop out
    ],
)
def test_each_entry_rejects_a_plausible_mistake(row, column, wrong):
    draws = latent_products(UNROUND, 200_000)[:, row, column]
    assert agree(draws, latent_covariance(UNROUND)[row, column])
    assert not agree(draws, wrong(UNROUND))


def test_printed_matrix_is_right_where_both_means_are_one():
    ones = dataclasses.replace(UNROUND, mu_inv=1.0, mu_spu=1.0)
    np.testing.assert_allclose(printed_latent_covariance(ones), latent_covariance(ones), rtol=1e-15)
    other = dataclasses.replace(ones, mu_spu=1.01)
    assert np.abs(printed_latent_covariance(other) - latent_covariance(other)).max() > 0.001


def test_limits():
    assert latent_covariance(SpuriousModel(spurious_ratio=0.5))[0, 1] == 0.0
    always = latent_covariance(SpuriousModel(spurious_ratio=1.0, mu_inv=2.0, mu_spu=3.0, sigma_inv=0, sigma_spu=0))
    np.testing.assert_array_equal(always, [[4.0, 6.0], [6.0, 9.0]])


def test_cross_covariance_lifts_it_to_images_and_texts():
    bases = jax.jit(sample_bases, static_argnums=(1, 2))(seeds.key(0), UNROUND.image_dim, UNROUND.text_dim)
    lifted = cross_covariance(UNROUND, bases.image, bases.text)
    np.testing.assert_allclose(bases.image.T @ lifted @ bases.text, latent_covariance(UNROUND), atol=1e-14)
    assert np.linalg.matrix_rank(lifted) == 2


def test_samples_converge_at_the_root_of_their_number():
    dims = UNROUND.image_dim, UNROUND.text_dim
    population = np.asarray(cross_covariance(UNROUND, *(jnp.eye(dim, 2) for dim in dims)))
    sizes, repeats = [25, 250, 2500], 400
    mean_squares = []
    for size in sizes:
        sample = draw_in_plane(UNROUND, repeats * size, seed=size, dims=dims).batches(repeats)
        errors = sample_covariances(sample) - population
        mean_squares.append(np.mean(np.sum(errors**2, axis=(1, 2))))
    fit = linregress(np.log(sizes), 0.5 * np.log(mean_squares))
    # Each mean square is known to about 7%, sqrt(2 / 400); half of that on the log of its root, over 4.6 of log size.
    assert abs(fit.slope + 0.5) < 0.03
    assert not abs(fit.slope + 1.0) < 0.03  # the rate of the squared error, a likely slip


@pytest.mark.parametrize("prior", [0.15, 0.7])
def test_unequal_classes(prior):
    """Centred covariance of images and texts in samples where one class is rarer; equal priors are rejected."""
    model = dataclasses.replace(UNROUND, class_prior=prior)
    image, text, *_ = draw_in_plane(model, 400_000, seed=41)
    mean = model.label_mean * np.asarray(model.latent_mean) * np.array([1.0, model.agreement])
    draws = np.einsum("ni,nj->nij", image - mean, text - mean)
    assert agree(draws, latent_covariance(model))
    assert not agree(draws, latent_covariance(UNROUND))
