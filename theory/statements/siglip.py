"""S15, SigLIP: the best bilinear critic of the sigmoid loss, in the limit of many negatives, in closed form.

Statement. With critic s(x, t) = x^T G t, bias b and k negatives for each positive pair, the sigmoid loss in
expectation is

    E[log(1 + e^(-s(x, t) - b))] + k E_x,t'[log(1 + e^(s(x, t') + b))],

t' drawn independently of x. It sees pairs one by one, so its expectation is the same for every batch of k + 1. As k
grows, the best bias is c - log k, and the loss less log k tends to

    -E[s(x, t)] + log E_x,t' e^s(x, t') + 1    (1 less the Donsker-Varadhan bound of the mutual information)

after c is minimised out: InfoNCE with one partition function for all pairs instead of one for each image or caption.
It is convex in G with a minimiser G = D_I B D_T^T. For the mixtures of Gaussians of `theory.mixtures` it is a closed
form, with no quadrature at all: for u ~ N(m, V), t' ~ N(n, W), with P = B W B^T and R = (I - V P)^(-1),

    E e^(u^T B t') = det(R)^(1/2) exp(m^T P R m / 2 + n^T B^T R m + n^T B^T R V B n / 2),

infinite unless every eigenvalue of V P is below 1: with `latent` captions the critic stays bounded. With `label`
captions that always name the class, and equally frequent classes, it has the same optimum as InfoNCE's direction text
to image.

How far the optimum for k negatives is from the limit depends on how often independent pairs score high. Let lambda be
the largest eigenvalue of V B W B^T at the limit's optimum, over the captions' components, and a = lambda^(-1/2), so
that E e^(theta s) is finite for theta < a only. Then the distance is

    of order 1/k                          if a > 2 (lambda < 1/4; always with `label` and `label-attribute` captions)
    k^(-(a - 1)), which is slower,        if a < 2, up to factors that grow slower than any power of k.

Source: the loss is that of Zhai et al. (arXiv 2303.15343); derived here, docs/theory/siglip.md.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.mixtures import Pairs, pairs_of
from theory.model import SpuriousModel
from theory.newton import Local, minimise
from theory.statements.captions import Caption


def siglip_loss(pairs: Pairs, critic: Float[Array, "2 2"]) -> Float[Array, ""]:
    """The limit of the sigmoid loss, less log k and 1, at its best bias; infinite outside its domain.

    Args:
        pairs: images and captions in the signal's plane; all images' components have the same variances.
        critic: B, shape (2, 2).
    """
    images, captions = pairs.images, pairs.captions
    image_variance = jnp.diag(images.variances[0])

    def exponent(
        mean: Float[Array, "2"], caption_mean: Float[Array, "2"], caption_variance: Float[Array, "2"]
    ) -> Float[Array, ""]:
        spread = (critic * caption_variance[None, :]) @ critic.T
        kept = jnp.eye(2) - image_variance @ spread
        determinant = kept[0, 0] * kept[1, 1] - kept[0, 1] * kept[1, 0]
        finite = (determinant > 0) & (jnp.trace(kept) > 0)
        # The inner `where` keeps the unused branch finite.
        kept, determinant = jnp.where(finite, kept, jnp.eye(2)), jnp.where(finite, determinant, 1.0)
        adjugate = jnp.trace(kept) * jnp.eye(2) - kept
        resolvent = adjugate / determinant
        linear = critic @ caption_mean
        quadratic = mean @ spread @ resolvent @ mean + linear @ resolvent @ image_variance @ linear
        log_value = -0.5 * jnp.log(determinant) + 0.5 * quadratic + linear @ resolvent @ mean
        return jnp.where(finite, log_value, jnp.inf)

    over_captions = jax.vmap(exponent, in_axes=(None, 0, 0))
    exponents = jax.vmap(over_captions, in_axes=(0, None, None))(images.means, captions.means, captions.variances)
    weights = images.weights[:, None] * captions.weights[None, :]
    # A caption that never occurs bounds nothing.
    top = jnp.max(jnp.where(weights > 0, exponents, -jnp.inf))
    finite = jnp.isfinite(top)
    differences = jnp.where(finite & (weights > 0), exponents - jax.lax.stop_gradient(jnp.where(finite, top, 0.0)), 0.0)
    log_partition = jax.lax.stop_gradient(top) + jnp.log(jnp.sum(weights * jnp.exp(differences)))
    return log_partition - jnp.sum(critic * pairs.joint_moment)


def siglip_critic(model: SpuriousModel, caption: Caption) -> Float[Array, "2 2"]:
    """The matrix B of the best bilinear critic, shape (2, 2); infinite where there is no finite optimum."""
    return critic_of_pairs(pairs_of(model, caption))


@jax.jit
def critic_of_pairs(pairs: Pairs) -> Float[Array, "2 2"]:
    """The same for any images and captions that are mixtures of Gaussians; see `siglip_loss`."""

    def value(entries: Float[Array, "4"]) -> Float[Array, ""]:
        return siglip_loss(pairs, entries.reshape(2, 2))

    def objective(entries: Float[Array, "4"]) -> Local:
        return Local(value(entries), jax.grad(value)(entries), jax.hessian(value)(entries) + pairs.flat)

    return minimise(objective, jnp.zeros(4)).reshape(2, 2)


def moment_exponent(pairs: Pairs, critic: Float[Array, "2 2"]) -> Float[Array, ""]:
    """a: over independent pairs E e^(theta s) is finite for theta < a and no further; infinite for exact captions.

    One over the largest singular value of V^(1/2) B W^(1/2) over the captions' components. Source: derived here,
    docs/theory/siglip.md.

    Args:
        pairs: images and captions in the signal's plane; all images' components have the same variances.
        critic: B, shape (2, 2).
    """
    images, captions = pairs.images, pairs.captions
    scaled = jnp.sqrt(images.variances[0])[None, :, None] * critic[None] * jnp.sqrt(captions.variances)[:, None, :]
    largest = jnp.max(jnp.where(captions.weights > 0, jnp.linalg.norm(scaled, ord=2, axis=(1, 2)), 0.0))
    return jnp.where(largest > 0, 1.0 / jnp.where(largest > 0, largest, 1.0), jnp.inf)


def negatives_exponent(model: SpuriousModel, caption: Caption) -> Float[Array, ""]:
    """min(1, a - 1): the optimum for k negatives is k to minus this away from the limit's, but for slower factors."""
    pairs = pairs_of(model, caption)
    return jnp.minimum(1.0, moment_exponent(pairs, critic_of_pairs(pairs)) - 1.0)
