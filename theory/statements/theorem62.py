"""S7, Theorem 6.2 examined: its printed constants beside the derived ones.

The printed proof (Lemma D.3) replaces the latent covariance Lambda of S2 by

    A = [[1 + sigma_inv^2,      2 mu_spu p_spu - 1],
         [2 mu_spu p_spu - 1,   1 + sigma_spu^2   ]]

and bounds, for the label prompt and out-of-distribution data, the error where a != y from below by
1 - Phi(kappa_1) and the accuracy where a = y from below by 1 - Phi(kappa_2), with

    kappa_1 = (sigma_inv^2 + 2 - 2 mu_spu p_spu) / S,    kappa_2 = (-2 mu_spu p_spu - sigma_inv^2) / S,
    S^2 = (1 + sigma_inv^2)^2 sigma_inv^2 + (2 mu_spu p_spu - 1)^2 sigma_spu^2.

Statement. The exact margins of the label prompt in the limit without noise are, with c = (2 p_spu - 1) mu_spu,

    kappa_1 = (mu_inv (mu_inv^2 + sigma_inv^2) - mu_inv c mu_spu) / S,
    kappa_2 = -(mu_inv (mu_inv^2 + sigma_inv^2) + mu_inv c mu_spu) / S,
    S^2 = (mu_inv^2 + sigma_inv^2)^2 sigma_inv^2 + (mu_inv c)^2 sigma_spu^2,

with error 1 - Phi(kappa_1) where a != y and accuracy 1 - Phi(kappa_2) where a = y, both exact. A equals Lambda
if and only if mu_inv = mu_spu = 1 (or by accident of the other parameters in its off-diagonal alone): A puts
2 mu_spu p_spu - 1 for (2 p_spu - 1) mu_spu, and 1 for mu_spu^2; and the printed kappas take the spurious
feature's mean in the margin as 1 although it is mu_spu.

Both printed bounds are true at p_spu = 1 under the printed conditions, and for every model with mu_spu > 1 that meets
them from some ratio below 1 on, which depends on the model. At a fixed ratio either can fail while all conditions that
one model can meet hold (`sims.theorems.boundary` counts how often).

Corrected theorem. For equally frequent classes, any image noise and an embedding of width 2 or more, the linearised
learner is wrong on more than half of the images where a != y if and only if, with r = 2 p_spu - 1,

    r mu_spu^2 > mu_inv^2 + sigma_inv^2                                                          label prompt
    r mu_spu^2 (mu_inv^2 + mu_spu^2 + sigma_spu^2)
                      > mu_inv^2 (mu_inv^2 + sigma_inv^2 + r^2 mu_spu^2)                         class-mean prompt

in place of the printed mu_spu >= (sigma_inv^2 + 2) / 2, which implies the first only as p_spu -> 1 and is not
necessary.

Source: arXiv 2403.11497, Lemma D.3, Theorem 6.2; derived here, docs/theory/theorem62.md.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Scalar

from theory.model import SpuriousModel
from theory.statements.population import latent_covariance


class Theorem62(NamedTuple):
    """Constants of Theorem 6.2, for the label prompt and no image noise.

    Attributes:
        latent_covariance: shape (2, 2); A as printed, or Lambda as derived.
        kappa_1: standardised margin where a != y.
        kappa_2: minus the standardised margin where a = y.
        conflicting_error: 1 - Phi(kappa_1): printed as a lower bound, derived as the exact error.
        aligned_accuracy: 1 - Phi(kappa_2): printed as a lower bound, derived as the exact accuracy.
    """

    latent_covariance: Float[Array, "2 2"]
    kappa_1: Scalar
    kappa_2: Scalar
    conflicting_error: Scalar
    aligned_accuracy: Scalar


def theorem62(model: SpuriousModel, printed: bool) -> Theorem62:
    """The constants as the paper prints them (`printed`), or as they follow from Definition 6.1.

    NaN where both deviations are 0, since the margins then have no spread.
    """
    if printed:
        mean = jnp.ones(2)
        covariance = printed_latent_covariance(model)
    else:
        mean = model.latent_mean
        covariance = latent_covariance(model)
    direction = covariance[:, 0]
    invariant, spurious = direction[0] * mean[0], direction[1] * mean[1]
    variance = jnp.sum((direction * model.latent_sigma) ** 2)
    deviation = jnp.where(variance > 0, jnp.sqrt(variance), jnp.nan)
    kappa_1 = (invariant - spurious) / deviation
    kappa_2 = -(invariant + spurious) / deviation
    return Theorem62(covariance, kappa_1, kappa_2, ndtr(-kappa_1), ndtr(-kappa_2))


def printed_latent_covariance(model: SpuriousModel) -> Float[Array, "2 2"]:
    """The matrix A of Lemma D.3 as printed, shape (2, 2)."""
    off_diagonal = jnp.asarray(2.0 * model.mu_spu * model.spurious_ratio - 1.0, float)
    diagonal = 1.0 + model.latent_sigma**2
    return jnp.stack([jnp.stack([diagonal[0], off_diagonal]), jnp.stack([off_diagonal, diagonal[1]])])


def printed_bound_excess(model: SpuriousModel) -> Float[Array, ""]:
    """How far the printed lower bound on the conflicting error lies above the exact error; positive where it fails."""
    return theorem62(model, printed=True).conflicting_error - theorem62(model, printed=False).conflicting_error


def printed_aligned_bound_excess(model: SpuriousModel) -> Float[Array, ""]:
    """How far the printed lower bound on the aligned accuracy lies above the exact one; positive where it fails."""
    return theorem62(model, printed=True).aligned_accuracy - theorem62(model, printed=False).aligned_accuracy


def critical_agreement(model: SpuriousModel, prompt: str) -> Float[Array, ""]:
    """The agreement r = 2 p_spu - 1 above which the linearised learner errs on most conflicting images.

    1 or more, or infinite: at no ratio. The model's own ratio is not read; the classes are taken as equally frequent.

    Raises:
        ValueError: a prompt other than `label` and `class-mean`.
    """
    invariant_mean, spurious_mean = model.latent_mean**2
    invariant = invariant_mean + model.latent_sigma[0] ** 2
    if prompt == "label":
        return invariant / spurious_mean
    if prompt != "class-mean":
        raise ValueError(f"prompt must be one of label, class-mean, got {prompt!r}")
    # The smaller root of a r^2 - b r + c; the other one is above 1 wherever there are two.
    a = invariant_mean * spurious_mean
    b = spurious_mean * (invariant_mean + spurious_mean + model.latent_sigma[1] ** 2)
    c = invariant_mean * invariant
    discriminant = b**2 - 4.0 * a * c
    root = jnp.sqrt(jnp.where(discriminant >= 0, discriminant, 0.0))
    return jnp.where(discriminant >= 0, 2.0 * c / (b + root), jnp.inf)


def conditions(model: SpuriousModel) -> dict[str, bool]:
    """Which of the theorem's conditions hold at these parameters (concrete numbers).

    The theorem also asks for p_spu = 1 - o(1), n = omega(1) and d_M = Omega(n), which speak of a sequence of
    models and are neither true nor false of one; of the first, what one model can satisfy is p_spu > 1/2.
    """
    threshold = (model.sigma_inv**2 + 2.0) / 2.0
    return {
        "mu_inv = 1": bool(model.mu_inv == 1.0),
        "sigma_inv > sigma_spu": bool(model.sigma_inv > model.sigma_spu),
        "mu_spu >= (sigma_inv^2 + 2) / 2": bool(model.mu_spu >= threshold),
        "p_spu > 1/2": bool(model.spurious_ratio > 0.5),
    }
