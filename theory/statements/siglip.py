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
from theory.model import Caption, SpuriousModel
from theory.newton import Local, minimise


def siglip_objective(pairs: Pairs, critic: Float[Array, "2 2"]) -> Local:
    """The limit of the sigmoid loss, less log k and 1, at its best bias; with gradient and Hessian in B, row by row.

    Under the weight e^(u^T B t') image and caption of two components are jointly Gaussian, with the covariances R V,
    R V B W and W + W B^T R V B W, and the means a = R (m + V B n) and n + W B^T a. The gradient is the mean of u t'^T
    there, over all components, less E[u t^T]; the Hessian is its covariance.

    Args:
        pairs: images and captions in the signal's plane; all images' components have the same variances.
        critic: B, shape (2, 2).

    Returns:
        An infinite value outside the loss's domain.
    """
    images, captions = pairs.images, pairs.captions
    variance, eye = images.variances[0], jnp.eye(2)
    # A leading g is an image's component, k a caption's.
    onto = critic[None, :, :] * captions.variances[:, None, :]  # B W
    spread = onto @ critic.T
    kept = eye[None] - variance[None, :, None] * spread
    determinant = kept[:, 0, 0] * kept[:, 1, 1] - kept[:, 0, 1] * kept[:, 1, 0]
    trace = kept[:, 0, 0] + kept[:, 1, 1]
    finite = (determinant > 0) & (trace > 0)
    # The inner `where` keeps the unused branch finite.
    kept = jnp.where(finite[:, None, None], kept, eye[None])
    determinant, trace = jnp.where(finite, determinant, 1.0), jnp.where(finite, trace, 2.0)
    resolvent = (trace[:, None, None] * eye[None] - kept) / determinant[:, None, None]

    linear = captions.means @ critic.T
    pulled = images.means[:, None, :] + (variance[None, :] * linear)[None]
    image = jnp.einsum("kij,gkj->gki", resolvent, pulled)
    caption = captions.means[None] + jnp.einsum("kji,gkj->gki", onto, image)
    of_images = resolvent * variance[None, None, :]
    between = of_images @ onto
    of_captions = captions.variances[:, :, None] * eye[None] + jnp.swapaxes(onto, 1, 2) @ between

    quadratic = jnp.einsum("gi,kij,gkj->gk", images.means, spread, image)
    crossed = jnp.einsum("ki,gki->gk", linear, image + images.means[:, None, :])
    exponents = jnp.where(finite[None], 0.5 * (quadratic + crossed - jnp.log(determinant)[None]), jnp.inf)
    weights = images.weights[:, None] * captions.weights[None, :]
    # A caption that never occurs bounds nothing.
    top = jax.lax.stop_gradient(jnp.max(jnp.where(weights > 0, exponents, -jnp.inf)))
    bounded = jnp.isfinite(top)
    differences = jnp.where(bounded & (weights > 0), exponents - jnp.where(bounded, top, 0.0), 0.0)
    shares = weights * jnp.exp(differences)
    total = jnp.sum(shares)
    value = top + jnp.log(total) - jnp.sum(critic * pairs.joint_moment)

    shares = shares / total
    moments = image[:, :, :, None] * caption[:, :, None, :] + between[None]
    mean = jnp.einsum("gk,gkij->ij", shares, moments)
    around = moments - mean[None, None]
    # Of a Gaussian pair, Cov(u_i t_j, u_m t_n) by Isserlis' theorem.
    images_square = jnp.einsum("gk,gki,gkm->kim", shares, image, image)
    captions_square = jnp.einsum("gk,gkj,gkn->kjn", shares, caption, caption)
    both = jnp.einsum("gk,gki,gkn->kin", shares, image, caption)
    by_caption = jnp.sum(shares, axis=0)
    within = (
        jnp.einsum("kim,kjn->ijmn", by_caption[:, None, None] * of_images + images_square, of_captions)
        + jnp.einsum("kim,kjn->ijmn", of_images, captions_square)
        + jnp.einsum("kin,kmj->ijmn", by_caption[:, None, None] * between + both, between)
        + jnp.einsum("kin,kmj->ijmn", between, both)
    )
    hessian = within + jnp.einsum("gk,gkij,gkmn->ijmn", shares, around, around)
    return Local(value, (mean - pairs.joint_moment).reshape(4), hessian.reshape(4, 4) + pairs.flat)


def siglip_loss(pairs: Pairs, critic: Float[Array, "2 2"]) -> Float[Array, ""]:
    """The value of `siglip_objective`, of the same arguments."""
    return siglip_objective(pairs, critic).value


def siglip_critic(model: SpuriousModel, caption: Caption) -> Float[Array, "2 2"]:
    """The matrix B of the best bilinear critic, shape (2, 2); infinite where there is no finite optimum."""
    return critic_of_pairs(pairs_of(model, caption))


@jax.jit
def critic_of_pairs(pairs: Pairs) -> Float[Array, "2 2"]:
    """The same for any images and captions that are mixtures of Gaussians; see `siglip_loss`."""
    return minimise(lambda entries: siglip_objective(pairs, entries.reshape(2, 2)), jnp.zeros(4)).reshape(2, 2)


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
