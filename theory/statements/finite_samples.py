"""S22, finite samples: the law of what a contrastive loss learns from n pairs, and intervals for its accuracies.

Statement. B_n minimises a loss of all n pairs, and each image is set against the captions of the other pairs. The
gradient in B at the limit B is not a mean over pairs but, like a U-statistic of degree two, to first order one of

    h(u, t) = -(u t^T - E[u t^T]) + f(u) + g(t),    n^(1/2) (B_n - B) -> N(0, H^(-1) Cov(h) H^(-1)),

H the loss's Hessian: a pair counts as itself, through its image among all captions, and through its caption among all
images. With Z_u = E_t' e^s(u, t'), Z_t = E_u' e^s(u', t), tau_u and tau_t the means of t and of u under those weights,
p the weight of the direction image to text, Z = E Z_u and J = E[u t^T],

    linearised loss   f = g = 0, H = 1 (for unequal classes f = E[u] and g = E[t] times the other)
    InfoNCE           f(u) = p u tau_u^T + (1 - p) E_t[(u - tau_t) t^T e^s(u, t) / Z_t]
                      g(t) = (1 - p) tau_t t^T + p E_u[u (t - tau_u)^T e^s(u, t) / Z_u]
    sigmoid loss      f(u) = (u tau_u^T - J) Z_u / Z,    g(t) = (tau_t t^T - J) Z_t / Z    (many negatives)

The second terms of InfoNCE are what a sandwich over the rows of a batch forgets, as if the others were fixed: that
gives other deviations. Supervised losses are means over images: the sandwich of the score, f alone.

With a as in S15, E e^(theta s) finite for theta < a only, Cov(h) is finite for InfoNCE if a > 1, for the sigmoid loss
if a > 2^(1/2). Near these edges rare pairs carry the variance and n must be large. With `label` and `label-attribute`
captions a is infinite.

Rules w_n = B_n q, reliances and group accuracies follow by the delta method, for a prompt q that is not estimated. The
part of G_n outside of the signal's plane does not matter to this order: Hessian and noise have no entries between the
two (reflect x there), and its length enters the accuracies as a square, which is of order 1 / n (S9).

The rate and the constant of the linearised loss's whole matrix are S9's; what a sample costs reweighted learners, S25.

Source: U-statistics are Hoeffding's (1948), their minimisers e.g. Honore and Powell's (1994); derived here,
docs/theory/finite_samples.md.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from theory.learners import contrastive_critic
from theory.mixtures import Joint, Mixture, Pairs, joint_mixture, pairs_of, tilted
from theory.model import Caption, SpuriousModel
from theory.names import DIRECTIONS
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_objective
from theory.statements.least_squares import least_squares_direction
from theory.statements.logistic import logistic_direction
from theory.statements.siglip import moment_exponent, siglip_loss

CONTRASTIVE = ("linearized", *DIRECTIONS, "siglip")
SUPERVISED = ("least_squares", "logistic")
# The least a of S15 with a finite covariance.
LEAST_EXPONENT = dict.fromkeys(DIRECTIONS, 1.0) | {"siglip": math.sqrt(2.0)}
# Nodes on an axis; how far they reach, in deviations, on two grids that must agree to this share.
NODES = 49
_REACHES, _RESOLUTION = (11.0, 13.0), 1e-6


class Side(NamedTuple):
    """Places of one modality in each of the four groups, with weights that sum to 1.

    Attributes:
        places: shape (4, k, l, 2): a grid, or one place, in each group.
        weights: shape (4, k, l).
        axes: standard deviates of the grid along each axis, shape (k,); 0 for one place.
        laws: means and variances of the groups.
    """

    places: Float[Array, "4 k l 2"]
    weights: Float[Array, "4 k l"]
    axis: Float[Array, " k"]
    laws: Mixture


def _side(laws: Mixture, count: int, reach: float | Float[Array, ""]) -> Side:
    axis = jnp.zeros(1) if count == 1 else reach * jnp.linspace(-1.0, 1.0, count)
    density = jnp.exp(-0.5 * axis**2)
    density = density / jnp.sum(density)
    deviates = jnp.stack(jnp.meshgrid(axis, axis, indexing="ij"), axis=2)[None]
    places = laws.means[:, None, None, :] + jnp.sqrt(laws.variances)[:, None, None, :] * deviates
    weights = laws.weights[:, None, None] * (density[:, None] * density[None, :])[None]
    return Side(places, weights, axis, laws)


def _outer(left: Float[Array, "4 k l 2"], right: Float[Array, "4 k l 2"]) -> Float[Array, "4 k l 4"]:
    """Products of two vectors at each place, row by row."""
    return (left[..., :, None] * right[..., None, :]).reshape(*left.shape[:3], 4)


def _pull(
    own: Side, other: Mixture, critic: Float[Array, "2 2"], count: int, reach: float | Float[Array, ""]
) -> Float[Array, "4 k l 4"]:
    """E_v[(x - tau(v)) v^T e^(x^T critic v) / Z(v)] at the places x of one side, v of the other modality's law.

    Z(v) = E_x' e^(x'^T critic v) and tau(v) is the mean of x' under that weight. v is summed over a grid that covers
    the plane; for each x the exponential is a product over its two coordinates.
    """
    directions = own.places.reshape(-1, 2) @ critic
    exact = count == 1
    if exact:
        nodes, log_weights = other.means, jnp.log(other.weights)
    else:
        ends = jnp.max(jnp.abs(other.means) + reach * jnp.sqrt(other.variances), axis=0)
        axes = ends[None, :] * jnp.linspace(-1.0, 1.0, 2 * count)[:, None]
        nodes = jnp.stack(jnp.meshgrid(axes[:, 0], axes[:, 1], indexing="ij"), axis=2).reshape(-1, 2)
        logs = norm.logpdf(nodes[:, None, :], other.means[None], jnp.sqrt(other.variances)[None])
        log_weights = jax.nn.logsumexp(jnp.sum(logs, axis=2), axis=1, b=other.weights[None])
        log_weights = log_weights + jnp.sum(jnp.log(axes[1] - axes[0]))
    of_node = tilted(own.laws, nodes @ critic.T)
    log_weights = log_weights - of_node.log_mgf
    features = (of_node.mean[:, :, None] * nodes[:, None, :]).reshape(-1, 4)
    features = jnp.concatenate([nodes, features], axis=1)
    if exact:
        sums = jnp.exp(directions @ nodes.T + log_weights[None, :]) @ features
    else:
        # e^(b v) = e^(-(b r - v / r)^2 / 2) e^(b^2 r^2 / 2) e^(v^2 / (2 r^2)), so that nothing overflows.
        width = jnp.sqrt(jnp.max(other.variances, axis=0))
        log_weights = log_weights + jnp.sum((nodes / width[None, :]) ** 2, axis=1) / 2.0
        weighted = (jnp.exp(log_weights)[:, None] * features).reshape(2 * count, 2 * count, 6)
        kernels = [
            jnp.exp(-0.5 * (directions[:, i, None] * width[i] - axes[None, :, i] / width[i]) ** 2) for i in (0, 1)
        ]
        inner = jnp.einsum("qk,klf->qlf", kernels[0], weighted)
        sums = jnp.einsum("qlf,ql->qf", inner, kernels[1])
        sums = sums * jnp.exp(jnp.sum((directions * width[None, :]) ** 2, axis=1) / 2.0)[:, None]
    sums = sums.reshape(*own.places.shape[:3], 6)
    return _outer(own.places, sums[..., :2]) - sums[..., 2:]


def _tilt(
    own: Side, other: Mixture, critic: Float[Array, "2 2"]
) -> tuple[Float[Array, "4 k l"], Float[Array, "4 k l 2"]]:
    """Log Z and tau, of the other modality, at each place of one side."""
    found = tilted(other, own.places.reshape(-1, 2) @ critic)
    shape = own.places.shape[:3]
    return found.log_mgf.reshape(shape), found.mean.reshape(*shape, 2)


def _second_moment(
    images: Side,
    captions: Side,
    covariances: Float[Array, "4 2"],
    of_images: Float[Array, "4 k l 4"],
    of_captions: Float[Array, "4 m n 4"],
) -> Float[Array, "4 4"]:
    """Covariance of -u t^T + f(u) + g(t), entries row by row.

    Args:
        images: places u.
        captions: places t.
        covariances: of each feature of image and caption, in each group.
        of_images: f at the places.
        of_captions: g at the places.
    """

    def slopes(laws: Mixture) -> Float[Array, "4 2"]:
        spread = laws.variances > 0
        return jnp.where(spread, covariances / jnp.where(spread, laws.variances, 1.0), 0.0)

    def expected(own: Side, other: Mixture) -> Float[Array, "4 k l 2"]:
        deviation = own.places - own.laws.means[:, None, None, :]
        return other.means[:, None, None, :] + slopes(own.laws)[:, None, None, :] * deviation

    def average(side: Side, left: Float[Array, "4 k l a"], right: Float[Array, "4 k l b"]) -> Float[Array, "a b"]:
        return jnp.einsum("gkl,gkla,gklb->ab", side.weights, left, right)

    captions_given = expected(images, captions.laws)
    products, turned = _outer(images.places, captions_given), _outer(expected(captions, images.laws), captions.places)
    rest = captions.laws.variances - slopes(images.laws) * covariances
    unexplained = jnp.einsum(
        "gkl,gkli,gklm,gj,jn->ijmn", images.weights, images.places, images.places, rest, jnp.eye(2)
    )
    matched = average(images, products, products) + unexplained.reshape(4, 4)
    with_images, with_captions = average(images, products, of_images), average(captions, turned, of_captions)

    variances = images.laws.variances * captions.laws.variances
    correlation = jnp.where(variances > 0, covariances / jnp.sqrt(jnp.where(variances > 0, variances, 1.0)), 0.0)
    density = jnp.exp(-0.5 * images.axis**2)
    density = density / jnp.sum(density)
    if len(captions.axis) == 1:
        kernel = jnp.broadcast_to(density[None, None, :, None], (4, 2, len(density), 1))
    else:
        gap = captions.axis[None, None, None, :] - correlation[:, :, None, None] * images.axis[None, None, :, None]
        given = jnp.exp(-0.5 * gap**2 / (1.0 - correlation**2)[:, :, None, None])
        kernel = density[None, None, :, None] * given / jnp.sum(given, axis=3, keepdims=True)
    carried = jnp.einsum("gkla,gkm->gmla", of_images, kernel[:, 0])
    carried = jnp.einsum("gmla,gln->gmna", carried, kernel[:, 1])
    across = jnp.einsum("g,gmna,gmnb->ab", images.laws.weights, carried, of_captions)

    total = matched + average(images, of_images, of_images) + average(captions, of_captions, of_captions)
    mixed = across - with_images - with_captions
    mean = jnp.einsum("gkl,gkla->a", images.weights, of_images - products)
    mean = mean + jnp.einsum("gkl,gkla->a", captions.weights, of_captions)
    return total + mixed + mixed.T - jnp.outer(mean, mean)


def _noise(
    parts: Joint, learner: str, critic: Float[Array, "2 2"], count: int, exact: bool, reach: float | Float[Array, ""]
) -> Float[Array, "4 4"]:
    """Cov(h) at the limit B, for pairs with one component in each group."""
    nodes = 1 if exact else count
    images, captions = _side(parts.images, count, reach), _side(parts.captions, nodes, reach)
    if learner == "linearized":
        means = [laws.weights @ laws.means for laws in (parts.images, parts.captions)]
        of_images = _outer(images.places, jnp.broadcast_to(means[1], images.places.shape))
        of_captions = _outer(jnp.broadcast_to(means[0], captions.places.shape), captions.places)
        return _second_moment(images, captions, parts.covariances, of_images, of_captions)
    log_image, caption_mean = _tilt(images, parts.captions, critic)
    log_caption, image_mean = _tilt(captions, parts.images, critic.T)
    of_images, of_captions = _outer(images.places, caption_mean), _outer(image_mean, captions.places)
    if learner == "siglip":
        joint = parts.joint_moment().reshape(1, 1, 1, 4)
        log_total = jax.nn.logsumexp(log_image, b=images.weights)
        of_images = (of_images - joint) * jnp.exp(log_image - log_total)[..., None]
        of_captions = (of_captions - joint) * jnp.exp(log_caption - log_total)[..., None]
    else:
        share = DIRECTIONS[learner]
        pulled = _pull(images, parts.captions, critic, nodes, reach)
        turned = _pull(captions, parts.images, critic.T, count, reach)[..., jnp.array([0, 2, 1, 3])]
        of_images = share * of_images + (1.0 - share) * pulled
        of_captions = (1.0 - share) * of_captions + share * turned
    return _second_moment(images, captions, parts.covariances, of_images, of_captions)


def _hessian(pairs: Pairs, learner: str, critic: Float[Array, "2 2"], exact: bool) -> Float[Array, "4 4"]:
    if learner == "linearized":
        return jnp.eye(4)
    if learner == "siglip":
        found = jax.hessian(lambda entries: siglip_loss(pairs, entries.reshape(2, 2)))(critic.reshape(4))
        return found + pairs.flat
    return infonce_objective(pairs, DIRECTIONS[learner], critic, exact_captions=exact).hessian


def critic_covariance(model: SpuriousModel, caption: Caption, learner: str, count: int = NODES) -> Float[Array, "4 4"]:
    """The limit of n Cov(B_n), entries row by row.

    NaN where it is infinite, where the two grids of the quadrature do not agree to six digits (four in single
    precision), and where there is no B.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say; it always mentions what its kind can, so its probabilities are not read.
        learner: one of `CONTRASTIVE`.
        count: nodes on an axis of the quadrature.

    Raises:
        ValueError: another learner.
    """
    if learner not in CONTRASTIVE:
        raise ValueError(f"learner must be one of {', '.join(CONTRASTIVE)}, got {learner!r}")
    always = Caption(caption.kind)
    critic = contrastive_critic(learner, model, always)
    parts = joint_mixture(model, always)
    return _covariance(pairs_of(model, always), parts, critic, learner, count, caption.kind != "latent")


@functools.partial(jax.jit, static_argnames=("learner", "count", "exact"))
def _covariance(
    pairs: Pairs, parts: Joint, critic: Float[Array, "2 2"], learner: str, count: int, exact: bool
) -> Float[Array, "4 4"]:
    inverse = jnp.linalg.inv(_hessian(pairs, learner, critic, exact))

    def at(reach: Float[Array, ""]) -> Float[Array, "4 4"]:
        return inverse @ _noise(parts, learner, critic, count, exact, reach) @ inverse

    found, other = jax.lax.map(at, jnp.array(_REACHES))
    resolution = max(_RESOLUTION, 1000.0 * float(jnp.finfo(found.dtype).eps))
    agreed = jnp.linalg.norm(found - other) <= resolution * jnp.linalg.norm(found)
    if learner != "linearized":
        agreed &= moment_exponent(pairs, critic) > LEAST_EXPONENT[learner]
    return jnp.where(agreed, found, jnp.nan)


@functools.partial(jax.jit, static_argnames=("learner", "count"))
def direction_covariance(model: SpuriousModel, learner: str, count: int = 2 * NODES) -> Float[Array, "2 2"]:
    """The limit of n Cov(w_n) of a supervised learner: the sandwich of its score.

    Args:
        model: parameters of the synthetic model; equally frequent classes.
        learner: one of `SUPERVISED`.
        count: nodes on an axis of the quadrature.

    Raises:
        ValueError: another learner.
    """
    if learner not in SUPERVISED:
        raise ValueError(f"learner must be one of {', '.join(SUPERVISED)}, got {learner!r}")
    images = _side(pairs_of(model, Caption()).images, count, 9.0)
    labels = jnp.asarray(np.array([1.0, 1.0, -1.0, -1.0]), float)[:, None, None]
    if learner == "least_squares":
        slope = images.places @ least_squares_direction(model) - labels
        curvature = jnp.ones_like(slope)
    else:
        wrong = jax.nn.sigmoid(-labels * (images.places @ logistic_direction(model)))
        slope, curvature = -labels * wrong, wrong * (1.0 - wrong)

    def moment(weight: Float[Array, "4 k l"]) -> Float[Array, "2 2"]:
        return jnp.einsum("gkl,gkli,gklj->ij", images.weights * weight, images.places, images.places)

    inverse = jnp.linalg.inv(moment(curvature))
    return inverse @ moment(slope**2) @ inverse


def rule_covariance(covariance: Float[Array, "4 4"], prompt: Float[Array, "2"]) -> Float[Array, "2 2"]:
    """Of w = B q: what the covariance of B's entries, row by row, is for the prompt q."""
    applied = jnp.kron(jnp.eye(2), prompt[None, :])
    return applied @ covariance @ applied.T


def accuracy_deviation(
    model: SpuriousModel, direction: Float[Array, "2"], covariance: Float[Array, "2 2"]
) -> Float[Array, "4"]:
    """The limit of n^(1/2) times the standard deviation of each group's accuracy, by the delta method.

    Args:
        model: parameters of the synthetic model.
        direction: the limit w of the rule.
        covariance: limit of n Cov(w_n).
    """
    slopes = jax.jacfwd(lambda rule: group_accuracies(model, rule))(direction)
    return jnp.sqrt(jnp.einsum("gi,ij,gj->g", slopes, covariance, slopes))


def reliance_deviation(direction: Float[Array, "2"], covariance: Float[Array, "2 2"]) -> Float[Array, ""]:
    """The same of the reliance w_spu / w_inv; arguments as above."""
    slope = jnp.stack([-direction[1] / direction[0], jnp.ones_like(direction[0])]) / direction[0]
    return jnp.sqrt(slope @ covariance @ slope)
