"""S20, unit length and temperature: what linear encoders learn by the losses of CLIP and SigLIP themselves.

Statement. Let x -> W_I x and t -> W_T t be linear, embeddings divided by their length, and their inner products times
a trained factor c the logits; InfoNCE bounds it by 100. Whatever is learned, opposite prompts give a rule that is
linear in the image, sign <x, W_I^T W_T p>, so S4 holds for it. In the signal's plane (u of the image, t of the
caption) the logit is

    s(u, t) = u^T M t / sqrt((u^T P u + g_I)(t^T Q t + g_T)),    w = M q,

where P and Q are the parts of W_I^T W_I and W_T^T W_T in the plane, M is c times that of W_I^T W_T, and g is the
squared length that noise off the plane adds. The best encoders do *not* lie in the plane: in directions of the
embedding that the other modality does not use, noise makes the embedding longer and so the logits of weak signals
smaller, which the losses reward. In a wide embedding M, P, Q and g >= 0 are free, and c is at least the largest
singular value of P^(-1/2) M Q^(-1/2). An embedding of width 2 has no such directions: in the plane g = 0, and
P^(-1/2) M Q^(-1/2) is c times a rotation.

The losses are computed without sampling, by a quadrature over u and t with fixed nodes in polar coordinates. For
InfoNCE with N pairs in a batch log X = int_0^inf (e^-z - e^(-z X)) dz / z gives, exactly,

    E log sum_j e^s_j = int_0^inf (e^-z - E_u { E_(t|u) e^(-z e^s(u, t)) [E_t' e^(-z e^s(u, t'))]^(N - 1) }) dz / z,

the sum over a caption of the image and N - 1 independent ones. SigLIP's loss is one of pairs, so that N enters as the
number of negatives alone.

Assumed: noise off the plane enters with its mean squared length, which it does if it comes from many directions;
equally frequent classes; `latent` captions; both modalities with noise. The losses are not convex in these numbers:
what is found is a local minimum, the one that training finds in the tests.

Source: the losses are those of Radford et al. (arXiv 2103.00020) and Zhai et al. (arXiv 2303.15343); derived here,
docs/theory/unit_length.md.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.mixtures import group_weights
from theory.model import Scalar, SpuriousModel
from workbench.compilation import jit

MAX_SCALE = 100.0  # CLIP's bound on the factor c
LOSSES = ("infonce", "siglip")
# Radii and angles of the quadrature; the reach in deviations beyond the largest mean; the grid of log z.
RADII, ANGLES = 24, 40
_REACH = 5.5
_LOG_Z, _LOG_STEP = np.arange(-14.0, 12.0, 0.7), 0.7
# How far the grid's marginals may be off before a pair of image and caption counts as too close for it.
_RESOLUTION = 0.02
# The largest entry of the gradient at a minimum; there the accuracies are off by far less than a hundredth of a point.
_FLAT = 1e-4


class Grid(NamedTuple):
    """Places in the plane and the law of pairs on them, of one modality against the other.

    Attributes:
        rows: places of the one, in half of the plane; pairs (u, t) and (-u, -t) are equally likely.
        columns: places of the other, in all of the plane.
        joint: probabilities of the pairs; they sum to 1.
        apart: probabilities of the columns.
    """

    rows: Float[Array, "rows 2"]
    columns: Float[Array, "columns 2"]
    joint: Float[Array, "rows columns"]
    apart: Float[Array, " columns"]


class Encoders(NamedTuple):
    """What the losses see of two linear encoders and the factor; see the statement.

    Attributes:
        critic: M, shape (2, 2).
        image_shape, caption_shape: P and Q, each of determinant 1.
        image_noise, caption_noise: g of each modality.
    """

    critic: Float[Array, "2 2"]
    image_shape: Float[Array, "2 2"]
    caption_shape: Float[Array, "2 2"]
    image_noise: Float[Array, ""]
    caption_noise: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Optimum:
    """A minimum of the loss.

    Attributes:
        encoders: where it is.
        perfect_logit: SigLIP's offset plus c; 0 for InfoNCE.
        scale: the smallest factor c that it can be had with.
        loss: its value; InfoNCE's less log N.
    """

    encoders: Encoders
    perfect_logit: float
    scale: float
    loss: float


def _polar(reach: float, radii: int, angles: int, turn: float) -> tuple[np.ndarray, np.ndarray]:
    places, weights = np.polynomial.legendre.leggauss(radii)
    radius, width = reach * (places + 1.0) / 2.0, reach * weights / 2.0
    angle = turn * np.arange(angles) / angles
    points = radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)[None]
    return points.reshape(-1, 2), np.repeat(radius * width * turn / angles, angles)


def _density(points: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    exponent = -0.5 * np.sum((points - mean) ** 2 / variance, axis=-1)
    return np.asarray(np.exp(exponent) / (2.0 * np.pi * np.sqrt(np.prod(variance))))


def grids(model: SpuriousModel, radii: int = RADII, angles: int = ANGLES) -> tuple[Grid, Grid] | None:
    """The quadrature, of images against captions and of captions against images.

    Returns:
        None where images and captions tell each other so exactly that the grid does not resolve it.

    Args:
        model: parameters of the synthetic model, as numbers; equally frequent classes.
        radii: nodes of Gauss and Legendre along the radius.
        angles: equidistant ones around the circle; an even number.

    Raises:
        ValueError: classes that are not equally frequent.
    """
    if float(model.class_prior) != 0.5:
        raise ValueError("S20 is for equally frequent classes")
    sizes, sigmas, weights = (np.asarray(part, float) for part in _features(model))
    latent = sigmas**2
    noises = float(model.image_noise_variance), float(model.text_noise_variance)
    reach = float(np.linalg.norm(sizes) + _REACH * np.sqrt(latent.max() + max(noises)))
    rows, row_weights = _polar(reach, radii, angles // 2, np.pi)
    columns, column_weights = _polar(reach, radii, angles, 2.0 * np.pi)
    signs = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    found = []
    for own, other in (noises, noises[::-1]):
        if own <= 0 or other <= 0:
            return None
        share = latent / (latent + own)
        rest = latent + other - share * latent
        joint, apart, marginal = np.zeros((len(rows), len(columns))), np.zeros(len(columns)), np.zeros(len(rows))
        for weight, sign in zip(weights, signs, strict=True):
            mean = sign * sizes
            row_mass = 2.0 * weight * row_weights * _density(rows, mean, latent + own)
            expected = mean + share * (rows - mean)
            conditional = _density(columns[None], expected[:, None], rest) * column_weights
            joint = joint + row_mass[:, None] * conditional
            marginal = marginal + row_mass
            apart = apart + weight * column_weights * _density(columns, mean, latent + other)
        if np.abs(joint.sum(axis=1) - marginal).sum() > _RESOLUTION or abs(marginal.sum() - 1.0) > _RESOLUTION:
            return None
        found.append(Grid(*map(jnp.asarray, (rows, columns, joint / joint.sum(), apart / apart.sum()))))
    return found[0], found[1]


@functools.partial(jit, quick=True)
def _features(model: SpuriousModel) -> tuple[Float[Array, "2"], Float[Array, "2"], Float[Array, "4"]]:
    """Mean sizes and deviations of the features, and the groups' weights."""
    return model.latent_mean, model.latent_sigma, group_weights(model)


def _unit(
    places: Float[Array, "places 2"], shape: Float[Array, "2 2"], noise: Float[Array, ""]
) -> Float[Array, "places 2"]:
    """Places over the lengths of their embeddings."""
    return places / jnp.sqrt(jnp.einsum("pi,ij,pj->p", places, shape, places) + noise)[:, None]


def logits(grid: Grid, encoders: Encoders) -> Float[Array, "rows columns"]:
    """s(u, t) for all rows u (images) and columns t (captions)."""
    images = _unit(grid.rows, encoders.image_shape, encoders.image_noise)
    captions = _unit(grid.columns, encoders.caption_shape, encoders.caption_noise)
    return images @ encoders.critic @ captions.T


def _turned(encoders: Encoders) -> Encoders:
    critic, image_shape, caption_shape, image_noise, caption_noise = encoders
    return Encoders(critic.T, caption_shape, image_shape, caption_noise, image_noise)


def _log_sum(grid: Grid, scores: Float[Array, "rows columns"], batch_size: Scalar | None) -> Float[Array, ""]:
    """E log of the mean of e^s over a batch: the row's own column and batch_size - 1 independent ones, or all."""
    top = jnp.max(scores, axis=1)
    raised, own = jnp.exp(scores - top[:, None]), jnp.sum(grid.joint, axis=1)
    if batch_size is None:
        return jnp.sum(own * (top + jnp.log(raised @ grid.apart)))

    @jax.checkpoint
    def at(log_z: Float[Array, ""]) -> Float[Array, ""]:
        z = jnp.exp(log_z)
        kept = jnp.exp(-z * raised)
        # The quick number keeps the derivative finite where the rest is 0.
        others = jnp.exp((batch_size - 1) * jnp.log(kept @ grid.apart + 1e-300))
        return jnp.sum(own * jnp.exp(-z) - jnp.sum(grid.joint * kept, axis=1) * others)

    log_sum = _LOG_STEP * jnp.sum(jax.lax.map(at, jnp.asarray(_LOG_Z)))
    return jnp.sum(own * top) + log_sum - jnp.log(jnp.asarray(batch_size, float))


def infonce_loss(both: tuple[Grid, Grid], encoders: Encoders, batch_size: Scalar | None) -> Float[Array, ""]:
    """Expectation of CLIP's loss on a batch, less log N; of its limit for N without end where that is None.

    Args:
        both: of `grids`.
        encoders: where to evaluate it.
        batch_size: N, at least 2.
    """
    scores = logits(both[0], encoders)
    other = logits(both[1], _turned(encoders))
    halves = _log_sum(both[0], scores, batch_size) + _log_sum(both[1], other, batch_size)
    return halves / 2.0 - jnp.sum(both[0].joint * scores)


def siglip_loss(
    both: tuple[Grid, Grid], encoders: Encoders, offset: Float[Array, ""], batch_size: Scalar
) -> Float[Array, ""]:
    """Expectation of SigLIP's loss on a batch of N pairs, for logits s + offset.

    Args:
        both: of `grids`; only images against captions is used.
        encoders: where to evaluate it.
        offset: SigLIP's bias b.
        batch_size: N, at least 2.
    """
    grid = both[0]
    scores = logits(grid, encoders) + offset
    own = jnp.sum(grid.joint, axis=1)
    # softplus(-s) = softplus(s) - s
    weight = grid.joint + (batch_size - 1) * own[:, None] * grid.apart[None, :]
    return jnp.sum(weight * jax.nn.softplus(scores)) - jnp.sum(grid.joint * scores)


def _shape(log_ratio: Float[Array, ""], shear: Float[Array, ""]) -> Float[Array, "2 2"]:
    """A positive matrix of determinant 1."""
    root = jnp.stack([jnp.stack([jnp.exp(log_ratio), shear]), jnp.stack([jnp.zeros(()), jnp.exp(-log_ratio)])])
    return root.T @ root


def _root(shape: Float[Array, "2 2"]) -> Float[Array, "2 2"]:
    """The positive root of a positive matrix of determinant 1."""
    return (shape + jnp.eye(2)) / jnp.sqrt(jnp.trace(shape) + 2.0)


# Units of the variables, so that a step of one matters in each.
_UNIT = 10.0


def wide(variables: Float[Array, "10"]) -> Encoders:
    """Encoders of a wide embedding from ten free numbers."""
    shapes = _shape(variables[4], variables[5]), _shape(variables[6], variables[7])
    return Encoders(_UNIT * variables[:4].reshape(2, 2), *shapes, jnp.exp(variables[8]), jnp.exp(variables[9]))


def planar(variables: Float[Array, "6"]) -> Encoders:
    """Encoders that ignore all noise off the plane, of an embedding of width 2, from six free numbers."""
    image, caption = _shape(variables[2], variables[3]), _shape(variables[4], variables[5])
    cosine, sine = jnp.cos(variables[1]), jnp.sin(variables[1])
    turn = jnp.stack([jnp.stack([cosine, -sine]), jnp.stack([sine, cosine])])
    critic = _UNIT * jnp.exp(variables[0]) * _root(image) @ turn @ _root(caption)
    return Encoders(critic, image, caption, jnp.zeros(()), jnp.zeros(()))


_WIDE_START = np.array([1.8, -0.2, -0.2, 1.8, 0.0, -0.1, 0.0, -0.1, np.log(0.02), np.log(0.02)])
_PLANAR_START = np.array([0.5, 0.0, 0.0, -0.1, 0.0, -0.1])
_PERFECT_START = -0.9


def smallest_scale(encoders: Encoders) -> Float[Array, ""]:
    """The largest singular value of P^(-1/2) M Q^(-1/2): the least factor c that these encoders can be had with."""
    inverse = (jnp.linalg.inv(_root(shape)) for shape in (encoders.image_shape, encoders.caption_shape))
    image, caption = inverse
    return jnp.linalg.norm(image @ encoders.critic @ caption, ord=2)


def optimum(
    model: SpuriousModel,
    loss: str,
    batch_size: int | None = None,
    off_plane: bool = True,
    nodes: tuple[int, int] = (RADII, ANGLES),
) -> Optimum | None:
    """The minimum of an expected loss over linear encoders, computed in float64.

    Args:
        model: parameters of the synthetic model, as numbers; equally frequent classes.
        loss: one of `LOSSES`.
        batch_size: N, at least 2; None, for InfoNCE alone, is the limit of large batches.
        off_plane: whether the embedding is wide enough to use the noise off the plane; False is width 2.
        nodes: radii and angles of the quadrature.

    Returns:
        None where the quadrature does not resolve the model, no minimum is found, or c would exceed `MAX_SCALE`.

    Raises:
        ValueError: another loss, unequal classes, or SigLIP without a size of batch.
    """
    if loss not in LOSSES or (loss == "siglip" and batch_size is None):
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, siglip with a size of batch, got {loss!r}")
    size = float(batch_size or 0)
    with jax.enable_x64(True):
        both = grids(model, *nodes)
        if both is None:
            return None
        start = _WIDE_START if off_plane else _PLANAR_START
        if loss == "siglip":
            found = _descend(both, np.append(start, _PERFECT_START), loss, off_plane, size, limit=False)
        else:
            found = _descend(both, start, loss, off_plane, size, limit=True)
            if batch_size is not None:
                # The limit is close and curved almost alike: few of the dear steps are left.
                guess = (found.hess_inv + found.hess_inv.T) / 2.0
                found = _descend(both, found.x, loss, off_plane, size, limit=False, inverse_hessian=guess)
        encoders, least = _encoders_at(jnp.asarray(found.x[: len(start)]), off_plane)
        scale = float(least)
    flat = float(np.max(np.abs(found.jac))) < _FLAT
    if not flat or not np.isfinite(scale) or (loss == "infonce" and scale > MAX_SCALE):
        return None
    return Optimum(encoders, float(found.x[-1]) if loss == "siglip" else 0.0, scale, float(found.fun))


@functools.partial(jit, quick=True, static_argnames="off_plane")
def _encoders_at(variables: Float[Array, " n"], off_plane: bool) -> tuple[Encoders, Float[Array, ""]]:
    """The encoders of free numbers, and their smallest scale."""
    encoders = (wide if off_plane else planar)(variables)
    return encoders, smallest_scale(encoders)


@functools.partial(jit, long=True, static_argnames=("loss", "off_plane", "limit"))
@functools.partial(jax.value_and_grad, argnums=1)
def _local(
    both: tuple[Grid, Grid],
    variables: Float[Array, " n"],
    size: Float[Array, ""],
    loss: str,
    off_plane: bool,
    limit: bool,
) -> Float[Array, ""]:
    """The loss at the free numbers, with its gradient."""
    encoders = wide(variables[: len(_WIDE_START)]) if off_plane else planar(variables[: len(_PLANAR_START)])
    if loss == "siglip":
        return siglip_loss(both, encoders, variables[-1] - smallest_scale(encoders), size)
    return infonce_loss(both, encoders, None if limit else size)


def _descend(
    both: tuple[Grid, Grid],
    start: np.ndarray,
    loss: str,
    off_plane: bool,
    size: float,
    limit: bool,
    inverse_hessian: np.ndarray | None = None,
) -> Any:
    """SciPy's result of a descent from `start`."""
    from scipy.optimize import minimize  # here: a fifth of a second that other losses need not wait for

    def at(variables: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _local(both, jnp.asarray(variables), jnp.asarray(size), loss, off_plane, limit)
        return float(value), np.asarray(slope)

    options: Any = {"gtol": 1e-6, "hess_inv0": inverse_hessian}
    return minimize(at, start, jac=True, method="BFGS", options=options)
