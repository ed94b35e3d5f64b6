"""S3: the latent direction along which zero-shot classification decides."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.synthetic.evaluation import class_prompts
from sims.synthetic.sampler import sample_bases, sample_batch
from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree
from theory import PROMPTS, cross_covariance, latent_covariance, latent_prompt, zero_shot_direction
from theory.statements.theorem62 import printed_latent_covariance

pytestmark = pytest.mark.statement("S3")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_scores_of_the_minimiser_are_inner_products_with_the_direction(prompt):
    bases = sample_bases(seeds.key(1), UNROUND.image_dim, UNROUND.text_dim)
    images = sample_batch(seeds.key(2), UNROUND, bases, 6).images
    negative, positive = class_prompts(UNROUND, bases, (prompt,))[0]
    product = cross_covariance(UNROUND, bases.image, bases.text)
    expected = (images @ bases.image) @ zero_shot_direction(UNROUND, prompt)
    np.testing.assert_allclose(images @ product @ positive, expected, rtol=1e-11)
    np.testing.assert_allclose(images @ product @ negative, -expected, rtol=1e-11)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_samples_agree_and_reject_the_printed_matrix(prompt):
    """The direction is linear in the sample's cross-covariance, so its mean over samples is exact."""
    prompt_vector = latent_prompt(UNROUND, prompt)

    def direction(key):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, UNROUND.image_dim, UNROUND.text_dim)
        batch = sample_batch(batch_key, UNROUND, bases, 500)
        images = batch.images - jnp.mean(batch.images, axis=0, keepdims=True)
        covariance = images.T @ batch.texts / 499
        return bases.image.T @ covariance @ bases.text @ prompt_vector

    draws = jax.vmap(direction)(jax.random.split(seeds.key(0), 1000))
    assert agree(draws, zero_shot_direction(UNROUND, prompt))
    assert not agree(draws, printed_latent_covariance(UNROUND) @ prompt_vector)


def test_label_prompt_gives_the_first_column():
    np.testing.assert_array_equal(zero_shot_direction(UNROUND, "label"), latent_covariance(UNROUND)[:, 0])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_width_one_keeps_only_the_leading_eigenvector(prompt):
    values, vectors = np.linalg.eigh(latent_covariance(UNROUND))
    leading = vectors[:, 1]
    expected = values[1] * leading * (leading @ latent_prompt(UNROUND, prompt))
    np.testing.assert_allclose(zero_shot_direction(UNROUND, prompt, embed_dim=1), expected, rtol=1e-12)
    assert not np.allclose(zero_shot_direction(UNROUND, prompt, embed_dim=2), expected, rtol=1e-4)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_without_correlation_the_spurious_feature_has_no_weight(prompt):
    balanced = dataclasses.replace(UNROUND, spurious_ratio=0.5)
    assert zero_shot_direction(balanced, prompt)[1] == 0.0


def test_class_mean_prompt_is_the_mean_caption_of_a_class():
    bases = sample_bases(seeds.key(3), UNROUND.image_dim, UNROUND.text_dim)
    batch = sample_batch(seeds.key(4), UNROUND, bases, 200_000)
    positive = np.asarray(batch.texts @ bases.text)[np.asarray(batch.labels) > 0]
    assert agree(positive, latent_prompt(UNROUND, "class-mean"))
    assert not agree(positive, latent_prompt(UNROUND, "label"))


def test_unknown_prompt_is_refused():
    with pytest.raises(ValueError, match=r"prompt must be one of label, class-mean, got 'caption'"):
        latent_prompt(UNROUND, "caption")
