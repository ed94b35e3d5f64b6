"""The sampler draws Definition 6.1; its moments in the signal's plane are proved in tests/theorems."""

import dataclasses

import numpy as np
import pytest

from sims.synthetic.evaluation import sample_evaluation_set
from sims.synthetic.sampler import sample_bases, sample_batch, sample_pairs
from tests import seeds
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw
from theory import Caption

pytestmark = pytest.mark.simulation


def test_bases_are_orthonormal_and_differ_by_key():
    first, second = (sample_bases(seeds.key(seed), 6, 9) for seed in (0, 1))
    for basis in first:
        np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-14)
    assert first.image.shape == (6, 2) and first.text.shape == (9, 2)
    assert np.abs(first.image - second.image).max() > 0.01


@pytest.mark.parametrize(("ratio", "expected"), [(None, 0.83), (1.0, 1.0), (0.0, 0.0), (0.5, 0.5)])
def test_attribute_agrees_as_often_as_asked(ratio, expected):
    _, batch = draw(UNROUND, 50_000, seed=2, ratio=ratio)
    agrees = np.asarray(batch.labels == batch.attributes, float)
    assert agrees.mean() == expected if expected in (0.0, 1.0) else agree(agrees, expected)
    assert agree(batch.labels, 0.0)


def test_noise_outside_the_plane_has_the_stated_variance():
    bases, batch = draw(UNROUND, 50_000, seed=3)
    for noise, basis in ((batch.images, bases.image), (batch.texts, bases.text)):
        dim = basis.shape[0]
        outside = np.linalg.svd(basis)[0][:, 2]
        squares = np.asarray(noise @ outside) ** 2
        assert agree(squares, UNROUND.sigma_xi**2 / dim)
        assert not agree(squares, UNROUND.sigma_xi**2)


def test_image_and_text_share_the_latent_but_not_the_noise():
    bases, batch = draw(UNROUND, 50_000, seed=4)
    image_noise = batch.images @ np.linalg.svd(bases.image)[0][:, 2]
    text_noise = batch.texts @ np.linalg.svd(bases.text)[0][:, 2]
    assert agree(image_noise * text_noise, 0.0)


def test_evaluation_groups_are_aligned_then_conflicting():
    bases = sample_bases(seeds.key(5), UNROUND.image_dim, UNROUND.text_dim)
    groups = sample_evaluation_set(seeds.key(6), UNROUND, bases, 20_000)
    spurious = np.asarray(groups.images @ bases.image)[:, :, 1] * groups.labels
    assert agree(spurious[0], UNROUND.mu_spu)
    assert agree(spurious[1], -UNROUND.mu_spu)


def test_same_key_same_batch():
    bases = sample_bases(seeds.key(7), 5, 7)
    batches = [sample_batch(seeds.key(8), UNROUND, bases, 4) for _ in range(2)]
    np.testing.assert_array_equal(batches[0].images, batches[1].images)


def test_what_a_caption_mentions_is_drawn_apart_from_the_pairs():
    """One random key for both would make the mentions of the first half of the pairs the labels of all."""
    size = 4000
    model = dataclasses.replace(UNROUND, class_prior=0.5)
    bases = sample_bases(seeds.key(9), model.image_dim, model.text_dim)
    pairs = sample_pairs(seeds.key(10), model, bases, Caption("label-attribute", 0.5, 0.5), size)
    mentioned = np.abs(np.asarray(pairs.texts @ bases.text)) > 0.5
    assert 0.4 < mentioned.mean() < 0.6
    agreement = np.mean((2.0 * mentioned.ravel()[:size] - 1.0) * np.asarray(pairs.labels))
    assert abs(agreement) < CRITICAL / np.sqrt(size)
