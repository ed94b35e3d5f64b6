"""S13, pointwise mutual information: the optimum of InfoNCE and of the sigmoid loss if the critic may be any function.

Statement. Let PMI(x, t) = log p(x, t) / (p(x) p(t)). For infinitely large batches InfoNCE's direction image to text
is minimised exactly by the critics PMI(x, t) + f(x), text to image by PMI(x, t) + g(t), their mean by PMI(x, t) +
constant; the sigmoid loss with k negatives a positive is minimised by PMI(x, t) - log k, bias included. None of them
prefers the invariant feature: the optimum is whatever tells image and caption apart best.

What this says of the spurious feature depends on the caption. If captions name the class alone (`label`, or a caption
of `label-attribute` that leaves the background out), then for the prompts that are such captions

    PMI(x, +1) - PMI(x, -1) = log P(y = +1 | x) / P(y = -1 | x) - log P(y = +1) / P(y = -1),

for equally frequent classes the Bayes classifier of S10: the contrastive optimum and the supervised one are one and the
same rule. If every caption names class and attribute, PMI(x, (y, a)) = log p(x | y, a) - log p(x) is bilinear in x and
(y, a) up to a function of x, so the bilinear critic of InfoNCE's direction image to text attains the optimum, with

    B = diag(mu_inv / v_inv, mu_spu / v_spu)      whatever p_spu is (S14, v = sigma^2 + sigma_xi^2 / d_I),

and with the label prompt it does not lean on the background at all.

Source: the optimum of InfoNCE is in Oord et al. (arXiv 1807.03748) and Poole et al. (arXiv 1905.06922); derived here,
docs/theory/infonce.md.
"""

import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from theory.mixtures import joint_mixture
from theory.model import Caption, SpuriousModel


def pointwise_mutual_information(
    model: SpuriousModel, caption: Caption, images: Float[Array, "size 2"], captions: Float[Array, "size 2"]
) -> Float[Array, " size"]:
    """PMI of pairs in the signal's plane: images u = D_I^T x and captions D_T^T (text), each of shape (size, 2).

    Both coordinates of an image must have some spread, and so must those of a `latent` caption. The entries of other
    captions are exact; for one that never occurs the result is NaN.
    """
    pairs = joint_mixture(model, caption)
    image_means, all_captions = pairs.images.means, pairs.captions
    image_variance = model.image_variance
    log_image = jnp.sum(
        norm.logpdf(images[:, None, :], image_means[None, :, :], jnp.sqrt(image_variance)[None, None, :]), axis=2
    )
    if caption.kind == "latent":
        shared = pairs.covariances
        slope = shared / image_variance[None, :]
        expected = all_captions.means[None] + slope[None] * (images[:, None, :] - image_means[None])
        left = all_captions.variances - slope * shared
        log_given = jnp.sum(norm.logpdf(captions[:, None, :], expected, jnp.sqrt(left)[None]), axis=2)
        log_caption = jnp.sum(
            norm.logpdf(captions[:, None, :], all_captions.means[None], jnp.sqrt(all_captions.variances)[None]), axis=2
        )
    else:
        same = jnp.all(jnp.abs(captions[:, None, :] - all_captions.means[None]) < 1e-6, axis=2)
        log_given = log_caption = jnp.where(same, 0.0, -jnp.inf)
    weights = jnp.broadcast_to(all_captions.weights[None, :], log_given.shape)
    return (
        logsumexp(log_image + log_given, axis=1, b=weights)
        - logsumexp(log_image, axis=1, b=weights)
        - logsumexp(log_caption, axis=1, b=weights)
    )
