"""S28, accuracy curves: where models that differ in one thing lie in the plane of common and counter accuracy.

Statement. There are K candidates and n backgrounds, each usual for g = K / n of the candidates. A photo of class y says
of candidate j a_j ~ N(mu [j = y], v), independently, and shows one background without error: a common photo the one
that is usual for y, a counter photo another one. In training the background is the usual one with probability p, else
any other one evenly. Every rule here chooses the largest of d a_j + t [the background is usual for j], with a_j of
variance 1 and mean d = mu / v^(1/2) [j = y]: d is the signal and t the background's weight, in units of the noise. Then

    common:   integral of phi(x) Phi(x + d)^(g - 1) Phi(x + d + t)^(K - g) dx,
    counter:  integral of phi(x) Phi(x + d)^(K - g - 1) Phi(x + d - t)^g dx.

K = n = 2 is S19 without noise in the background. Counter photos can be harder besides: there d is (1 - h) d. Models
that differ in one thing only lie on a curve, named by what they differ in:

(a) sight, the noise v: training weighs the background by its log odds, whatever v is, and the animal by 1 / v. So
    t = beta / d, beta = log(p (n - 1) / (1 - p)), which is Bayes' rule and softmax regression's optimum. For K = n = 2
    the curve is a hyperbola, z_A^2 - z_C^2 = 2 beta in probits, of slope z_A / z_C > 1; it ends at (1 / g, 0).
(b) noise in everything, added to the scores after they are weighed, or to a_j for a rule that does not mind it:
    d and t shrink together, t = rho d. The curve ends at chance, (1 / K, 1 / K); of two classes it is S19's ray.
(c) reliance, t: common accuracy rises in t from its value at t = 0 to that of a choice among g, and counter accuracy
    falls to 0: the slope is negative, and -1 / (n - 1) at t = 0.
(d) training ratio, p: the curve of (c). The two cannot be told apart.
(e) difficulty, h: common accuracy stays as it is, a vertical line. If h is the same for all and they differ in noise,
    t = 0 and the curve ends at chance as in (b).

The three constants can be put together: `curve_pair` has t = beta / d + rho d, and h.

Source: derived here, docs/theory/accuracy_curves.md.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr, ndtri
from jaxtyping import Array, Float

from theory.model import Scalar

# The trapezoidal rule on an entire function that falls as a normal density: at this step 1e-12 for a thousand
# candidates.
_DEVIATES = np.linspace(-8.5, 8.5, 171)
_WEIGHTS = np.exp(-0.5 * _DEVIATES**2) / np.sum(np.exp(-0.5 * _DEVIATES**2))


class Constants(NamedTuple):
    """What is the same for all models of a curve; the weight is t = log_odds / d + reliance d.

    Attributes:
        log_odds: beta, what the background says in training, in nats; the constant of (a).
        reliance: rho, the weight over the signal; the constant of (b).
        difficulty: h, the share of the signal that counter photos lack; the constant of (e).
    """

    log_odds: Scalar = 0.0
    reliance: Scalar = 0.0
    difficulty: Scalar = 0.0


def accuracy_pair(
    signal: Scalar, weight: Scalar, candidates: Scalar, backgrounds: Scalar, difficulty: Scalar = 0.0
) -> Float[Array, "2"]:
    """Accuracies on common and on counter photos, shape (2,), each in [0, 1].

    Args:
        signal: d, the animal's mean score in units of its noise.
        weight: t, what is added where the photo's background is usual for a candidate, in the same units.
        candidates: K, at least 2.
        backgrounds: n, from 2 to K; K / n need not be whole.
        difficulty: h, the share of the signal that counter photos lack.
    """
    x = jnp.asarray(_DEVIATES, float)
    usual = jnp.asarray(candidates, float) / backgrounds

    def choose(lead: Scalar, same: Scalar, step: Scalar, other: Scalar) -> Float[Array, ""]:
        """Right against `same` rivals that are behind by `lead`, and `other` ones that are behind by `step` more."""
        log_all = same * log_ndtr(x + lead) + other * log_ndtr(x + lead + step)
        return jnp.sum(jnp.asarray(_WEIGHTS, log_all.dtype) * jnp.exp(log_all))

    common = choose(signal, usual - 1.0, weight, candidates - usual)
    harder = (1.0 - jnp.asarray(difficulty)) * signal
    counter = choose(harder, candidates - usual - 1.0, -jnp.asarray(weight), usual)
    return jnp.stack([common, counter])


def background_log_odds(training_ratio: Scalar, backgrounds: Scalar) -> Float[Array, ""]:
    """The log odds log(p (n - 1) / (1 - p)): what a background says for a candidate it is usual for.

    Args:
        training_ratio: p, the share of a class's training photos that show its usual background; 1 / n says nothing.
        backgrounds: n.
    """
    ratio = jnp.asarray(training_ratio, float)
    return jnp.log(ratio * (jnp.asarray(backgrounds, float) - 1.0)) - jnp.log1p(-ratio)


def training_ratio(log_odds: Scalar, backgrounds: Scalar) -> Float[Array, ""]:
    """The ratio p of a beta, the inverse of `background_log_odds`."""
    return jax.nn.sigmoid(jnp.asarray(log_odds, float) - jnp.log(jnp.asarray(backgrounds, float) - 1.0))


def curve_pair(signal: Scalar, constants: Constants, candidates: Scalar, backgrounds: Scalar) -> Float[Array, "2"]:
    """Both accuracies of a curve's model with this signal, which is above 0; other arguments as in `accuracy_pair`."""
    weight = constants.log_odds / jnp.asarray(signal, float) + constants.reliance * signal
    return accuracy_pair(signal, weight, candidates, backgrounds, constants.difficulty)


def probit_slope(signal: Scalar, constants: Constants, candidates: Scalar, backgrounds: Scalar) -> Float[Array, ""]:
    """Slope of a curve on probit axes where its model has this signal; other arguments as in `curve_pair`."""

    def probits(signal: Float[Array, ""]) -> Float[Array, "2"]:
        return ndtri(curve_pair(signal, constants, candidates, backgrounds))

    signal = jnp.asarray(signal, float)
    _, (common, counter) = jax.jvp(probits, (signal,), (jnp.ones_like(signal),))
    return counter / common
