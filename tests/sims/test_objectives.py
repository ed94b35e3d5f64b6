"""Each loss against an independent NumPy computation from its published formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sims.encoders import Architecture
from sims.names import SUPERVISED
from sims.objectives import OBJECTIVES
from sims.objectives.infonce import MAX_SCALE
from sims.objectives.nclip import BALANCE, SHARPNESS
from sims.synthetic.sampler import Batch

SIZE, IMAGE_DIM, TEXT_DIM, EMBED_DIM = 6, 5, 4, 3


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(SIZE) < 0.5, 1.0, -1.0)
    arrays = rng.normal(size=(SIZE, IMAGE_DIM)), rng.normal(size=(SIZE, TEXT_DIM)), labels, labels
    return Batch(*map(jnp.asarray, arrays))


def model_of(name):
    return OBJECTIVES[name].create(Architecture(IMAGE_DIM, TEXT_DIM, EMBED_DIM), nnx.Rngs(1))


def embeddings(model, batch, unit):
    images = np.asarray(batch.images) @ np.asarray(model.image_encoder.kernel[...])
    texts = np.asarray(batch.texts) @ np.asarray(model.text_encoder.kernel[...])
    if unit:
        images /= np.linalg.norm(images, axis=1)[:, None]
        texts /= np.linalg.norm(texts, axis=1)[:, None]
    return images, texts


def cross_entropies(logits):
    """-log of the softmax probability of each row's own entry, in the plainest arithmetic."""
    return [-np.log(np.exp(logits[i, i]) / np.exp(logits[i]).sum()) for i in range(len(logits))]


@pytest.mark.parametrize(("name", "scale", "unit"), [("infonce", 1 / 0.07, True), ("infonce_bilinear", 1.0, False)])
def test_infonce_is_both_cross_entropies(batch, name, scale, unit):
    model = model_of(name)
    images, texts = embeddings(model, batch, unit)
    logits = scale * images @ texts.T
    expected = (np.mean(cross_entropies(logits)) + np.mean(cross_entropies(logits.T))) / 2
    np.testing.assert_allclose(OBJECTIVES[name].loss(model, batch), expected, rtol=1e-12)
    assert abs(expected - np.mean(cross_entropies(logits))) > 1e-3  # one direction alone is another number


@pytest.mark.parametrize(("name", "turned"), [("infonce_image_to_text", False), ("infonce_text_to_image", True)])
def test_each_direction_is_one_cross_entropy(batch, name, turned):
    images, texts = embeddings(model_of(name), batch, unit=False)
    both = [np.mean(cross_entropies(logits)) for logits in (images @ texts.T, texts @ images.T)]
    np.testing.assert_allclose(OBJECTIVES[name].loss(model_of(name), batch), both[turned], rtol=1e-12)
    assert abs(both[0] - both[1]) > 1e-3


def test_infonce_scale_is_bounded_as_clips(batch):
    model = model_of("infonce")
    model.log_scale[...] = jnp.log(jnp.asarray(1e4))
    images, texts = embeddings(model, batch, unit=True)
    logits = MAX_SCALE * images @ texts.T
    expected = (np.mean(cross_entropies(logits)) + np.mean(cross_entropies(logits.T))) / 2
    np.testing.assert_allclose(OBJECTIVES["infonce"].loss(model, batch), expected, rtol=1e-12)


def test_siglip_is_the_published_algorithm(batch):
    """Algorithm 1 of arXiv 2303.15343 with its initial t' = log 10 and b = -10."""
    model = model_of("siglip")
    images, texts = embeddings(model, batch, unit=True)
    logits = images @ texts.T * 10.0 - 10.0
    labels = 2 * np.eye(SIZE) - 1
    expected = np.sum(np.log1p(np.exp(-labels * logits))) / SIZE
    np.testing.assert_allclose(OBJECTIVES["siglip"].loss(model, batch), expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "scale", "unit"), [("supcon", 1 / 0.07, True), ("supcon_bilinear", 1.0, False)])
def test_supcon_takes_every_pair_of_a_class_as_right(name, scale, unit, batch):
    """L_out of arXiv 2004.11362 in both directions, in plain loops; two of the likely slips are other numbers."""
    model, labels = model_of(name), np.asarray(batch.labels)
    images, texts = embeddings(model, batch, unit)
    logits = scale * images @ texts.T

    def direction(logits, outside=True, own=True):
        losses = []
        for i in range(SIZE):
            right = [j for j in range(SIZE) if labels[j] == labels[i] and (own or j != i)]
            shares = np.exp(logits[i, right]) / np.exp(logits[i]).sum()
            losses.append(-np.mean(np.log(shares)) if outside else -np.log(np.mean(shares)))
        return np.mean(losses)

    def symmetric(**options):
        return (direction(logits, **options) + direction(logits.T, **options)) / 2

    found = float(OBJECTIVES[name].loss(model, batch))
    np.testing.assert_allclose(found, symmetric(), rtol=1e-12)
    assert abs(found - symmetric(outside=False)) > 1e-3  # L_in, the logarithm of the sum
    assert abs(found - symmetric(own=False)) > 1e-3  # as among images alone, where the anchor is no positive


def test_supcon_of_one_class_alone_is_finite(batch):
    one = batch._replace(labels=jnp.ones(SIZE))
    assert np.isfinite(OBJECTIVES["supcon"].loss(model_of("supcon"), one))


def entropy(shares):
    return -np.sum(shares * np.log(shares))


def cluster_loss(images, texts):
    """The loss of `nclip` on logits, distribution by distribution."""
    p, q = (np.exp(each) / np.exp(each).sum(axis=1)[:, None] for each in (images, texts))
    across = np.mean([-np.sum(p[i] * np.log(q[i])) - np.sum(q[i] * np.log(p[i])) for i in range(SIZE)])
    within = np.mean([entropy(p[i]) + entropy(q[i]) for i in range(SIZE)])
    spread = entropy(p.mean(axis=0)) + entropy(q.mean(axis=0))
    return (across + SHARPNESS * within - BALANCE * spread) / 2


def test_nclip_is_agreement_sharpness_and_balance(batch):
    model = model_of("nclip")
    expected = cluster_loss(*embeddings(model, batch, unit=False))
    np.testing.assert_allclose(OBJECTIVES["nclip"].loss(model, batch), expected, rtol=1e-12)
    # The embedding is what softmax sees: a constant added to all logits is no part of it.
    np.testing.assert_allclose(jnp.sum(model.embed_images(batch.images), axis=1), 0.0, atol=1e-12)


def test_xclip_is_clip_on_the_embedding_and_nclip_on_its_heads(batch):
    model = model_of("xclip")
    images, texts = embeddings(model, batch, unit=False)
    heads = [np.asarray(head.kernel[...]) for head in (model.image_head, model.text_head)]
    units = [each / np.linalg.norm(each, axis=1)[:, None] for each in (images, texts)]
    logits = units[0] @ units[1].T / 0.07
    clip = (np.mean(cross_entropies(logits)) + np.mean(cross_entropies(logits.T))) / 2
    expected = clip + cluster_loss(images @ heads[0], texts @ heads[1])
    np.testing.assert_allclose(OBJECTIVES["xclip"].loss(model, batch), expected, rtol=1e-12)


def test_supervised_losses(batch):
    weights = np.linspace(-0.5, 0.7, IMAGE_DIM)
    margins = np.asarray(batch.images) @ weights
    labels = np.asarray(batch.labels)
    expected = {
        "least_squares": np.mean((margins - labels) ** 2) / 2,
        "logistic": np.mean(np.log1p(np.exp(-labels * margins))),
    }
    assert set(expected) == set(SUPERVISED)
    for name, value in expected.items():
        model = model_of(name)
        model.image_encoder.kernel[...] = jnp.asarray(weights)[:, None]
        np.testing.assert_allclose(OBJECTIVES[name].loss(model, batch), value, rtol=1e-12)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_is_that_of_finite_differences(name, batch):
    graph, weights = nnx.split(model_of(name))
    flat, unflatten = jax.flatten_util.ravel_pytree(weights)
    both = jax.jit(jax.value_and_grad(lambda flat: OBJECTIVES[name].loss(nnx.merge(graph, unflatten(flat)), batch)))
    direction = np.random.default_rng(2).normal(size=flat.shape)
    step = 1e-6
    flat = np.asarray(flat)
    difference = (both(flat + step * direction)[0] - both(flat - step * direction)[0]) / (2 * step)
    # Central differences in double precision: about 1e-16 / 1e-6 of the loss, and step^2.
    np.testing.assert_allclose(both(flat)[1] @ direction, difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in SUPERVISED])
def test_zero_shot_scores_are_similarities_with_the_prompts(name, batch):
    model = model_of(name)
    prompts = jnp.stack([-batch.texts[0], batch.texts[0]])
    scores = model.class_scores(batch.images, prompts)
    kernels = [np.asarray(encoder.kernel[...]) for encoder in (model.image_encoder, model.text_encoder)]
    if name == "nclip":  # logits of clusters are centred
        kernels = [kernel - kernel.mean(axis=1, keepdims=True) for kernel in kernels]
    weights = kernels[0] @ kernels[1].T
    linear = np.asarray(batch.images) @ weights @ np.asarray(batch.texts[0])
    np.testing.assert_array_equal(np.argmax(scores, axis=1) == 1, linear > 0)
