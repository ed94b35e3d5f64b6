"""S26, other objectives of the literature: SupCon, and the non-contrastive nCLIP and xCLIP, in the synthetic model.

Statement. *SupCon* takes every text of an image's class as a right one. In infinite batches its bilinear critic is that
of InfoNCE (S14), direction by direction, with E[u t^T] of pairs replaced by that of an image and any caption of its
class, m_u m_t^T, where m_u and m_t are the means of class +1. It is convex in B, so the optimum is found as S14's.

    label captions:  m_u m_t^T = E[u t^T], so SupCon is InfoNCE; in each batch if captions always name the class.
    label-attribute: B has the column of the class alone, and it is that of InfoNCE on `label` captions, exactly, if
                     captions always name the class.
    small weights:   B = Sigma_u^(-1) m_u m_t^T Sigma_t^(-1), of rank one: each prompt gives least squares (S5).
    any function:    s(x, t) = log sum_y P(y | x) P(y | t) / P(y). For equally frequent classes, and whatever captions
                     say, each pair of opposite prompts decides as the Bayes classifier (S10).

What a caption says beyond the class is lost: the objective is a supervised one.

*nCLIP*, for logits a = W_I x and b = W_T t of K clusters, centred, with p and q their softmax,

    L = 1/2 E[CE(p, q) + CE(q, p)] + A/2 E[H(p) + H(q)] - M/2 [H(E p) + H(E q)],

is to second order (equally frequent classes), up to a constant,

    L = [(1 - A) / (4 K)] E(|a|^2 + |b|^2) - E<a, b> / K.

So zero weights are a local minimum if and only if the largest canonical correlation of image and caption is at most
(1 - A) / 2, whatever M; at the defaults it is 0.98, and they are a saddle. From small weights what grows first is the
leading eigenvector of [[-(1 - A) Sigma_u, 2 C], [2 C^T, -(1 - A) Sigma_t]], C = E[u t^T] (`growth`): with `latent`
captions and noises of one size that of Lambda, as for the contrastive losses (S16).

For two clusters (K = 2) logits are +-<w_I, x> / 2 and +-<w_T, t> / 2. The critic has rank one, so every prompt gives
the rule w_I or its opposite; for equally frequent classes M does not matter. The loss is a sum of one-dimensional
integrals: with alpha = <w_I, u>, beta = <w_T, t>, c their covariance in a component of the mixture, S the sigmoid,

    E[alpha S(beta)] = E[alpha] E[S(beta)] + c E[S'(beta)]    in each component (Stein's lemma).

It is not convex; what is found is the local minimum that Newton's iteration reaches from the direction that grows first
(`nclip_directions`). For more clusters no closed form is known: the optimum parts the plane into sectors, no convex
function says which, and the two encoders part it alike only to the accuracy that captions allow.

*xCLIP* adds nCLIP's loss, on linear heads of its own, to CLIP's. If the encoders are linear and as wide as S20's (four
directions of the signal and those of the noise), any logits of the plane can be had from a head, so the sum is smallest
where both terms are: the zero-shot rule is that of CLIP's loss alone (S20).

Assumed: linear encoders without a bias, infinite data and batches; off the signal's plane weights are 0, for SupCon by
convexity, for nCLIP as a stationary point, which training is tested to end at.

Source: SupCon is Khosla et al. (arXiv 2004.11362), nCLIP and xCLIP are Zhou et al. (arXiv 2210.09304); derived here,
docs/theory/other_objectives.md.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp, xlogy
from jax.scipy.stats import norm
from jaxtyping import Array, Float, Int

from theory.mixtures import (
    Joint,
    Pairs,
    caption_mixture,
    joint_mixture,
    null_projector,
    pairs_of,
    second_moment,
)
from theory.model import Caption, Scalar, SpuriousModel
from theory.newton import End, Local, descend, polish
from theory.statements.bayes import half_log_odds
from theory.statements.captions import class_mean_caption
from theory.statements.infonce import NODES, critic_of_pairs
from theory.statements.zero_shot import latent_prompt

# Weights A and M of nCLIP's two entropies unless given; those of `sims.objectives.nclip`.
SHARPNESS, BALANCE = 0.5, 1.0

# The trapezoidal rule of a function of one logit: poles of the sigmoid are pi / s away, s the logit's deviation, and
# its relative error is about exp(-2 pi^2 / (0.041 s)), 4e-9 at s = 25.
_MAX_DEVIATION = 25.0
_DEVIATES = np.linspace(-8.25, 8.25, 401)
_DENSITY = np.exp(-0.5 * _DEVIATES**2)
_DENSITY /= _DENSITY.sum()


def supcon_pairs(model: SpuriousModel, caption: Caption) -> Pairs:
    """Images and captions as SupCon pairs them: each image with every caption of its class."""
    means = latent_prompt(model, "class-mean"), class_mean_caption(model, caption)
    return pairs_of(model, caption)._replace(joint_moment=jnp.outer(*means))


def supcon_critic(
    model: SpuriousModel, caption: Caption, image_to_text: float | Float[Array, ""] = 0.5, count: int = NODES
) -> Float[Array, "2 2"]:
    """The matrix B of SupCon's best bilinear critic, shape (2, 2); NaN or infinite as `infonce_critic`.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.
        image_to_text: weight of the direction image to text; the other has the rest.
        count: nodes on each axis of the quadrature.
    """
    return critic_of_pairs(supcon_pairs(model, caption), image_to_text, count, caption.kind != "latent")


def class_information(
    model: SpuriousModel, caption: Caption, images: Float[Array, "size 2"], captions: Float[Array, "size 2"]
) -> Float[Array, " size"]:
    """SupCon's best critic among all functions, log sum_y P(y | x) P(y | t) / P(y), for pairs in the signal's plane.

    Args:
        model: parameters of the synthetic model; both coordinates of an image must have some spread.
        caption: what the captions say; exact ones must be among those that occur.
        images: u, shape (size, 2).
        captions: t, shape (size, 2).
    """
    image_odds = 2.0 * half_log_odds(model, images)
    mixture = caption_mixture(model, caption)
    if caption.kind == "latent":
        deviations = jnp.sqrt(mixture.variances)[None]
        log_parts = jnp.sum(norm.logpdf(captions[:, None, :], mixture.means[None], deviations), axis=2)
    else:
        same = jnp.all(jnp.abs(captions[:, None, :] - mixture.means[None]) < 1e-6, axis=2)
        log_parts = jnp.where(same, 0.0, -jnp.inf)
    # The first half of the components is of class +1.
    count = len(mixture.weights) // 2
    of_class = [
        logsumexp(log_parts[:, half], axis=1, b=mixture.weights[half][None])
        for half in (slice(0, count), slice(count, None))
    ]
    prior = jnp.asarray(model.class_prior, float)
    image_logs = jax.nn.log_sigmoid(image_odds), jax.nn.log_sigmoid(-image_odds)
    total = jnp.logaddexp(*of_class)
    terms = [
        image_log + log_part - total - jnp.log(chance)
        for image_log, log_part, chance in zip(image_logs, of_class, (prior, 1.0 - prior), strict=True)
    ]
    return jnp.logaddexp(*terms)


class Growth(NamedTuple):
    """How fast weights grow from zero under nCLIP's loss, largest rate first.

    Attributes:
        rates: K times the rate of the gradient flow; zero weights are a local minimum if none is positive.
        images: the image weights of each direction, rows.
        captions: the caption weights of each direction, rows.
    """

    rates: Float[Array, "4"]
    images: Float[Array, "4 2"]
    captions: Float[Array, "4 2"]


def growth(model: SpuriousModel, caption: Caption, sharpness: Scalar = SHARPNESS) -> Growth:
    """Rates and directions of growth of small weights in the signal's plane.

    Args:
        model: parameters of the synthetic model; equally frequent classes.
        caption: what the captions say.
        sharpness: A, the weight of the entropy of each distribution.
    """
    return _growth(joint_mixture(model, caption), sharpness)


def _growth(pairs: Joint, sharpness: Scalar) -> Growth:
    covariance = pairs.joint_moment()
    held = 1.0 - jnp.asarray(sharpness, float)
    images, captions = (-held * second_moment(mixture) for mixture in (pairs.images, pairs.captions))
    rates, vectors = jnp.linalg.eigh(jnp.block([[images, 2.0 * covariance], [2.0 * covariance.T, captions]]))
    ordered = vectors.T[::-1]
    # A direction and its opposite are one; images of class +1, the first half, are given the positive logit.
    positive = len(pairs.images.weights) // 2
    towards = ordered[:, :2] @ (pairs.images.weights[:positive] @ pairs.images.means[:positive])
    ordered = ordered * jnp.where(towards < 0, -1.0, 1.0)[:, None]
    return Growth(rates[::-1] / 2.0, ordered[:, :2], ordered[:, 2:])


def canonical_correlation(model: SpuriousModel, caption: Caption) -> Float[Array, ""]:
    """The largest canonical correlation of image and caption; equally frequent classes."""
    pairs = joint_mixture(model, caption)
    covariance, images = pairs.joint_moment(), second_moment(pairs.images)
    # A feature that captions never mention has variance 0.
    captions = second_moment(pairs.captions) + null_projector(pairs.captions)
    shared = jnp.linalg.solve(images, covariance) @ jnp.linalg.solve(captions, covariance.T)
    # Eigenvalues of a product of two positive matrices, in two dimensions.
    half, determinant = jnp.trace(shared) / 2.0, shared[0, 0] * shared[1, 1] - shared[0, 1] * shared[1, 0]
    return jnp.sqrt(half + jnp.sqrt(jnp.maximum(half**2 - determinant, 0.0)))


class _Logit(NamedTuple):
    """Expectations of functions of a normal logit z, by component."""

    softplus: Float[Array, " components"]
    sigmoid: Float[Array, " components"]
    slope: Float[Array, " components"]
    entropy: Float[Array, " components"]


def _expectations(mean: Float[Array, " components"], variance: Float[Array, " components"]) -> _Logit:
    spread = variance > 0
    deviation = jnp.where(spread, jnp.sqrt(jnp.where(spread, variance, 1.0)), 0.0)
    logits = mean[:, None] + deviation[:, None] * jnp.asarray(_DEVIATES, mean.dtype)[None, :]
    density = jnp.asarray(_DENSITY, mean.dtype)
    softplus, sigmoid = jax.nn.softplus(logits), jax.nn.sigmoid(logits)
    slope = sigmoid * jax.nn.sigmoid(-logits)
    return _Logit(*(part @ density for part in (softplus, sigmoid, slope, softplus - logits * sigmoid)))


def nclip_loss(
    model: SpuriousModel,
    caption: Caption,
    image_weights: Float[Array, "2"],
    caption_weights: Float[Array, "2"],
    sharpness: Scalar = SHARPNESS,
    balance: Scalar = BALANCE,
) -> Float[Array, ""]:
    """NCLIP's loss for two clusters, whose logits are +-<w_I, u> / 2 and +-<w_T, t> / 2, in infinite batches.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.
        image_weights: w_I in the signal's plane.
        caption_weights: w_T there.
        sharpness: A, the weight of the entropy of each distribution.
        balance: M, the weight of the entropy of the mean distribution.
    """
    return _loss(joint_mixture(model, caption), image_weights, caption_weights, sharpness, balance)


def _loss(
    pairs: Joint,
    image_weights: Float[Array, "2"],
    caption_weights: Float[Array, "2"],
    sharpness: Scalar,
    balance: Scalar,
) -> Float[Array, ""]:
    both = (pairs.images, image_weights), (pairs.captions, caption_weights)
    means, variances = [part.means @ w for part, w in both], [part.variances @ w**2 for part, w in both]
    covariance, chances = pairs.covariances @ (image_weights * caption_weights), pairs.images.weights
    own, other = (_expectations(*each) for each in zip(means, variances, strict=True))
    across = own.softplus + other.softplus
    across = across - means[0] * other.sigmoid - means[1] * own.sigmoid - covariance * (own.slope + other.slope)
    within = own.entropy + other.entropy
    shares = [chances @ each.sigmoid for each in (own, other)]
    spread = sum(-xlogy(share, share) - xlogy(1.0 - share, 1.0 - share) for share in shares)
    return (chances @ (across + sharpness * within) - balance * spread) / 2.0


def nclip_directions(
    model: SpuriousModel, caption: Caption, sharpness: Scalar = SHARPNESS, balance: Scalar = BALANCE
) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """Weights w_I and w_T of nCLIP's optimum for two clusters, each of shape (2,).

    Infinite where none is found, or where a logit would have a standard deviation above 25. Zero where zero weights are
    a local minimum, since training from small weights ends there.

    Args:
        model: parameters of the synthetic model; equally frequent classes.
        caption: what the captions say.
        sharpness: A, the weight of the entropy of each distribution, from 0 to below 1.
        balance: M, the weight of the entropy of the mean distribution.
    """
    return _directions(joint_mixture(model, caption), jnp.asarray(sharpness, float), jnp.asarray(balance, float))


@jax.jit
def _directions(
    pairs: Joint, sharpness: Float[Array, ""], balance: Float[Array, ""]
) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """The same for any pairs; compiled once for all kinds of captions."""
    first = _growth(pairs, sharpness)
    never = [null_projector(mixture) for mixture in (pairs.images, pairs.captions)]
    flat = jnp.block([[never[0], jnp.zeros((2, 2))], [jnp.zeros((2, 2)), never[1]]])

    def value(weights: Float[Array, "4"]) -> Float[Array, ""]:
        return _loss(pairs, weights[:2], weights[2:], sharpness, balance)

    def local(weights: Float[Array, "4"]) -> Local:
        return Local(value(weights), jax.grad(value)(weights), jax.hessian(value)(weights) + flat)

    def bent(weights: Float[Array, "4"]) -> Local:
        """The same with a positive definite Hessian, so that each step leads down."""
        found = local(weights)
        curvatures, axes = jnp.linalg.eigh(found.hessian)
        sizes = jnp.abs(curvatures)
        # The loss is flat along the length of the weights: a larger floor would shorten the steps there.
        sizes = jnp.maximum(sizes, jnp.sqrt(jnp.finfo(sizes.dtype).eps) * jnp.max(sizes))
        # No step is longer than the weights are: where the loss is concave it would leave the basin.
        step = jnp.linalg.norm((axes.T @ found.gradient) / sizes)
        sizes = sizes * jnp.maximum(1.0, step / jnp.linalg.norm(weights))
        return found._replace(hessian=(axes * sizes[None, :]) @ axes.T)

    def newton(_: Int[Array, ""] | int, end: End) -> End:
        found = local(end.place)
        return End(end.place - jnp.linalg.solve(found.hessian, found.gradient), found.hessian)

    end = descend(bent, jnp.concatenate([first.images[0], first.captions[0]]))
    # The loss is flat along the length of the weights: steps that gain less than rounding are still to be made.
    end = jax.lax.stop_gradient(jax.lax.fori_loop(0, 3, newton, end))
    found = jnp.where(first.rates[0] > 0, polish(jax.grad(value)(end.place), end), 0.0)
    widest = jnp.stack(
        [jnp.max(pairs.images.variances @ found[:2] ** 2), jnp.max(pairs.captions.variances @ found[2:] ** 2)]
    )
    found = jnp.where(jnp.max(widest) <= _MAX_DEVIATION**2, found, jnp.inf)
    return found[:2], found[2:]


def nclip_critic(
    model: SpuriousModel, caption: Caption, sharpness: Scalar = SHARPNESS, balance: Scalar = BALANCE
) -> Float[Array, "2 2"]:
    """The matrix B of the similarities <a, b> at nCLIP's optimum for two clusters, shape (2, 2), of rank one."""
    return nclip_critic_of_pairs(joint_mixture(model, caption), sharpness, balance)


def nclip_critic_of_pairs(
    pairs: Joint, sharpness: Scalar = SHARPNESS, balance: Scalar = BALANCE
) -> Float[Array, "2 2"]:
    """The same for any pairs."""
    image_weights, caption_weights = _directions(pairs, jnp.asarray(sharpness, float), jnp.asarray(balance, float))
    return jnp.outer(image_weights, caption_weights) / 2.0
