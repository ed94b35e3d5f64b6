"""S25, reweighting: supervised training on groups of equal mass, worst-group training, and the prompts they equal.

Statement. Let R_A and R_C be the mean loss of the linear rule <w, u> on aligned and on conflicting images, for any
convex loss of the margin y <w, u> (least squares and logistic regression among them), and p_spu < 1.

Reweighting. To give each of the four groups (y, a) the same mass in the loss is to train at p_spu = 1/2. The optimum
needs no intercept, depends neither on p_spu nor on the class prior, and does not lean on the background:

    least squares:         w = (mu_inv / (mu_inv^2 + v_inv), 0)
    logistic regression:   w = (2 mu_inv / v_inv, 0),            v = sigma^2 + sigma_xi^2 / d_I.

Worst-group training (group DRO), min_w max(R_A, R_C), has the same optimum, for each such loss: R_A and R_C change
places when w_spu changes sign, so equal weights are the worst ones. Both trainings are right on Phi(mu_inv /
v_inv^(1/2)) of each group, more than any other linear rule is on its worse one (S17).

Contrastive rules that equal them. The `best` prompt of S17, for every invertible critic. InfoNCE's half image to text
on captions that always name class and background, with the label prompt, in length as well: the difference of its two
classes' scores is the margin of reweighted logistic regression. The linearised loss on `latent` captions equals them
with neither the label prompt nor the class mean, for mu_spu > 0 and p_spu > 1/2: it leans on the background.

The equal share. With mass q on aligned images and r_q = 2 q - 1, least squares leans by t = r_q mu_spu v_inv / (mu_inv
[(1 - r_q^2) mu_spu^2 + v_spu]), which increases from -t_F to t_F = mu_spu v_inv / (mu_inv v_spu), Fisher's reliance.
So each rule with |t| <= t_F is that of one share,

    r_q = 2 c / (b + (b^2 + 4 a c)^(1/2)),   a = t mu_inv mu_spu^2,  b = mu_spu v_inv,  c = t mu_inv (mu_spu^2 + v_spu),

and beyond t_F of none. Logistic regression's share is found by false position. A rule with t >= 0 is more robust than
the supervised learner as it is exactly where its equal share is below p_spu: S8's boundary is where it equals p_spu.

What a sample of n images costs. n^(1/2) t_n is asymptotically normal, for equally frequent classes, with variance

    reweighted, least squares:   N eta [(1 - eta) mu_spu^2 + v_spu] / (mu_spu^2 + v_spu)^2
    worst group, least squares:  N (1 - eta^2) / (2 mu_spu^2),    N = M^2 / mu_inv^2 / (4 p_spu (1 - p_spu)),

with M = mu_inv^2 + v_inv and eta = v_inv / M, whatever d_I beyond what v says; for logistic regression with
one-dimensional integrals in their place (`reliance_deviation`). Weights are counted in the sample. Both diverge as
p_spu -> 1: without conflicting images there is nothing to weigh. The linearised critic with its best prompt, if that
is known, does not (`prompt_deviation`).

Source: group DRO is Sagawa et al. (arXiv 1911.08731); derived here, docs/theory/reweighting.md.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.bisection import false_position
from theory.model import Scalar, SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.least_squares import least_squares_direction
from theory.statements.logistic import logistic_direction
from theory.statements.population import latent_covariance

_Learner: TypeAlias = Callable[[SpuriousModel], Float[Array, "2"]]
LEARNERS: dict[str, _Learner] = {"least_squares": least_squares_direction, "logistic": logistic_direction}
TRAININGS = ("reweighted", "worst-group")

_NODES = 2001
_REACH = 9.0  # standard deviations beyond both the margin's mean and its zero


def reweighted_direction(model: SpuriousModel, learner: str, share: Scalar = 0.5) -> Float[Array, "2"]:
    """Latent weights (w_inv, w_spu) of a supervised learner in whose loss aligned images have the mass `share`.

    Args:
        model: parameters of the synthetic model; its own ratio is not read.
        learner: one of `LEARNERS`.
        share: between 0 and 1; 1/2 gives groups of equal mass, the model's own ratio the learner as it is.

    Raises:
        ValueError: another learner.
    """
    return _learner(learner)(dataclasses.replace(model, spurious_ratio=jnp.asarray(share, float)))


def worst_group_direction(model: SpuriousModel, learner: str) -> Float[Array, "2"]:
    """Latent weights of worst-group training, and of groups of equal mass, in closed form, shape (2,).

    Args:
        model: parameters of the synthetic model; neither its ratio nor its prior is read.
        learner: one of `LEARNERS`.

    Raises:
        ValueError: another learner.
    """
    _learner(learner)
    variance, mean = model.image_variance[0], model.latent_mean[0]
    weight = mean / (mean**2 + variance) if learner == "least_squares" else 2.0 * mean / variance
    return jnp.stack([weight, jnp.zeros_like(weight)])


def equal_share(model: SpuriousModel, reliance: Scalar, learner: str) -> Float[Array, ""]:
    """The mass of aligned images at which a supervised learner leans on the background by `reliance`.

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0; its own ratio is not read.
        reliance: t = w_spu / w_inv of another rule.
        learner: one of `LEARNERS`.

    Returns:
        In [0, 1]; NaN for a rule that leans more than Fisher's, as no share does.

    Raises:
        ValueError: another learner.
    """
    (mu_inv, mu_spu), (v_inv, v_spu) = model.latent_mean, model.image_variance
    reliance = jnp.asarray(reliance, float)
    within = jnp.abs(reliance) <= mu_spu * v_inv / (mu_inv * v_spu)
    if learner == "least_squares":
        square, linear = reliance * mu_inv * mu_spu**2, mu_spu * v_inv
        constant = reliance * mu_inv * (mu_spu**2 + v_spu)
        agreement = 2.0 * constant / (linear + jnp.sqrt(linear**2 + 4.0 * square * constant))
        return jnp.where(within, 0.5 * (1.0 + agreement), jnp.nan)
    _learner(learner)

    def excess(share: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.abs(reliance) - spurious_reliance(reweighted_direction(model, learner, share))

    # A share of 1 - q leans as much as q, to the other side, and 1/2 does not lean.
    above = jnp.where(reliance == 0, 0.0, false_position(excess, 0.5, 1.0) - 0.5)
    return jnp.where(within, 0.5 + jnp.sign(reliance) * above, jnp.nan)


def reliance_deviation(model: SpuriousModel, learner: str, training: str) -> Float[Array, ""]:
    """Limit of n^(1/2) times the standard deviation of the reliance of a learner trained on n images.

    Args:
        model: parameters of the synthetic model, with p_spu below 1, `mu_spu` above 0 and equally frequent classes.
        learner: one of `LEARNERS`.
        training: one of `TRAININGS`; the worst group of two, aligned and conflicting.

    Returns:
        Positive; for logistic regression NaN where its error in a group is below 1e-12.

    Raises:
        ValueError: another learner or training.
    """
    if training not in TRAININGS:
        raise ValueError(f"training must be one of {', '.join(TRAININGS)}, got {training!r}")
    direction = worst_group_direction(model, learner)
    mu_spu, v_spu = model.latent_mean[1], model.image_variance[1]
    second = mu_spu**2 + v_spu
    loss = _moments(model, learner)
    if training == "reweighted":
        variance = (loss.squared_slope * second - (loss.slope * mu_spu) ** 2) / (loss.curvature * second) ** 2
    else:
        variance = loss.variance / (loss.slope * mu_spu) ** 2
    images = 4.0 * model.spurious_ratio * (1.0 - model.spurious_ratio)  # worth of an image, to a balanced sample's
    return jnp.sqrt(variance / images) / direction[0]


def prompt_deviation(model: SpuriousModel) -> Float[Array, ""]:
    """The same limit for the linearised critic of n pairs with `latent` captions and S17's best prompt, held fixed.

    Args:
        model: parameters of the synthetic model, with equally frequent classes and a positive definite covariance of
            the two features.
    """
    covariance = latent_covariance(model)
    prompt = jnp.linalg.solve(covariance, jnp.array([1.0, 0.0]))
    mean, spread = model.latent_mean, model.latent_sigma**2
    # z_spu and <z, q> in each group, turned to a = +1: E[X^2 Y^2] of two correlated normals.
    score_means = jnp.stack([1.0, -1.0]) * mean[0] * prompt[0] + mean[1] * prompt[1]
    score_spread, shared = jnp.sum(prompt**2 * spread), prompt[1] * spread[1]
    fourth = (mean[1] ** 2 + spread[1]) * (score_means**2 + score_spread)
    fourth = fourth + 4.0 * mean[1] * score_means * shared + 2.0 * shared**2
    ratio = jnp.asarray(model.spurious_ratio, float)
    signal = jnp.sum(jnp.stack([ratio, 1.0 - ratio]) * fourth)
    score_square = prompt @ covariance @ prompt
    noise = model.image_noise_variance * score_square
    noise = noise + model.text_noise_variance * jnp.sum(prompt**2) * (covariance[1, 1] + model.image_noise_variance)
    return jnp.sqrt(signal + noise)  # the rule's invariant weight, E[u_inv <t, q>], is 1


def _learner(name: str) -> _Learner:
    if name not in LEARNERS:
        raise ValueError(f"learner must be one of {', '.join(LEARNERS)}, got {name!r}")
    return LEARNERS[name]


class _Moments(NamedTuple):
    """E[l'], E[l'^2], E[l''] and Var(l) over the margin m of the worst-group rule, the same in every group."""

    slope: Float[Array, ""]
    squared_slope: Float[Array, ""]
    curvature: Float[Array, ""]
    variance: Float[Array, ""]


def _moments(model: SpuriousModel, learner: str) -> _Moments:
    mean, variance = model.latent_mean[0], model.image_variance[0]
    if learner == "least_squares":
        # l = (m - 1)^2 / 2 and m - 1 is normal with mean -eta and variance eta (1 - eta).
        eta = variance / (mean**2 + variance)
        spread = eta * (1.0 - eta)
        return _Moments(-eta, eta, jnp.ones_like(eta), spread * (spread + 2.0 * eta**2) / 2.0)
    # The margin of true log-odds is normal with a variance of twice its mean.
    centre = 2.0 * mean**2 / variance
    spread = jnp.sqrt(2.0 * centre)
    low = -_REACH - centre / spread
    deviates = low + (_REACH - low) * jnp.asarray(np.linspace(0.0, 1.0, _NODES), centre.dtype)
    density = jnp.exp(-0.5 * deviates**2) * (_REACH - low) / ((_NODES - 1) * np.sqrt(2.0 * np.pi))
    margins = centre + spread * deviates
    density = jnp.where(centre / spread < 7.0, density, jnp.nan)  # Phi(-7) is 1e-12
    wrong, loss = jax.nn.sigmoid(-margins), jax.nn.softplus(-margins)
    mean_loss = jnp.sum(density * loss)
    return _Moments(
        -jnp.sum(density * wrong),
        jnp.sum(density * wrong**2),
        jnp.sum(density * wrong * (1.0 - wrong)),
        jnp.sum(density * loss**2) - mean_loss**2,
    )
