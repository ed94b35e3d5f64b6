"""The sampler draws Definition 6.1; its moments in the signal's plane are proved in tests/theorems."""

import dataclasses

import jax
import numpy as np
import pytest

from sims.synthetic.evaluation import sample_evaluation_set
from sims.synthetic.sampler import sample_bases, sample_batch, sample_pairs
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw
from theory import Caption

pytestmark = pytest.mark.simulation


def drawn(sampler, model, bases_seed, seed, *options):
    """Bases, and what a sampler draws in them from another key, by one program."""

    @jax.jit
    def both(bases_key, key):
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        return bases, sampler(key, model, bases, *options)

    return both(seeds.key(bases_seed), seeds.key(seed))


def test_bases_are_orthonormal_and_differ_by_key():
    bases_of = jax.jit(lambda key: sample_bases(key, 6, 9))
    first, second = (jax.device_get(bases_of(seeds.key(seed))) for seed in (0, 1))
    for basis in first:
        np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-14)
    assert first.image.shape == (6, 2) and first.text.shape == (9, 2)
    assert np.abs(first.image - second.image).max() > 0.01


@pytest.mark.parametrize(("ratio", "expected"), [(None, 0.83), (1.0, 1.0), (0.0, 0.0), (0.5, 0.5)])
def test_attribute_agrees_as_often_as_asked(ratio, expected):
    _, batch = draw(UNROUND, 50_000, seed=2, ratio=ratio)
    agrees = np.asarray(batch.labels) == np.asarray(batch.attributes)
    assert agrees.mean() == expected if expected in (0.0, 1.0) else agree(agrees, expected)
    assert agree(batch.labels, 0.0)


def test_noise_outside_the_plane_has_the_stated_variance():
    bases, batch = jax.device_get(draw(UNROUND, 50_000, seed=3))
    for noise, basis in ((batch.images, bases.image), (batch.texts, bases.text)):
        dim = basis.shape[0]
        outside = np.linalg.svd(basis)[0][:, 2]
        squares = (noise @ outside) ** 2
        assert agree(squares, UNROUND.sigma_xi**2 / dim)
        assert not agree(squares, UNROUND.sigma_xi**2)


def test_image_and_text_share_the_latent_but_not_the_noise():
    bases, batch = jax.device_get(draw(UNROUND, 50_000, seed=4))
    image_noise = batch.images @ np.linalg.svd(bases.image)[0][:, 2]
    text_noise = batch.texts @ np.linalg.svd(bases.text)[0][:, 2]
    assert agree(image_noise * text_noise, 0.0)


def test_evaluation_groups_are_aligned_then_conflicting():
    bases, groups = jax.device_get(drawn(sample_evaluation_set, UNROUND, 5, 6, 20_000))
    spurious = (groups.images @ bases.image)[:, :, 1] * groups.labels
    assert agree(spurious[0], UNROUND.mu_spu)
    assert agree(spurious[1], -UNROUND.mu_spu)


def test_same_key_same_batch():
    batches = [drawn(sample_batch, UNROUND, 7, 8, 4)[1] for _ in range(2)]
    np.testing.assert_array_equal(batches[0].images, batches[1].images)


def test_what_a_caption_mentions_is_drawn_apart_from_the_pairs():
    """One random key for both would make the mentions of the first half of the pairs the labels of all."""
    size = 4000
    model = dataclasses.replace(UNROUND, class_prior=0.5)
    caption = Caption("label-attribute", 0.5, 0.5)
    bases, pairs = jax.device_get(drawn(sample_pairs, model, 9, 10, caption, size))
    mentioned = np.abs(pairs.texts @ bases.text) > 0.5
    assert 0.4 < mentioned.mean() < 0.6
    agreement = np.mean((2.0 * mentioned.ravel()[:size] - 1.0) * pairs.labels)
    assert abs(agreement) < CRITICAL / np.sqrt(size)
