"""How often a rule is right that decides along a curve in the signal's plane, not along a line."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from theory.bisection import bisect
from theory.model import SpuriousModel
from theory.statements.group_accuracy import in_all_groups

# Standard deviates of the spurious coordinate; the integrand is analytic, so the trapezoidal rule is exact to rounding.
_DEVIATES = np.linspace(-8.5, 8.5, 301)
_WEIGHTS = np.exp(-0.5 * _DEVIATES**2)
_WEIGHTS /= _WEIGHTS.sum()
# The invariant coordinate is looked for so many deviations beyond its mean, down to double precision.
_REACH, _HALVINGS = 9.0, 54


def curve_accuracies(
    model: SpuriousModel, score: Callable[[Float[Array, "size 2"]], Float[Array, " size"]]
) -> Float[Array, "4"]:
    """Accuracies of the rule sign(score) in the order of `theory.statements.group_accuracy.GROUPS`, shape (4,).

    Given the spurious coordinate the rule is right beyond one place of the invariant one, which is found by bisection.

    Args:
        model: parameters of the synthetic model; both coordinates of an image must have some spread.
        score: of images in the signal's plane, u = D_I^T x, shape (size, 2); it must rise with u_inv.
    """
    mean, variance = model.latent_mean, model.image_variance
    deviation = jnp.sqrt(variance)
    reach = mean[0] + _REACH * deviation[0]
    deviates, weights = jnp.asarray(_DEVIATES, mean.dtype), jnp.asarray(_WEIGHTS, mean.dtype)

    def score_at(invariant: Float[Array, ""], spurious: Float[Array, ""]) -> Float[Array, ""]:
        return score(jnp.stack([invariant, spurious])[None, :])[0]

    def threshold(spurious: Float[Array, ""]) -> Float[Array, ""]:
        place = jax.lax.stop_gradient(bisect(lambda u: -score_at(u, spurious), -reach, reach, _HALVINGS))
        # One step of Newton's method carries the derivative in whatever the score closes over.
        slope = jax.lax.stop_gradient(jax.grad(score_at)(place, spurious))
        crossed = (jnp.abs(place) < 0.999 * jax.lax.stop_gradient(reach)) & (slope > 0)
        return jnp.where(crossed, place - score_at(place, spurious) / jnp.where(crossed, slope, 1.0), place)

    def accuracies(attribute: float) -> Float[Array, "2"]:
        """Of the classes +1 and -1 on images with this attribute."""
        thresholds = jax.vmap(threshold)(attribute * mean[1] + deviation[1] * deviates)
        right = [ndtr((mean[0] - label * thresholds) / deviation[0]) for label in (1.0, -1.0)]
        return jnp.stack(right) @ weights

    on_plus, on_minus = accuracies(1.0), accuracies(-1.0)
    prior = jnp.asarray(model.class_prior, float)
    aligned = prior * on_plus[0] + (1.0 - prior) * on_minus[1]
    conflicting = prior * on_minus[0] + (1.0 - prior) * on_plus[1]
    return in_all_groups(model, aligned, conflicting)
