"""How far a Monte Carlo mean may lie from its expectation, over the whole suite."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from sims.synthetic.sampler import Bases, sample_bases, sample_batch
from tests import seeds
from theory import Caption, SpuriousModel
from workbench.compilation import jit

# At most this many comparisons in the suite, which as a whole may fail once in 300 when all theory is right.
COMPARISONS = 500
CRITICAL = norm.isf(1 / 300 / 2 / COMPARISONS)

# Unequal and unround on purpose: at mu = sigma = 1 many wrong formulas agree.
UNROUND = SpuriousModel(
    spurious_ratio=0.83,
    mu_inv=0.9,
    mu_spu=1.37,
    sigma_inv=1.21,
    sigma_spu=0.64,
    sigma_xi=1.7,
    image_dim=5,
    text_dim=7,
)


def z_scores(draws, expected):
    """Standardised distances of the mean of independent draws (leading axis) from what is expected."""
    draws = np.asarray(draws)
    return (draws.mean(axis=0) - np.asarray(expected)) / (draws.std(axis=0, ddof=1) / np.sqrt(len(draws)))


def agree(draws, expected):
    """Whether all means lie within the suite's critical distance."""
    return bool(np.all(np.abs(z_scores(draws, expected)) < CRITICAL))


def stacked(models):
    """One model whose parameters are arrays, a number for each of the models, for `jax.vmap`."""
    return jax.tree.map(lambda *values: jnp.array(values, float), *models)


def sample_covariances(sample):
    """Of images and texts in each batch of a sample, shape (batches, image columns, text columns)."""
    means = [part.mean(axis=1) for part in sample[:2]]
    size = sample.labels.shape[1]
    products = np.swapaxes(sample.images, 1, 2) @ sample.texts
    return (products - size * means[0][:, :, None] * means[1][:, None, :]) / (size - 1)


def draw(model, size, seed=0, ratio=None) -> tuple[Bases, object]:
    """Bases and a batch of the model."""

    @jit
    def drawn(key):
        bases_key, batch_key = jax.random.split(key)
        bases = sample_bases(bases_key, model.image_dim, model.text_dim)
        return bases, sample_batch(batch_key, model, bases, size, ratio)

    return drawn(seeds.key(seed))


class Sample(NamedTuple):
    """Pairs, a row a pair: the first two columns of images and texts are the signal's plane, all others are noise."""

    images: np.ndarray
    texts: np.ndarray
    labels: np.ndarray
    attributes: np.ndarray

    def batches(self, count):
        """The same pairs in so many batches, which are a new first axis."""
        return Sample(*(part.reshape(count, -1, *part.shape[1:]) for part in self))


def draw_in_plane(model, size, caption=None, seed=0, ratio=None, dims=(2, 2)) -> Sample:
    """Pairs of the model by NumPy alone, which takes far less time than to compile the sampler and run it.

    Args:
        model, caption, ratio: as `sims.synthetic.sampler.sample_pairs`.
        size: how many pairs.
        seed: of the draws.
        dims: columns of images and texts; what lies beyond two is noise outside the signal's plane.
    """
    rng, caption = seeds.generator(seed), caption or Caption()
    labels = np.where(rng.random(size) < model.class_prior, 1.0, -1.0)
    attributes = np.where(rng.random(size) < (model.spurious_ratio if ratio is None else ratio), labels, -labels)
    signs = np.stack([labels, attributes], axis=1)
    latents = signs * [model.mu_inv, model.mu_spu]
    latents = latents + rng.standard_normal((size, 2)) * [model.sigma_inv, model.sigma_spu]
    images = rng.standard_normal((size, dims[0]))
    images *= model.sigma_xi / np.sqrt(model.image_dim)
    images[:, :2] += latents
    mentions = caption.mention_inv, 0.0 if caption.kind == "label" else caption.mention_spu
    mentioned = rng.random((size, 2)) < mentions
    if caption.kind == "latent":
        texts = rng.standard_normal((size, dims[1]))
        texts *= model.sigma_xi / np.sqrt(model.text_dim)
        texts[:, :2] += latents * mentioned
    else:
        texts = np.zeros((size, dims[1]))
        texts[:, :2] = signs * mentioned
    return Sample(images, texts, labels, attributes)
