"""S19, accuracy on the line: what the accuracies on common and counter images say of a learner's reliance.

Statement. A linear rule with reliance t = w_spu / w_inv >= 0 and margin variance s^2 = v_inv + t^2 v_spu + (any further
independent noise) has on aligned and conflicting images the probits Phi^(-1)(accuracy)

    z_A = (mu_inv + t mu_spu) / s,      z_C = (mu_inv - t mu_spu) / s.

(1) Their ratio does not depend on the noise: with tau = t mu_spu / mu_inv, z_C / z_A = (1 - tau) / (1 + tau).
Learners of one reliance and different quality lie on one line through the origin of probit axes, and from one
learner's two accuracies alone

    tau = (z_A - z_C) / (z_A + z_C)

is its index of spurious reliance: 0 for a rule that ignores the background, 1 for one that is right on conflicting
images half of the time, above 1 where it is wrong on most.

(2) Learners of different reliance and one quality do not lie on a line but on an ellipse,

    v_inv ((z_A + z_C) / (2 mu_inv))^2 + v_spu ((z_A - z_C) / (2 mu_spu))^2 = 1,

which is a line, of slope -1, to first order in t only, or for v_spu = 0.

(3) With slope k of the line, tau = (1 - k) / (1 + k). A straight line that misses the origin is a family whose reliance
changes with its quality.

Standard errors are by the delta method: Var(z) = p (1 - p) / (n phi(z)^2) for an accuracy p of n images.

Source: the empirical line is Miller et al. (arXiv 2107.04649); derived here, docs/theory/accuracy_on_the_line.md.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jax.scipy.stats import norm
from jaxtyping import Array, Float, Int

from theory.model import Scalar, SpuriousModel


class Estimate(NamedTuple):
    """A value and its standard error, arrays of one shape."""

    value: Float[Array, "*shape"]
    standard_error: Float[Array, "*shape"]


@jax.jit
def probits(model: SpuriousModel, reliance: Scalar, further_variance: Scalar = 0.0) -> Float[Array, "2"]:
    """(z_A, z_C) of a rule with w = (1, t).

    Args:
        model: parameters of the synthetic model.
        reliance: t, the spurious weight over the invariant one.
        further_variance: of independent noise in the margin, at w_inv = 1: less of it is a better model.
    """
    mean, variance = model.latent_mean, model.image_variance
    deviation = jnp.sqrt(variance[0] + reliance**2 * variance[1] + further_variance)
    return jnp.stack([mean[0] + reliance * mean[1], mean[0] - reliance * mean[1]]) / deviation


def line_slope(model: SpuriousModel, reliance: Scalar) -> Float[Array, ""]:
    """Slope (1 - tau) / (1 + tau) of the line through the origin on which learners of this reliance lie."""
    mean = model.latent_mean
    return (mean[0] - reliance * mean[1]) / (mean[0] + reliance * mean[1])


def probit(accuracy: Float[Array, "*#shape"], images: Float[Array, "*#shape"]) -> Estimate:
    """Probit of an accuracy in (0, 1) measured on `images` images, with its standard error; infinite at 0 and 1."""
    value = ndtri(accuracy)
    return Estimate(value, jnp.sqrt(accuracy * (1.0 - accuracy) / images) / norm.pdf(value))


def reliance_index(aligned: Estimate, conflicting: Estimate) -> Estimate:
    """The index tau of each learner from its two probits; NaN where their sum is not positive.

    The two groups are different images, so their errors are independent.
    """
    total = aligned.value + conflicting.value
    sensible = total > 0
    safe = jnp.where(sensible, total, 1.0)
    value = (aligned.value - conflicting.value) / safe
    # Derivatives 2 z_C / total^2 and -2 z_A / total^2.
    error = (
        2.0
        / safe**2
        * jnp.hypot(conflicting.value * aligned.standard_error, aligned.value * conflicting.standard_error)
    )
    return Estimate(jnp.where(sensible, value, jnp.nan), jnp.where(sensible, error, jnp.nan))


class Line(NamedTuple):
    """A line through the origin of probit axes fitted to a family of learners.

    Attributes:
        slope: k, and its standard error.
        reliance: tau = (1 - k) / (1 + k) of the family, and its standard error.
        chi_square: squared distances from the line in standard errors, summed: chi-square with one degree of freedom
            less than there are learners, if one reliance is all there is.
    """

    slope: Estimate
    reliance: Estimate
    chi_square: Float[Array, ""]


def fit_line(aligned: Estimate, conflicting: Estimate) -> Line:
    """Maximum likelihood line through the origin with errors in both probits, each of shape (learners,).

    Minimises the sum of (z_C - k z_A)^2 / (e_C^2 + k^2 e_A^2) over k, by Newton's iteration from least squares.
    """

    def distance(slope: Float[Array, ""]) -> Float[Array, ""]:
        variance = conflicting.standard_error**2 + slope**2 * aligned.standard_error**2
        return jnp.sum((conflicting.value - slope * aligned.value) ** 2 / variance)

    start = jnp.sum(aligned.value * conflicting.value) / jnp.sum(aligned.value**2)
    gradient, curvature = jax.grad(distance), jax.grad(jax.grad(distance))

    def newton(_: Int[Array, ""], slope: Float[Array, ""]) -> Float[Array, ""]:
        return slope - gradient(slope) / jnp.abs(curvature(slope))

    slope = jax.lax.fori_loop(0, 30, newton, start)
    error = jnp.sqrt(2.0 / jnp.abs(curvature(slope)))
    reliance = Estimate((1.0 - slope) / (1.0 + slope), 2.0 * error / (1.0 + slope) ** 2)
    return Line(Estimate(slope, error), reliance, distance(slope))
