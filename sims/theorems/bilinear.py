"""The bilinear critics that InfoNCE and the sigmoid loss learn from a sample, in the signal's plane."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from theory.model import Scalar, SpuriousModel
from theory.newton import Local, descend
from theory.statements.captions import Caption

# Added to the Hessian: captions that never name the background leave two entries open, and they stay at 0. It moves
# the steps and not where they end.
_FLAT = 1e-3

Plane: TypeAlias = Float[Array, "size 2"]
Fit: TypeAlias = Callable[[Plane, Plane], Float[Array, "2 2"]]


def _matched(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
    return images.T @ texts / images.shape[0]


def _direction(images: Plane, texts: Plane, critic: Float[Array, "2 2"]) -> Local:
    """Mean over images of log mean_t' e^s(x, t'), less the mean of s over pairs; in the critic's four entries."""
    size = images.shape[0]
    scores = (images @ critic) @ texts.T
    shares = jax.nn.softmax(scores, axis=1)
    mean = shares @ texts
    squares = (texts[:, :, None] * texts[:, None, :]).reshape(size, 4)
    covariance = (shares @ squares).reshape(size, 2, 2) - mean[:, :, None] * mean[:, None, :]
    matched = _matched(images, texts)
    value = jnp.mean(jax.nn.logsumexp(scores, axis=1)) - jnp.sum(matched * critic)
    gradient = images.T @ mean / size - matched
    hessian = jnp.einsum("ni,nk,njl->ijkl", images, images, covariance) / size
    return Local(value, gradient.reshape(4), hessian.reshape(4, 4) + _FLAT * jnp.eye(4))


def fit_infonce(images: Plane, texts: Plane, image_to_text: Scalar) -> Float[Array, "2 2"]:
    """B of the critic u^T B t that minimises the InfoNCE loss of one batch that is the whole sample.

    Args:
        images: u = D_I^T x, shape (size, 2).
        texts: t = D_T^T (text), shape (size, 2).
        image_to_text: weight of the direction image to text; the other has the rest.
    """

    def objective(entries: Float[Array, "4"]) -> Local:
        critic = entries.reshape(2, 2)
        one, other = _direction(images, texts, critic), _direction(texts, images, critic.T)
        turned = jnp.array([0, 2, 1, 3])  # the entries of B in those of its transpose
        other = Local(other.value, other.gradient[turned], other.hessian[turned][:, turned])
        return jax.tree.map(lambda a, b: image_to_text * a + (1.0 - image_to_text) * b, one, other)

    return descend(objective, jnp.zeros(4)).reshape(2, 2)


def fit_siglip(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
    """B that minimises the limit of the sigmoid loss for many negatives, over all pairs of the sample; shapes above."""
    size = images.shape[0]
    matched = _matched(images, texts).reshape(4)
    products = (texts[:, :, None] * texts[:, None, :]).reshape(size, 4)

    def objective(entries: Float[Array, "4"]) -> Local:
        critic = entries.reshape(2, 2)
        scores = (images @ critic) @ texts.T
        shares = jax.nn.softmax(scores.reshape(-1)).reshape(size, size)
        mean = (images.T @ shares @ texts).reshape(4)
        second = jnp.einsum("ni,nk,njl->ijkl", images, images, (shares @ products).reshape(size, 2, 2)).reshape(4, 4)
        value = jax.nn.logsumexp(scores) - matched @ entries
        hessian = second - mean[:, None] * mean[None, :] + _FLAT * jnp.eye(4)
        return Local(value, mean - matched, hessian)

    return descend(objective, jnp.zeros(4)).reshape(2, 2)


def fit_to_sample(
    key: Key[Array, ""], model: SpuriousModel, caption: Caption, fit: Fit, size: int
) -> Float[Array, "2 2"]:
    """B of a fit to `size` fresh pairs, which are one batch: it is off the limit by a share of order 1 / size."""
    bases_key, sample_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    batch = sample_pairs(sample_key, model, bases, caption, size)
    return fit(batch.images @ bases.image, batch.texts @ bases.text)
