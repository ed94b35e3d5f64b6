"""S13: pointwise mutual information, the optimum of InfoNCE and of the sigmoid loss over all critics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests import seeds
from tests.theorems.monte_carlo import UNROUND, agree, draw_in_plane
from theory import Caption, infonce_critic, pointwise_mutual_information
from theory.statements.bayes import half_log_odds
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S13")


def enumerated(seed=0, images=5, captions=4):
    """A joint distribution of finitely many images and captions, and its PMI."""
    joint = seeds.generator(seed).dirichlet(np.ones(images * captions)).reshape(images, captions)
    x, t = joint.sum(axis=1), joint.sum(axis=0)
    return jnp.asarray(joint), jnp.asarray(x), jnp.asarray(t), jnp.log(joint / np.outer(x, t))


def losses(joint, x, t, negatives=7.0):
    """The three losses by enumeration, as functions of the critic's table, for infinite batches."""
    matched = lambda s: -jnp.sum(joint * s)  # noqa: E731
    return {
        "image to text": lambda s: matched(s) + x @ jax.nn.logsumexp(s, axis=1, b=t[None, :]),
        "text to image": lambda s: matched(s) + t @ jax.nn.logsumexp(s, axis=0, b=x[:, None]),
        "sigmoid": lambda s: (
            jnp.sum(joint * jax.nn.softplus(-s)) + negatives * jnp.sum(jnp.outer(x, t) * jax.nn.softplus(s))
        ),
    }


@pytest.mark.parametrize("name", ["image to text", "text to image", "sigmoid"])
def test_pmi_is_the_minimum_by_enumeration(name):
    joint, x, t, pmi = enumerated()
    loss = losses(joint, x, t)[name]
    rng = seeds.generator(1)
    free = {  # what each loss leaves open
        "image to text": jnp.asarray(rng.normal(size=(len(x), 1))) * jnp.ones_like(pmi),
        "text to image": jnp.asarray(rng.normal(size=(1, len(t)))) * jnp.ones_like(pmi),
        "sigmoid": -jnp.log(7.0) * jnp.ones_like(pmi),
    }
    optimum = pmi + free[name]
    gradient, loss = jax.jit(jax.grad(loss)), jax.jit(loss)
    np.testing.assert_allclose(gradient(optimum), 0.0, atol=1e-15)
    for _ in range(20):
        assert loss(optimum + 0.3 * jnp.asarray(rng.normal(size=pmi.shape))) > loss(optimum)
    wrong = jnp.log(joint) if name != "sigmoid" else pmi  # the joint's logarithm; the bias forgotten
    if name == "image to text":
        wrong = pmi + free["text to image"]
    assert np.abs(gradient(wrong)).max() > 1e-3


# Compiled as a whole: operation by operation takes several times as long.
pmi_of = jit(pointwise_mutual_information)


def draws(caption, size=100_000, seed=81):
    return tuple(map(jnp.asarray, draw_in_plane(UNROUND, size, caption, seed)[:2]))


def test_latent_pmi_is_the_ratio_of_the_densities():
    """Against SciPy's multivariate normals in four dimensions, group by group and mention by mention."""
    caption = Caption("latent", 0.7, 0.6)
    images, texts = (np.asarray(part) for part in draws(caption, 50))
    image_variance = np.asarray(UNROUND.latent_sigma) ** 2 + UNROUND.image_noise_variance
    joint = of_image = of_text = 0.0
    for a in (1, -1):
        for y in (1, -1):
            group = 0.5 * (UNROUND.spurious_ratio if a == y else 1 - UNROUND.spurious_ratio)
            mean = np.array([y, a]) * np.asarray(UNROUND.latent_mean)
            for mask in np.ndindex(2, 2):
                m = np.array(mask)
                weight = group * np.prod(np.where(m, [0.7, 0.6], [0.3, 0.4]))
                shared = m * np.asarray(UNROUND.latent_sigma) ** 2
                text_variance = shared + UNROUND.text_noise_variance
                covariance = np.block(
                    [[np.diag(image_variance), np.diag(shared)], [np.diag(shared), np.diag(text_variance)]]
                )
                both = np.concatenate([images, texts], axis=1)
                joint = joint + weight * multivariate_normal.pdf(both, [*mean, *(m * mean)], covariance)
                of_image = of_image + weight * multivariate_normal.pdf(images, mean, np.diag(image_variance))
                of_text = of_text + weight * multivariate_normal.pdf(texts, m * mean, np.diag(text_variance))
    expected = np.log(joint / (of_image * of_text))
    found = pmi_of(UNROUND, caption, jnp.asarray(images), jnp.asarray(texts))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("kind", ["label", "label-attribute"])
def test_its_exponential_averages_to_one_over_independent_pairs(kind):
    caption = Caption(kind, 0.8, 0.6)
    images, _ = draws(caption)
    _, texts = draws(caption, seed=82)
    weights = np.exp(pmi_of(UNROUND, caption, images, texts))
    assert agree(weights, 1.0)
    images, texts = draws(caption)
    paired = np.exp(pmi_of(UNROUND, caption, images, texts))
    assert not agree(paired, 1.0)


def test_with_label_captions_it_is_the_bayes_classifier():
    images, _ = draws(Caption("label"), 500)
    for caption in (Caption("label"), Caption("label-attribute", 1.0, 0.4)):  # the latter: prompts without background
        prompts = [jnp.broadcast_to(jnp.array([sign, 0.0]), images.shape) for sign in (1.0, -1.0)]
        scores = [pmi_of(UNROUND, caption, images, prompt) for prompt in prompts]
        np.testing.assert_allclose(scores[0] - scores[1], 2 * half_log_odds(UNROUND, images), atol=1e-10)


def test_captions_of_class_and_attribute_are_matched_by_a_bilinear_critic():
    """InfoNCE's direction image to text attains the PMI: its critic differs from it by a function of the image."""
    expected = np.diag(np.asarray(UNROUND.latent_mean / UNROUND.image_variance))
    critic = infonce_critic(UNROUND, Caption("label-attribute"), 1.0)
    np.testing.assert_allclose(critic, expected, rtol=1e-7, atol=1e-7)
    images, _ = draws(Caption("label-attribute"), 200)
    captions = [jnp.broadcast_to(jnp.array(pair), images.shape) for pair in ([1.0, 1.0], [1.0, -1.0], [-1.0, 1.0])]
    left_over = [
        pmi_of(UNROUND, Caption("label-attribute"), images, caption)
        - jnp.einsum("ni,ij,nj->n", images, jnp.asarray(expected), caption)
        for caption in captions
    ]
    for other in left_over[1:]:
        np.testing.assert_allclose(other, left_over[0], atol=1e-10)
    not_bilinear = pmi_of(UNROUND, Caption("label"), images, captions[0] * jnp.array([[1.0, 0.0]]))
    assert np.ptp(not_bilinear - left_over[0]) > 0.1


def test_a_caption_that_never_occurs_has_none():
    nowhere = pmi_of(UNROUND, Caption("label"), jnp.zeros((1, 2)), jnp.array([[0.5, 0.0]]))
    assert np.isnan(nowhere).all()
