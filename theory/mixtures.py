"""Images and captions in the signal's plane, as mixtures of Gaussians whose coordinates are independent within each."""

import functools
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.model import Caption, SpuriousModel
from theory.statements.captions import caption_covariance, class_mean_caption

# The four groups: labels, and attributes.
LABELS = np.array([1.0, 1.0, -1.0, -1.0])
ATTRIBUTES = np.array([1.0, -1.0, -1.0, 1.0])
# The four choices of what a caption mentions: the class or invariant feature, and the background.
MENTIONS = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
_Choices: TypeAlias = tuple[tuple[float, ...], ...]
# Beyond so many deviations a standard normal carries less than 2e-16.
_REACH = 8.25


class Mixture(NamedTuple):
    """A mixture of Gaussians in the plane: weights, means and variances of its components."""

    weights: Float[Array, " components"]
    means: Float[Array, "components 2"]
    variances: Float[Array, "components 2"]


class Tilted(NamedTuple):
    """log E[e^<b, t>] at each b, and its two derivatives: mean and covariance of t under the weight e^<b, t>."""

    log_mgf: Float[Array, " points"]
    mean: Float[Array, "points 2"]
    covariance: Float[Array, "points 2 2"]


def group_weights(model: SpuriousModel) -> Float[Array, "4"]:
    """Probabilities of (y, a) = (+, +), (+, -), (-, -), (-, +) in training."""
    prior, ratio = jnp.asarray(model.class_prior, float), jnp.asarray(model.spurious_ratio, float)
    return jnp.stack([prior * ratio, prior * (1 - ratio), (1 - prior) * ratio, (1 - prior) * (1 - ratio)])


def image_mixture(model: SpuriousModel) -> Mixture:
    """The image in the signal's plane, u = z + noise: a component for each group."""
    signs = jnp.asarray(np.stack([LABELS, ATTRIBUTES], axis=1), float)
    variances = jnp.broadcast_to(model.image_variance[None, :], (4, 2))
    return Mixture(group_weights(model), signs * model.latent_mean[None, :], variances)


def caption_mixture(model: SpuriousModel, caption: Caption, choices: np.ndarray | None = None) -> Mixture:
    """The caption in the signal's plane: a component for each group and each choice of what is mentioned, at most 16.

    The choices are the caption's own, or `choices`, such as all `MENTIONS`. Only `latent` captions carry the text's
    noise; the words of the others are exact.
    """
    groups = group_weights(model)
    mask = jnp.asarray(caption.choices if choices is None else choices, float)
    mentioned = mask * caption.mentions[None, :] + (1.0 - mask) * (1.0 - caption.mentions[None, :])
    weights = groups[:, None] * jnp.prod(mentioned, axis=1)[None, :]
    signs = jnp.asarray(np.stack([LABELS, ATTRIBUTES], axis=1), float)
    if caption.kind == "latent":
        sizes, variances = model.latent_mean, mask * model.latent_sigma[None, :] ** 2 + model.text_noise_variance
    else:
        sizes, variances = jnp.ones(2), jnp.zeros_like(mask)
    means = signs[:, None, :] * mask[None, :, :] * sizes[None, None, :]
    variances = jnp.broadcast_to(variances[None, :, :], means.shape)
    return Mixture(weights.reshape(-1), means.reshape(-1, 2), variances.reshape(-1, 2))


def tilted(mixture: Mixture, points: Float[Array, "points 2"]) -> Tilted:
    """The logarithm of the mixture's moment generating function and its derivatives, in closed form."""
    means, variances = mixture.means, mixture.variances
    exponents = points @ means.T + 0.5 * points**2 @ variances.T
    top = jax.lax.stop_gradient(jnp.max(jnp.where(mixture.weights[None, :] > 0, exponents, -jnp.inf), axis=1))
    below = exponents - top[:, None]  # above 0 for components of weight 0 only
    shares = mixture.weights[None, :] * jnp.exp(jnp.where(below > 0, 0.0, below))
    total = jnp.sum(shares, axis=1)
    shares = shares / total[:, None]

    def products(one: Float[Array, "k 2"], two: Float[Array, "k 2"]) -> Float[Array, "points 2 2"]:
        return (shares @ (one[:, :, None] * two[:, None, :]).reshape(-1, 4)).reshape(-1, 2, 2)

    # The mean of each component under the weight is its own, and its variance times the point.
    within = shares @ variances
    mean = shares @ means + within * points
    crossed = products(means, variances) * points[:, None, :]
    moved = products(variances, variances) * points[:, :, None] * points[:, None, :]
    second = products(means, means) + crossed + jnp.swapaxes(crossed, 1, 2) + moved
    covariance = second - mean[:, :, None] * mean[:, None, :] + within[:, :, None] * jnp.eye(2)[None, :, :]
    return Tilted(top + jnp.log(total), mean, covariance)


class Pairs(NamedTuple):
    """All that a loss of pairs and bilinear critics sees of the model and its captions, in the signal's plane.

    Attributes:
        images: u = D_I^T x.
        captions: t, whatever the image.
        joint_moment: E[u t^T] of pairs that belong together, not centred, shape (2, 2).
        flat: the curvature to give a critic, shape (4, 4) for its entries row by row, along the directions in which no
            pair tells critics apart (a feature or a caption entry that is always 0, or two that are one), so that the
            optimum is the one of least norm; 0 in all others.
    """

    images: Mixture
    captions: Mixture
    joint_moment: Float[Array, "2 2"]
    flat: Float[Array, "4 4"]


def pairs_of(model: SpuriousModel, caption: Caption) -> Pairs:
    """Images and captions of the model."""
    return _pairs_of(model, caption, _known_choices(caption))


def _known_choices(caption: Caption) -> _Choices:
    """What a caption can mention, by which functions of it are compiled."""
    return tuple(map(tuple, caption.choices.tolist()))


@functools.partial(jax.jit, static_argnames="choices")
def _pairs_of(model: SpuriousModel, caption: Caption, choices: _Choices) -> Pairs:
    image_mean = jnp.stack([jnp.asarray(1.0, float), jnp.asarray(model.agreement, float)]) * model.latent_mean
    caption_mean = class_mean_caption(model, caption)
    joint = caption_covariance(model, caption) + model.label_mean**2 * image_mean[:, None] * caption_mean[None, :]
    images, captions = image_mixture(model), caption_mixture(model, caption, np.array(choices))
    flat = jnp.kron(null_projector(images), jnp.eye(2)) + jnp.kron(jnp.eye(2), null_projector(captions))
    return Pairs(images, captions, joint, flat)


class Joint(NamedTuple):
    """The law of a pair of image and caption in the signal's plane, as a mixture of 16 Gaussians.

    A component is one of a caption, and the group that it belongs to. In each, only the same feature of image and
    caption depend on each other.

    Attributes:
        images: the image's law in each component.
        captions: the caption's.
        covariances: of each feature of the image and the same one of the caption.
    """

    images: Mixture
    captions: Mixture
    covariances: Float[Array, "components 2"]

    def joint_moment(self) -> Float[Array, "2 2"]:
        """E[u t^T]."""
        of_means = jnp.einsum("k,ki,kj->ij", self.images.weights, self.images.means, self.captions.means)
        return of_means + jnp.diag(self.images.weights @ self.covariances)


def joint_mixture(model: SpuriousModel, caption: Caption) -> Joint:
    """Pairs of the model."""
    return _joint_mixture(model, caption, _known_choices(caption))


@functools.partial(jax.jit, static_argnames="choices")
def _joint_mixture(model: SpuriousModel, caption: Caption, choices: _Choices) -> Joint:
    images, captions = image_mixture(model), caption_mixture(model, caption, np.array(choices))
    repeated = Mixture(captions.weights, *(jnp.repeat(part, len(choices), axis=0) for part in images[1:]))
    # What is not mentioned, or said in words, varies with nothing.
    shared = captions.variances - model.text_noise_variance if caption.kind == "latent" else captions.variances
    return Joint(repeated, captions, shared)


def second_moment(mixture: Mixture) -> Float[Array, "2 2"]:
    """E[x x^T] of a mixture in the plane."""
    of_means = jnp.einsum("k,ki,kj->ij", mixture.weights, mixture.means, mixture.means)
    return of_means + jnp.diag(mixture.weights @ mixture.variances)


def null_projector(mixture: Mixture) -> Float[Array, "2 2"]:
    """The projector on the directions in which the mixture is always 0."""
    second = second_moment(mixture)
    size = jnp.trace(second)
    determinant = second[0, 0] * second[1, 1] - second[0, 1] ** 2
    of_line = jnp.eye(2) - second / jnp.where(size > 0, size, 1.0)
    rounding = 64.0 * jnp.finfo(second.dtype).eps
    return jnp.where(determinant > rounding * size**2, 0.0, of_line)


class Nodes(NamedTuple):
    """Places and weights of a quadrature in the plane; the weights sum to 1."""

    points: Float[Array, "nodes 2"]
    weights: Float[Array, " nodes"]


def nodes(mixture: Mixture, count: int, shift: float | Float[Array, ""] = 0.0) -> Nodes:
    """The trapezoidal rule on a grid of `count` by `count` standard deviates for each component; 1 for exact points.

    For an analytic integrand its error falls exponentially in `count`. A grid shifted by a share of its step is another
    rule of the same accuracy, so that the two tell how far both are off.
    """
    if count == 1:
        return Nodes(mixture.means, mixture.weights)
    step = 2.0 * _REACH / (count - 1)
    axis = -_REACH + step * (jnp.arange(count) + shift)
    density = jnp.exp(-0.5 * axis**2)
    density = density / jnp.sum(density)
    deviates = jnp.stack(jnp.meshgrid(axis, axis, indexing="ij"), axis=2).reshape(1, count**2, 2)
    points = mixture.means[:, None, :] + jnp.sqrt(mixture.variances)[:, None, :] * deviates
    product = mixture.weights[:, None] * (density[:, None] * density[None, :]).reshape(1, count**2)
    return Nodes(points.reshape(-1, 2), product.reshape(-1))
