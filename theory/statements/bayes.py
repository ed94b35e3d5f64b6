"""S10, the Bayes classifier of the training distribution: what a supervised learner of any form would do at best.

Statement. The image outside the signal's plane is noise, so the posterior depends on u = D_I^T x alone, and with
r = 2 p_spu - 1 and v = sigma^2 + sigma_xi^2 / d_I for each feature half its log-odds are

    mu_inv u_inv / v_inv + artanh(r tanh(mu_spu u_spu / v_spu)) + log(P(y = +1) / P(y = -1)) / 2.

The second term saturates at artanh(r) = log(p_spu / (1 - p_spu)) / 2: however strong the background, it counts no more
than what it tells of the label. A linear rule has no such limit. Given y and a, the image is classified right with
probability

    E_u_spu Phi((mu_inv + y (v_inv / mu_inv) [artanh(r tanh(mu_spu u_spu / v_spu)) + prior]) / v_inv^(1/2)),

with prior = log(P(y = +1) / P(y = -1)) / 2, a one-dimensional integral. It is the most accurate rule on the training
distribution, not on `conflicting` images.

Method. The trapezoidal rule with 2001 nodes over 8.5 deviations. Without spread of the invariant feature the rule is
always right; without spread of the spurious feature the saturated value is exact.

Source: derived here, docs/theory/bayes.md.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from theory.model import SpuriousModel
from theory.statements.group_accuracy import in_all_groups

_NODES = np.linspace(-8.5, 8.5, 2001)
_WEIGHTS = np.exp(-0.5 * _NODES**2)
_WEIGHTS /= _WEIGHTS.sum()


@jax.jit
def half_log_odds(model: SpuriousModel, images: Float[Array, "size 2"]) -> Float[Array, " size"]:
    """Half the posterior log-odds of y = +1 given images in the signal's plane, u = D_I^T x.

    Args:
        model: parameters of the synthetic model; both coordinates of an image must have some spread.
        images: shape (size, 2).
    """
    invariant = images[:, 0] * model.latent_mean[0] / model.image_variance[0]
    return invariant + _background(model, images[:, 1]) + _half_log_prior_odds(model)


def _background(model: SpuriousModel, spurious: Float[Array, " size"]) -> Float[Array, " size"]:
    """artanh(r tanh(b)) for b = mu_spu u_spu / v_spu, as a difference of two logarithms that never overflows."""
    mean, variance = model.latent_mean[1], model.image_variance[1]
    evidence = mean * spurious / jnp.where(variance > 0, variance, 1.0)
    # Without spread the sign alone is left; and without a mean, nothing.
    evidence = jnp.where(variance > 0, evidence, jnp.sign(mean * spurious) * 1e3)
    ratio = jnp.asarray(model.spurious_ratio, evidence.dtype)
    log_ratio, log_rest = jnp.log(ratio), jnp.log(1.0 - ratio)
    agree = jnp.logaddexp(log_ratio + evidence, log_rest - evidence)
    return 0.5 * (agree - jnp.logaddexp(log_rest + evidence, log_ratio - evidence))


def _half_log_prior_odds(model: SpuriousModel) -> Float[Array, ""]:
    prior = jnp.asarray(model.class_prior, float)
    return 0.5 * (jnp.log(prior) - jnp.log(1.0 - prior))


@jax.jit
def bayes_accuracies(model: SpuriousModel) -> Float[Array, "4"]:
    """Accuracies of the Bayes classifier in the order of `theory.statements.group_accuracy.GROUPS`, shape (4,)."""
    variance = model.image_variance
    mean = model.latent_mean
    nodes, weights = jnp.asarray(_NODES, mean.dtype), jnp.asarray(_WEIGHTS, mean.dtype)

    def accuracy(label: Float[Array, ""], attribute: Float[Array, ""]) -> Float[Array, ""]:
        background = _background(model, attribute * mean[1] + jnp.sqrt(variance[1]) * nodes)
        shift = label * (background + _half_log_prior_odds(model)) * variance[0] / mean[0]
        deviation = jnp.sqrt(jnp.where(variance[0] > 0, variance[0], 1.0))
        right = jnp.where(variance[0] > 0, ndtr((mean[0] + shift) / deviation), 1.0)
        return jnp.sum(weights * right)

    prior = model.class_prior
    # All groups in one map, which compiles once: (+, +), (-, -), (+, -), (-, +).
    groups = jax.vmap(accuracy)(jnp.array([1.0, -1.0, 1.0, -1.0]), jnp.array([1.0, -1.0, -1.0, 1.0]))
    aligned = prior * groups[0] + (1.0 - prior) * groups[1]
    conflicting = prior * groups[2] + (1.0 - prior) * groups[3]
    return in_all_groups(model, aligned, conflicting)
