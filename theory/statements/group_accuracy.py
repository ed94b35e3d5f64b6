"""S4, group accuracies: how often a linear rule is right, in every group.

Statement. Let an image be classified by the sign of <v, x>, and let w = D_I^T v (its part in latent space) and
r^2 = ||v||^2 - ||w||^2 (its part outside the signal's plane). Then, exactly and for every `image_dim`,

    accuracy(aligned)      = Phi((w_inv mu_inv + w_spu mu_spu) / s)
    accuracy(conflicting)  = Phi((w_inv mu_inv - w_spu mu_spu) / s)
    s^2 = w_inv^2 sigma_inv^2 + w_spu^2 sigma_spu^2 + (w_inv^2 + w_spu^2 + r^2) sigma_xi^2 / d_I,

and a mixture that is aligned with probability p, whatever the ratio in training, has accuracy p * aligned +
(1 - p) * conflicting. An intercept b adds b to the margin of class +1 and takes it from that of class -1, and the
accuracy of a group is their mean, weighted by `class_prior`; without an intercept the prior does not matter. For s = 0
the rule is right where its margin is positive, wrong where negative, and a coin's toss at 0.

Source: derived here, docs/theory/group_accuracy.md; appendix D of arXiv 2403.11497 has the limit d_I -> infinity.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from theory.model import Scalar, SpuriousModel


def mixture(aligned: Any, conflicting: Any, ratio: Any) -> Any:
    """Accuracy on data of which the share `ratio` is aligned; numbers, or arrays of one shape."""
    return ratio * aligned + (1.0 - ratio) * conflicting


def in_all_groups(model: SpuriousModel, aligned: Float[Array, ""], conflicting: Float[Array, ""]) -> Float[Array, "4"]:
    """The accuracies of the two groups and of their two mixtures, in the order of `GROUPS`, shape (4,)."""
    mixed = [jnp.asarray(mixture(aligned, conflicting, ratio)) for ratio in (model.spurious_ratio, 0.5)]
    return jnp.stack([aligned, conflicting, *mixed])


@jax.jit
def group_accuracies(
    model: SpuriousModel, direction: Float[Array, "2"], residual_norm: Scalar = 0.0, intercept: Scalar = 0.0
) -> Float[Array, "4"]:
    """Accuracies in the order of `GROUPS` of the rule sign(<v, x> + intercept).

    Args:
        model: parameters of the synthetic model.
        direction: w = D_I^T v, shape (2,); its length does not matter when `residual_norm` is 0.
        residual_norm: length r of the part of v outside the signal's plane, 0 for a population optimum.
        intercept: b, 0 for zero-shot rules with opposite prompts.

    Returns:
        Shape (4,), each in [0, 1]; NaN for a zero direction, which decides nothing.
    """
    weighted_mean = direction * model.latent_mean
    without = jnp.stack([weighted_mean[0] + weighted_mean[1], weighted_mean[0] - weighted_mean[1]])
    margins = jnp.stack([without + intercept, without - intercept])  # class +1, then class -1
    squared_norm = jnp.sum(direction**2) + residual_norm**2
    variance = jnp.sum((direction * model.latent_sigma) ** 2) + squared_norm * model.image_noise_variance
    noisy = variance > 0
    # The inner `where` keeps the unused branch's gradient finite.
    deviation = jnp.sqrt(jnp.where(noisy, variance, 1.0))
    accuracy = jnp.where(noisy, ndtr(margins / deviation), (1.0 + jnp.sign(margins)) / 2.0)
    accuracy = model.class_prior * accuracy[0] + (1.0 - model.class_prior) * accuracy[1]
    accuracy = jnp.where(squared_norm > 0, accuracy, jnp.nan)
    return in_all_groups(model, accuracy[0], accuracy[1])
