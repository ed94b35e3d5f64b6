"""S14, InfoNCE: the best bilinear critic of the loss that CLIP uses, for infinitely large batches.

Statement. With the critic s(x, t) = x^T G t and batches of infinite size, InfoNCE's two directions are

    image to text    -E[s(x, t)] + E_x log E_t' e^s(x, t')      which caption belongs to this image?
    text to image    -E[s(x, t)] + E_t log E_x' e^s(x', t)      which image belongs to this caption?

with t', x' drawn independently, and CLIP's loss is their mean. Each is convex in G, and has a minimiser of the form G
= D_I B D_T^T with B of shape (2, 2): the noise outside the signal's plane is not used. Images and captions are
mixtures of Gaussians in the plane, so the inner expectation is a closed form and the outer one a quadrature over the
plane; for `label` and `label-attribute` captions the outer expectation over captions is a finite sum. Zero-shot, the
learner classifies along w = B q.

With `label` captions that always name the class, the image-to-text direction is logistic regression with the offset
log P(y = +1) / P(y = -1), held fixed, exactly: w = B q is half its direction. For equally frequent classes the offset
is 0, it is S6, and decides alike with every prompt; else it is not S6, nor the regression with a fitted intercept. What
the other direction adds: of text to image, the optimum is where the images that the critic would draw for a caption,
those of density p(x) e^s(x, t) / Z(t), have on average the mean of the images that carry the caption; of label captions
this is a supervised learner too, but not logistic regression.

To second order in B (S16) the minimiser is Sigma_u^(-1) K Sigma_t^(-1): InfoNCE divides by variances where the
linearised loss does not. So for small weights its rule for the class-mean prompt is close to least squares', and for
the label prompt it subtracts the background. At the defaults weights are not small: with `latent` captions and the
class-mean prompt its reliance is 1.69, to second order 1.14, and least squares' is 1.14.

Method. Newton's iteration on the four entries of B, `theory.newton`, over the quadrature of `theory.mixtures`. There
is no finite optimum where captions tell images apart without error (no noise and a feature without spread).

Source: the loss is that of Oord et al. (arXiv 1807.03748) and Radford et al. (arXiv 2103.00020); derived here,
docs/theory/infonce.md.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.mixtures import Mixture, Pairs, nodes, pairs_of, tilted
from theory.model import Caption, SpuriousModel
from theory.newton import Local, descend, polish

# Nodes on each axis of the quadrature unless given.
NODES = 97
# How far the optima of two quadratures may lie apart, as a share of the optimum: half of six digits, or what a thousand
# roundings leave of single precision.
_RESOLUTION, _ROUNDINGS = 5e-7, 1000


def logistic_offset(model: SpuriousModel) -> Float[Array, ""]:
    """The log prior odds log P(y = +1) / P(y = -1), shape ().

    It is the fixed offset of the logistic regression that image to text is with `label` captions: the margin for label
    y is y (2 w.u + offset). Zero-shot the offset is not added. Source: derived here, docs/theory/infonce.md.
    """
    prior = jnp.asarray(model.class_prior, float)
    return jnp.log(prior) - jnp.log1p(-prior)


def _half(
    outer: Mixture, inner: Mixture, critic: Float[Array, "2 2"], count: int, shift: float | Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, "2 2"], Float[Array, "2 2 2 2"]]:
    """E_o log E_i e^(o^T critic i) with its derivatives in the critic: value, (2, 2), (2, 2, 2, 2)."""
    places, weights = nodes(outer, count, shift)
    log_mgf, mean, covariance = tilted(inner, places @ critic)

    def in_rows(array: Array) -> Array:
        # A sum of sums: of one long sum single precision would keep four digits.
        return array.reshape(-1, count, *array.shape[1:])

    weighted = weights[:, None] * places
    value = jnp.sum(jnp.sum(in_rows(weights * log_mgf), axis=1))
    gradient = jnp.sum(jnp.einsum("mni,mnj->mij", in_rows(weighted), in_rows(mean)), axis=0)
    squares = (weighted[:, :, None] * places[:, None, :]).reshape(-1, 4)
    curvature = jnp.einsum("mna,mnb->mab", in_rows(squares), in_rows(covariance.reshape(-1, 4)))
    return value, gradient, jnp.swapaxes(jnp.sum(curvature, axis=0).reshape(2, 2, 2, 2), 1, 2)


def infonce_objective(
    pairs: Pairs,
    image_to_text: float | Float[Array, ""],
    critic: Float[Array, "2 2"],
    count: int = NODES,
    exact_captions: bool = False,
    shift: float | Float[Array, ""] = 0.0,
) -> Local:
    """The population loss at B = `critic`, with its gradient (4,) and Hessian (4, 4) in the entries row by row.

    Args:
        pairs: images and captions in the signal's plane.
        image_to_text: weight of the direction image to text, in [0, 1]; the other has the rest.
        critic: B, shape (2, 2).
        count: nodes on each axis of the quadrature.
        exact_captions: whether captions have no spread, so that no quadrature over them is needed.
        shift: of the quadrature's grid, as a share of its step.
    """
    images, captions = pairs.images, pairs.captions
    over_images = _half(images, captions, critic, count, shift)
    over_captions = _half(captions, images, critic.T, 1 if exact_captions else count, shift)
    other = 1.0 - image_to_text
    joint = pairs.joint_moment
    value = -jnp.sum(critic * joint) + image_to_text * over_images[0] + other * over_captions[0]
    gradient = -joint + image_to_text * over_images[1] + other * over_captions[1].T
    hessian = image_to_text * over_images[2] + other * jnp.transpose(over_captions[2], (1, 0, 3, 2))
    return Local(value, gradient.reshape(4), hessian.reshape(4, 4) + pairs.flat)


def infonce_critic(
    model: SpuriousModel, caption: Caption, image_to_text: float | Float[Array, ""] = 0.5, count: int = NODES
) -> Float[Array, "2 2"]:
    """The matrix B of the best bilinear critic, shape (2, 2); infinite where there is no finite optimum.

    NaN where the quadrature does not resolve it to six digits, or four in single precision: a sharper optimum needs
    more nodes.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.
        image_to_text: weight of the direction image to text: 1/2 is CLIP's loss, 1 or 0 one direction alone.
        count: nodes on each axis of the quadrature.
    """
    return critic_of_pairs(pairs_of(model, caption), image_to_text, count, caption.kind != "latent")


@functools.partial(jax.jit, static_argnames=("count", "exact_captions"))
def critic_of_pairs(
    pairs: Pairs, image_to_text: float | Float[Array, ""], count: int = NODES, exact_captions: bool = False
) -> Float[Array, "2 2"]:
    """The same for any images and captions that are mixtures of Gaussians; see `infonce_objective`."""

    def objective(entries: Float[Array, "4"], shift: float | Float[Array, ""]) -> Local:
        return infonce_objective(pairs, image_to_text, entries.reshape(2, 2), count, exact_captions, shift)

    end = descend(lambda entries: objective(entries, 0.0), jnp.zeros(4))
    own, shifted = jax.vmap(lambda shift: objective(end.place, shift).gradient)(jnp.array([0.0, 0.5]))
    return agreed(polish(own, end), polish(shifted, end)).reshape(2, 2)


def agreed(found: Float[Array, " n"], other: Float[Array, " n"]) -> Float[Array, " n"]:
    """The optimum of one quadrature, or NaN where another's is not the same to six digits, four in single precision."""
    resolution = max(_RESOLUTION, _ROUNDINGS * float(jnp.finfo(found.dtype).eps))
    apart = jnp.linalg.norm(jax.lax.stop_gradient(other - found))
    resolved = (apart <= resolution * jnp.linalg.norm(jax.lax.stop_gradient(found))) | ~jnp.isfinite(found)
    return jnp.where(resolved, found, jnp.nan)
