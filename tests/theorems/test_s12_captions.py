"""S12: what captions say, and how far the linearised learner leans on the background for it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.synthetic.sampler import sample_bases, sample_pairs
from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree
from theory import CAPTIONS, Caption, caption_covariance, latent_covariance, mixed_prompt, spurious_reliance
from theory.statements.captions import class_mean_caption
from theory.statements.regularisation import strongly_regularised_direction
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S12")

KINDS = [Caption(kind, 0.8, 0.35) for kind in CAPTIONS]
RARE = dataclasses.replace(UNROUND, class_prior=0.3)


def in_plane(model, caption, size=100_000, seed=71):
    bases, batch = drawn(seeds.key(seed), model, caption, size)
    images, texts = (np.asarray(part) @ np.asarray(basis) for part, basis in zip(batch[:2], bases, strict=True))
    return images, texts, np.asarray(batch.labels)


@functools.partial(jit, static_argnums=3)
def drawn(key, model, caption, size):
    """Bases and pairs of the product's own sampler; the dimensions are UNROUND's."""
    bases_key, pairs_key = jax.random.split(key)
    bases = sample_bases(bases_key, UNROUND.image_dim, UNROUND.text_dim)
    return bases, sample_pairs(pairs_key, model, bases, caption, size)


@pytest.mark.parametrize("model", [UNROUND, RARE], ids=["equal", "rare"])
@pytest.mark.parametrize("caption", KINDS, ids=CAPTIONS)
def test_simulated_covariance_agrees_and_rejects_plausible_mistakes(model, caption):
    images, texts, labels = in_plane(model, caption)
    image_mean = model.label_mean * np.asarray(model.latent_mean) * np.array([1.0, model.agreement])
    text_mean = model.label_mean * np.asarray(class_mean_caption(model, caption))
    said = 1 if caption.kind == "label" else 2  # the entries of the caption that are not always 0
    np.testing.assert_allclose(texts[:, said:], 0.0, atol=1e-12)
    products = np.einsum("ni,nj->nij", images - image_mean, (texts - text_mean)[:, :said])
    assert agree(products, caption_covariance(model, caption)[:, :said])
    assert agree((labels[:, None] * texts)[:, :said], class_mean_caption(model, caption)[:said])
    always_mentioned = dataclasses.replace(caption, mention_inv=1.0, mention_spu=1.0)
    both_mentioned = caption_covariance(model, always_mentioned) * 0.8 * 0.35  # one mask for both features
    wrong = [caption_covariance(model, always_mentioned), both_mentioned]
    wrong.append(caption_covariance(model, KINDS[2] if caption.kind == "latent" else KINDS[0]))
    assert not any(agree(products, covariance[:, :said]) for covariance in wrong)


def test_fully_mentioned_latent_captions_are_definition_61():
    np.testing.assert_array_equal(caption_covariance(UNROUND, Caption()), latent_covariance(UNROUND))


@pytest.mark.parametrize("kind", ["latent", "label-attribute"])
def test_mentioning_the_background_changes_the_class_mean_prompt_alone(kind):
    reliances = {0.0: [], 1.0: []}
    for mention in (0.0, 0.3, 0.6, 1.0):
        caption = Caption(kind, 0.9, mention)
        for share, found in reliances.items():
            rule = caption_covariance(UNROUND, caption) @ mixed_prompt(UNROUND, share, caption)
            found.append(float(spurious_reliance(rule)))
    np.testing.assert_allclose(reliances[0.0], reliances[0.0][0], rtol=1e-14)
    assert np.all(np.diff(reliances[1.0]) > 0)


def test_label_captions_give_the_difference_of_the_class_means():
    rule = caption_covariance(UNROUND, Caption("label", 0.7)) @ mixed_prompt(UNROUND, 0.6, Caption("label", 0.7))
    expected = spurious_reliance(strongly_regularised_direction(UNROUND))
    np.testing.assert_allclose(spurious_reliance(rule), expected, rtol=1e-14)


def test_vmaps_and_differentiates():
    covariance = lambda mention: caption_covariance(UNROUND, Caption("latent", 1.0, mention))  # noqa: E731
    many = jax.vmap(covariance)(jnp.array([0.2, 0.9]))
    np.testing.assert_allclose(many[:, :, 0], np.broadcast_to(many[0, :, 0], (2, 2)), rtol=1e-14)
    slope = jax.jacfwd(covariance)(0.5)
    np.testing.assert_allclose(slope[:, 1], latent_covariance(UNROUND)[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(slope[:, 0], 0.0)
