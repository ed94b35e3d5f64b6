"""S23, softmax regression and InfoNCE for many classes: the sum over classes as a one-dimensional integral.

Statement. Classes, images and captions are those of S18: m pairs of classes (c, b), with features of other classes of
mean size alpha. By symmetry softmax regression scores class (c, b) by b w.x_c, x_c the image's two coordinates of pair
c, and InfoNCE's best bilinear critic is G = D_I (B x I_m) D_T^T with B of shape (2, 2). Left is a convex problem in two
or four numbers,

    softmax regression       -E[b w.x_c] + E log sum_k 2 cosh(w.x_k)
    InfoNCE, image to text   -E[s(x, t)] + E sum_k log O(x_k) + E log (1/m) sum_k R(x_k)

with O(x) the mean of e^(x^T B t) over a caption's entries t of a pair that is not its own, and O(x) R(x) that over its
own; text to image is the same with the roles exchanged, and InfoNCE the mean of both. The x_k are independent, x_c
with its own distribution and the other m - 1 with theirs, so that for any m

    E log sum_k R(x_k) = integral over y of  exp(-e^y) - f_own(y) f_other(y)^(m - 1),    f(y) = E exp(-e^y R(x)).

With `label` captions that always name the class O = 1 and R(x) = cosh(w.x), w = B (1, 0): image to text *is* softmax
regression, weights included, for every m and alpha. One pair is S6, w half of its weights, and S14. Text to image, and
so InfoNCE, is another supervised learner.

At the defaults with m = 4 softmax regression's reliance w_spu / w_inv is 1.955, 2.258, 3.132 and 6.600 at alpha 0, 0.5,
1 and 2: sharing raises it, as that of least squares (2.476 to 9.466), and more classes do (0.719 for one pair). Of
InfoNCE with `latent` captions it is -0.231, -0.225, -0.213 and -0.204 for the label prompt and 2.523, 2.795, 3.504
and 5.844 for the class mean.

The linearised loss (S18) leans less than least squares if and only if r^2 > r_c^2 (S8 for many classes), with

    r_c^2 = [C (S + tau^2) - A (N + tau^2)] / [C d + G (N + tau^2)],    d = mu_spu^2 / m,    S = sigma_spu^2 + d,

N = N_inv of S18 and g as there, 0 for the label prompt. With `latent` captions A = N + mu_inv^2 / m, C = mu_inv^2 / m +
g S and G = g d, with others A = 1, C = 1 + g and G = g. Against softmax regression there is another, by false position.

All this for equally frequent classes: `class_prior` is not read.

Source: derived here, docs/theory/softmax.md.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.class_sums import Terms, expected_log_sum
from theory.mixtures import Mixture, Tilted, nodes, null_projector, tilted
from theory.model import Caption, Scalar, SpuriousModel
from theory.newton import End, Local, descend, polish
from theory.statements.boundary import crossing, spurious_reliance
from theory.statements.captions import caption_covariance
from theory.statements.infonce import agreed
from theory.statements.many_classes import check_classes, contrastive_direction, pair_covariance, within_class_variance
from theory.statements.zero_shot import latent_prompt

# Nodes on each axis of InfoNCE's quadrature; at the defaults 33 give nine digits.
NODES = 49
# The score's: for a deviation of 20 an error of exp(-2 pi (pi / 2) / (20 * 0.0275)), 2e-8; it is not used beyond.
MAX_SCORE_DEVIATION = 20.0
_DEVIATES = np.linspace(-8.25, 8.25, 601)
_DENSITY = np.exp(-0.5 * _DEVIATES**2) / np.sum(np.exp(-0.5 * _DEVIATES**2))


def softmax_direction(model: SpuriousModel, pairs: Scalar, shared_size: Scalar) -> Float[Array, "2"]:
    """Weights (w_inv, w_spu) of softmax regression on the class's own two coordinates, with infinite data.

    Infinite where there is no finite optimum, and NaN where the score's deviation exceeds `MAX_SCORE_DEVIATION`. It
    works under `jit` and `vmap` and can be differentiated; six digits need double precision.

    Args:
        model: parameters of the synthetic model.
        pairs: m, the number of pairs of classes; at least 1.
        shared_size: alpha, the mean size of an invariant feature in images of other classes; at least 0.

    Raises:
        ParameterError: a number outside its domain.
    """
    check_classes(pairs, shared_size)
    others, alpha = jnp.asarray(pairs, float) - 1.0, jnp.asarray(shared_size, float)
    ratio = jnp.asarray(model.spurious_ratio, float)
    signs = jnp.array([[1.0, 1.0], [1.0, -1.0]])
    own_means, other_means = signs * model.latent_mean[None, :], jnp.stack([alpha, jnp.zeros(())])[None, :]
    known = latent_prompt(model, "class-mean")

    def log_two_cosh(weights: Float[Array, "2"], means: Float[Array, "groups 2"]) -> Float[Array, " nodes"]:
        deviation = jnp.sqrt(jnp.sum(weights**2 * model.image_variance))
        scores = (means @ weights)[:, None] + deviation * jnp.asarray(_DEVIATES, weights.dtype)[None, :]
        return jnp.logaddexp(scores, -scores).reshape(-1)

    def terms(weights: Float[Array, "2"], means: Float[Array, "groups 2"], shares: Float[Array, " groups"]) -> Terms:
        of = functools.partial(log_two_cosh, means=means)
        gradient = jax.jacfwd(of)
        density = shares[:, None] * jnp.asarray(_DENSITY, weights.dtype)[None, :]
        return Terms(density.reshape(-1), of(weights), gradient(weights), jax.jacfwd(gradient)(weights))

    def objective(weights: Float[Array, "2"]) -> Local:
        own = terms(weights, own_means, jnp.stack([ratio, 1.0 - ratio]))
        total = expected_log_sum(own, terms(weights, other_means, jnp.ones(1)), others)
        return Local(total.value - known @ weights, total.gradient - known, total.hessian)

    # Any short vector: the risk is convex.
    found = _minimise(objective, 0.1 * known / (jnp.sum(known**2) + jnp.sum(model.image_variance)))
    spread = jnp.sqrt(jnp.sum(found**2 * model.image_variance))
    return jnp.where((spread <= MAX_SCORE_DEVIATION) | jnp.isinf(spread), found, jnp.nan)


def _minimise(objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"]) -> Float[Array, " n"]:
    """The minimum, with one step more than `descend` takes where the objective is so flat that no step gains."""
    place, hessian = descend(objective, start)
    place = jax.lax.stop_gradient(place - jnp.linalg.solve(hessian, objective(place).gradient))
    return polish(objective(place).gradient, End(place, hessian))


class Side(NamedTuple):
    """Images, or captions: one pair's two coordinates where the pair is the class's own, and where it is not.

    The first half of the components is the other half with the sign turned.
    """

    own: Mixture
    other: Mixture


class ClassPairs(NamedTuple):
    """All that a bilinear critic of many classes sees of images and captions.

    Attributes:
        images, captions: their coordinates.
        joint_moment: the sum over the pairs of E[u_k t_k^T], shape (2, 2).
        flat: as in `theory.mixtures.Pairs`.
    """

    images: Side
    captions: Side
    joint_moment: Float[Array, "2 2"]
    flat: Float[Array, "4 4"]


def _mixture(signs: np.ndarray, shares: Float[Array, " half"], sizes: Array, variances: Array) -> Mixture:
    """A mixture that is the same with its sign turned, from the half of its components with b = +1."""
    means = jnp.asarray(signs, float) * sizes[None, :]
    variances = jnp.broadcast_to(variances.reshape(-1, 2), means.shape)
    return Mixture(jnp.tile(shares / 2.0, 2), jnp.concatenate([means, -means]), jnp.tile(variances, (2, 1)))


def class_pairs(model: SpuriousModel, pairs: Scalar, shared_size: Scalar, caption: Caption) -> ClassPairs:
    """Images and captions of many classes; arguments as for `infonce_class_critic`."""
    check_classes(pairs, shared_size)
    alpha, ratio = jnp.asarray(shared_size, float), jnp.asarray(model.spurious_ratio, float)
    groups, one = jnp.stack([ratio, 1.0 - ratio]), jnp.ones(1)
    signs = np.array([[1.0, 1.0], [1.0, -1.0]])
    other_sizes = jnp.stack([alpha, jnp.zeros(())])
    images = Side(
        _mixture(signs, groups, model.latent_mean, model.image_variance),
        _mixture(np.ones((1, 2)), one, other_sizes, model.image_variance),
    )
    masks = caption.choices
    said = jnp.prod(jnp.where(masks > 0, caption.mentions[None, :], 1.0 - caption.mentions[None, :]), axis=1)
    own_signs = (signs[:, None, :] * masks[None, :, :]).reshape(-1, 2)
    shares = (groups[:, None] * said[None, :]).reshape(-1)
    if caption.kind == "latent":
        noisy = jnp.asarray(masks, float) * (model.latent_sigma**2)[None, :] + model.text_noise_variance
        own = _mixture(own_signs, shares, model.latent_mean, jnp.tile(noisy, (2, 1)))
        captions = Side(own, _mixture(masks, said, other_sizes, noisy))
        joint = pairs * pair_covariance(model, pairs, shared_size) * caption.mentions[None, :]
    else:
        own = _mixture(own_signs, shares, jnp.ones(2), jnp.zeros(2))
        captions = Side(own, _mixture(np.zeros((1, 2)), one, jnp.ones(2), jnp.zeros(2)))
        joint = caption_covariance(dataclasses.replace(model, class_prior=0.5), caption)
    flat_image, flat_caption = (null_projector(_pooled(side, pairs)) for side in (images, captions))
    flat = jnp.kron(flat_image, jnp.eye(2)) + jnp.kron(jnp.eye(2), flat_caption)
    return ClassPairs(images, captions, joint, flat)


def _pooled(side: Side, pairs: Scalar) -> Mixture:
    """One pair's coordinates, whatever the class."""
    share = 1.0 / jnp.asarray(pairs, float)
    weights = jnp.concatenate([share * side.own.weights, (1.0 - share) * side.other.weights])
    return Mixture(weights, *(jnp.concatenate(parts) for parts in zip(side.own[1:], side.other[1:], strict=True)))


def _in_entries(weights: Float[Array, " nodes"], places: Float[Array, "nodes 2"], found: Tilted) -> Terms:
    """A function of B^T o at the places o, with its derivatives in the entries of B, row by row."""
    gradient = places[:, :, None] * found.mean[:, None, :]
    squares = places[:, :, None, None, None] * places[:, None, None, :, None]
    hessian = squares * found.covariance[:, None, :, None, :]
    return Terms(weights, found.log_mgf, gradient.reshape(-1, 4), hessian.reshape(-1, 4, 4))


def _half(
    outer: Side, inner: Side, critic: Float[Array, "2 2"], others: Float[Array, ""], count: int, shift: Float[Array, ""]
) -> Local:
    """E_o log E_i e^(sum_k o_k^T critic i_k), up to a constant, with derivatives in the critic, row by row."""
    moved = []
    for mixture in outer:
        # The partition function is even, so half of the components will do.
        half = jax.tree.map(lambda part: part[: part.shape[0] // 2], mixture)
        places, weights = nodes(half._replace(weights=2.0 * half.weights), count, shift)
        of_own, of_other = (tilted(side, places @ critic) for side in inner)
        # In the critic's entries, row by row.
        ratio = Tilted(*(one - two for one, two in zip(of_own, of_other, strict=True)))
        base = _in_entries(weights, places, of_other)
        total = Local(*(jnp.tensordot(weights, part, 1) for part in base[1:]))
        moved.append((_in_entries(weights, places, ratio), total))
    (own, own_base), (other, other_base) = moved
    total = expected_log_sum(own, other, others)
    return jax.tree.map(lambda one, two, three: one + two + others * three, total, own_base, other_base)


def infonce_class_critic(
    model: SpuriousModel,
    pairs: Scalar,
    shared_size: Scalar,
    caption: Caption | None = None,
    image_to_text: float = 0.5,
    count: int = NODES,
) -> Float[Array, "2 2"]:
    """The matrix B of InfoNCE's best critic for many classes, shape (2, 2); infinite where there is no finite optimum.

    NaN where the quadrature does not resolve it, as `theory.infonce_critic`.

    Args:
        model: parameters of the synthetic model.
        pairs: m, the number of pairs of classes; at least 1.
        shared_size: alpha, the mean size of an invariant feature in images of other classes; at least 0.
        caption: what captions say; `latent`, and all of it, unless given.
        image_to_text: weight of the direction image to text: 1/2 is InfoNCE, 1 or 0 one direction alone.
        count: nodes on each axis of the quadrature.

    Raises:
        ParameterError: a number outside its domain.
    """
    caption = caption or Caption()
    seen = class_pairs(model, pairs, shared_size, caption)
    return critic_of_class_pairs(seen, pairs, image_to_text, count, caption.kind != "latent")


@functools.partial(jax.jit, static_argnames=("count", "exact_captions"))
def critic_of_class_pairs(
    seen: ClassPairs, pairs: Scalar, image_to_text: float | Array, count: int = NODES, exact_captions: bool = False
) -> Float[Array, "2 2"]:
    """The same from images and captions; `exact_captions` if these have no spread."""
    others, other = jnp.asarray(pairs, float) - 1.0, 1.0 - image_to_text
    turned = jnp.array([0, 2, 1, 3])  # the entries of B in those of its transpose

    def objective(entries: Float[Array, "4"], shift: Float[Array, ""]) -> Local:
        critic = entries.reshape(2, 2)
        one = _half(seen.images, seen.captions, critic, others, count, shift)
        two = _half(seen.captions, seen.images, critic.T, others, 1 if exact_captions else count, shift)
        joint = seen.joint_moment.reshape(4)
        return Local(
            image_to_text * one.value + other * two.value - joint @ entries,
            image_to_text * one.gradient + other * two.gradient[turned] - joint,
            image_to_text * one.hessian + other * two.hessian[turned][:, turned] + seen.flat,
        )

    end = descend(lambda entries: objective(entries, jnp.zeros(())), jnp.zeros(4))

    # A last step, as in `_minimise`, then the two quadratures at its end; in one loop, since compilation is slow.
    def visit(place: Float[Array, "4"], shift_and_move: Float[Array, "2"]) -> tuple[Float[Array, "4"], Array]:
        shift, move = shift_and_move
        gradient = objective(place, shift).gradient
        return place - move * jax.lax.stop_gradient(jnp.linalg.solve(end.hessian, gradient)), gradient

    place, (_, own, shifted) = jax.lax.scan(visit, end.place, jnp.array([[0.0, 1.0], [0.0, 0.0], [0.5, 0.0]]))
    end = End(place, end.hessian)
    return agreed(polish(own, end), polish(shifted, end)).reshape(2, 2)


def critical_squared_agreement(
    model: SpuriousModel, pairs: Scalar, shared_size: Scalar, prompt: str, caption: Caption | None = None
) -> Float[Array, ""]:
    """The r_c^2 above which the linearised learner leans less on the background than least squares on one-hot targets.

    Below 0: at every ratio above 1/2; 1 or more: at none. The model's own ratio is not read.

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0.
        pairs: m, the number of pairs of classes.
        shared_size: alpha, the mean size of an invariant feature in images of other classes.
        prompt: `label` or `class-mean`.
        caption: what captions say, with `mention_inv` above 0; `latent` unless given.

    Raises:
        ParameterError: a number outside its domain.
        ValueError: another prompt.
    """
    caption = caption or Caption()
    latent_prompt(model, prompt, caption)  # refuses other prompts
    mentions = caption.mentions
    emphasis = (mentions[1] / mentions[0]) ** 2 if prompt == "class-mean" else jnp.zeros(())
    within, _ = within_class_variance(model, pairs, shared_size)
    noise = jnp.asarray(model.image_noise_variance, float)
    signal = jnp.asarray(model.latent_mean, float) ** 2 / pairs
    spurious = signal[1] + model.sigma_spu**2
    if caption.kind == "latent":
        left, right, slope = signal[0] + emphasis * spurious, within + signal[0], emphasis * signal[1]
    else:
        left, right, slope = 1.0 + emphasis, jnp.ones(()), emphasis
    varied = within + noise
    return (left * (spurious + noise) - right * varied) / (left * signal[1] + slope * varied)


def critical_ratio_against_softmax(
    model: SpuriousModel, pairs: Scalar, shared_size: Scalar, prompt: str, caption: Caption | None = None
) -> Float[Array, ""]:
    """The ratio p_spu above which the linearised learner leans less than softmax regression.

    NaN where the same learner leans less near 1/2 and at 1, or where softmax regression is not resolved. The two
    supervised rules differ at 1, unlike those of two classes: there may be a crossing with least squares and none here.
    One crossing is found, and no model is known with more. Arguments and errors as above.
    """

    def excess(ratio: Float[Array, ""]) -> Float[Array, ""]:
        """Reliance of the linearised learner less that of softmax regression."""
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        linear = contrastive_direction(at_ratio, pairs, shared_size, prompt, caption)
        return spurious_reliance(linear) - spurious_reliance(softmax_direction(at_ratio, pairs, shared_size))

    return crossing(excess)
