"""S3: the latent direction along which zero-shot classification decides."""

import dataclasses

import numpy as np
import pytest

from sims.synthetic.evaluation import class_prompts
from tests.theorems.monte_carlo import UNROUND, agree, draw, draw_in_plane
from theory import PROMPTS, cross_covariance, latent_covariance, latent_prompt, zero_shot_direction
from theory.statements.theorem62 import printed_latent_covariance

pytestmark = pytest.mark.statement("S3")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_scores_of_the_minimiser_are_inner_products_with_the_direction(prompt):
    bases, batch = draw(UNROUND, 6, seed=1)
    images = batch.images
    negative, positive = class_prompts(UNROUND, bases, (prompt,))[0]
    product = cross_covariance(UNROUND, bases.image, bases.text)
    expected = (images @ bases.image) @ zero_shot_direction(UNROUND, prompt)
    np.testing.assert_allclose(images @ product @ positive, expected, rtol=1e-11)
    np.testing.assert_allclose(images @ product @ negative, -expected, rtol=1e-11)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_samples_agree_and_reject_the_printed_matrix(prompt):
    """The direction is linear in the sample's cross-covariance, so its mean over samples is exact."""
    prompt_vector = np.asarray(latent_prompt(UNROUND, prompt))
    sample = draw_in_plane(UNROUND, 500 * 1000).batches(1000)
    images = sample.images - sample.images.mean(axis=1, keepdims=True)
    draws = np.swapaxes(images, 1, 2) @ sample.texts @ prompt_vector / 499
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
    sample = draw_in_plane(UNROUND, 200_000, seed=3)
    positive = sample.texts[sample.labels > 0]
    assert agree(positive, latent_prompt(UNROUND, "class-mean"))
    assert not agree(positive, latent_prompt(UNROUND, "label"))


def test_unknown_prompt_is_refused():
    with pytest.raises(ValueError, match=r"prompt must be one of label, class-mean, got 'caption'"):
        latent_prompt(UNROUND, "caption")
