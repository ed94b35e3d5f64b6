"""S6, logistic regression: the population optimum of the supervised cross-entropy, by quadrature.

Statement. The minimiser of E[log(1 + exp(-y <v, x>))] over v lies in the signal's plane, v = D_I w. Given w, the
margin y <v, x> is a mixture of two Gaussians, aligned with probability p_spu, so the risk is a one-dimensional
integral. It is convex in w, and its minimiser is finite and unique except in three limits without image noise:
sigma_inv = 0, or sigma_spu = 0 with p_spu = 1 (separable classes: no finite minimiser), or sigma_spu = 0 with
mu_spu = 0 (a feature that is always 0: any weight will do). Without an intercept, like a zero-shot rule, it is the same
for every class prior; for equally frequent classes the optimal intercept is 0. At
p_spu = 1 the classes are Gaussians of equal covariance S, and w = 2 S^(-1) (mu_inv, mu_spu), Fisher's discriminant.

Method. Damped Newton iteration, stopped at rounding. Risk, gradient and Hessian need E[e^j f(t)], where
t = m + s e is the margin of one group, e standard normal and j = 0, 1, 2: the trapezoidal rule over 9 standard
deviations on each side of the integrand's peak, which converges exponentially in the number of nodes while s stays
below `MAX_MARGIN_DEVIATION`. A last Newton step outside the loop makes the result differentiable.

Source: derived here, docs/theory/supervised.md.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from theory.model import SpuriousModel
from theory.statements.zero_shot import latent_prompt

# The integrand has poles pi / s away in units of the margin's deviation s, and the step is 18 / 1000: the
# trapezoidal rule's relative error is about exp(-2 pi (pi / s) / 0.018), 1e-8 at s = 60.
MAX_MARGIN_DEVIATION = 60.0
_NODES = np.linspace(-9.0, 9.0, 1001)
_LOG_WEIGHT = np.log((_NODES[1] - _NODES[0]) / np.sqrt(2.0 * np.pi))
# Newton needs about ten steps; every halving of a step counts as one too.
_MAX_ITERATIONS = 100


class _Objective(NamedTuple):
    """The risk's logarithm; risk, gradient and Hessian divided by the largest integrand, so that none underflows."""

    log_risk: Float[Array, ""]
    risk: Float[Array, ""]
    gradient: Float[Array, "2"]
    hessian: Float[Array, "2 2"]


def _objective(model: SpuriousModel, direction: Float[Array, "2"]) -> _Objective:
    variance = model.latent_sigma**2 + model.image_noise_variance
    # Rows: the aligned and the conflicting group, both turned so that y = +1.
    means = model.latent_mean[None, :] * jnp.array([[1.0, 1.0], [1.0, -1.0]])
    ratio = jnp.asarray(model.spurious_ratio, means.dtype)
    share = jnp.stack([ratio, 1.0 - ratio])
    spread = jnp.sqrt(jnp.sum(direction**2 * variance))
    margin_means = means @ direction
    # The integrand peaks near 0, or where the tail exp(-t) or the Gaussian alone puts it.
    peak = jnp.clip(0.0, margin_means - spread**2, margin_means)
    centre = jax.lax.stop_gradient((peak - margin_means) / spread)
    deviates = centre[:, None] + jnp.asarray(_NODES, means.dtype)[None, :]
    margins = margin_means[:, None] + spread * deviates

    log_sigmoid = jax.nn.log_sigmoid(-margins)
    # log(softplus(-t)); far out, softplus(-t) = exp(-t) to double precision.
    log_softplus = jnp.where(margins > 30.0, -margins, jnp.log(jax.nn.softplus(-jnp.minimum(margins, 30.0))))
    log_density = -0.5 * deviates**2 + _LOG_WEIGHT
    largest = jax.lax.stop_gradient(jnp.max(log_density + log_sigmoid))
    density = share[:, None] * jnp.exp(log_density + log_sigmoid - largest)
    risk = jnp.sum(density * jnp.exp(log_softplus - log_sigmoid))

    # Given the margin, u = mean + along e + a rest of covariance diag(variance) - along along^T.
    along = variance * direction / spread
    rest = jnp.diag(variance) - jnp.outer(along, along)
    first = jnp.sum(density[:, :, None] * deviates[:, :, None] ** jnp.arange(2)[None, None, :], axis=1)
    gradient = -jnp.sum(first[:, 0, None] * means + first[:, 1, None] * along[None, :], axis=0)
    curvature = density * jax.nn.sigmoid(margins)
    points = means[:, None, :] + deviates[:, :, None] * along[None, None, :]
    hessian = jnp.sum(curvature) * rest + jnp.einsum("gn,gni,gnj->ij", curvature, points, points)
    return _Objective(largest + jnp.log(risk), risk, gradient, hessian)


@jax.jit
def log_logistic_risk(model: SpuriousModel, direction: Float[Array, "2"]) -> Float[Array, ""]:
    """Logarithm of the population logistic risk E[log(1 + exp(-y <v, x>))] at latent weights `direction`."""
    return _objective(model, direction).log_risk


class LogisticRisk(NamedTuple):
    """The risk, its gradient and its Hessian at one place."""

    value: Float[Array, ""]
    gradient: Float[Array, "2"]
    hessian: Float[Array, "2 2"]


@jax.jit
def logistic_risk(model: SpuriousModel, direction: Float[Array, "2"]) -> LogisticRisk:
    """Population logistic risk E[log(1 + exp(-y <v, x>))] at latent weights `direction`, with its derivatives."""
    objective = _objective(model, direction)
    value = jnp.exp(objective.log_risk)
    scale = value / objective.risk
    return LogisticRisk(value, scale * objective.gradient, scale * objective.hessian)


class _State(NamedTuple):
    iteration: Int[Array, ""]
    direction: Float[Array, "2"]
    matrix: Float[Array, "2 2"]
    log_risk: Float[Array, ""]
    step: Float[Array, "2"]
    scale: Float[Array, ""]


@jax.jit
def logistic_direction(model: SpuriousModel) -> Float[Array, "2"]:
    """Latent weights (w_inv, w_spu) of the population logistic regression.

    NaN where there is no finite or no unique optimum, or where the classes are so nearly separable that the margin's
    standard deviation at the optimum exceeds `MAX_MARGIN_DEVIATION`.
    """
    variance = model.latent_sigma**2 + model.image_noise_variance

    def matrix_of(objective: _Objective) -> Float[Array, "2 2"]:
        # Near separability the risk's logarithm is close to quadratic and the risk itself is not; where the logarithm
        # is convex, its Hessian is the better model, and at the optimum the two Hessians are the same.
        gradient, hessian = objective.gradient, objective.hessian
        of_logarithm = hessian - jnp.outer(gradient, gradient) / objective.risk
        convex = (jnp.linalg.det(of_logarithm) > 0) & (jnp.trace(of_logarithm) > 0)
        return jnp.where(convex, of_logarithm, hessian)

    def shorten(step: Float[Array, "2"], direction: Float[Array, "2"]) -> Float[Array, "2"]:
        # Far from the optimum the Hessian is nearly singular, and a whole step would end where the risk is flat.
        longest = 3.0 * jnp.linalg.norm(direction)
        return step * jnp.minimum(1.0, longest / jnp.maximum(jnp.linalg.norm(step), longest))

    def iterate(state: _State) -> _State:
        candidate = state.direction + state.scale * state.step
        objective = _objective(model, candidate)
        rounding = 16.0 * jnp.finfo(candidate.dtype).eps * (1.0 + jnp.abs(state.log_risk))
        accepted: Bool[Array, ""] = objective.log_risk <= state.log_risk + rounding
        matrix = matrix_of(objective)
        step = -jnp.linalg.solve(matrix, objective.gradient)
        return _State(
            state.iteration + 1,
            jnp.where(accepted, candidate, state.direction),
            jnp.where(accepted, matrix, state.matrix),
            jnp.where(accepted, objective.log_risk, state.log_risk),
            jnp.where(accepted, shorten(step, candidate), state.step),
            jnp.where(accepted, 1.0, state.scale / 2.0),
        )

    def unfinished(state: _State) -> Bool[Array, ""]:
        precision = jnp.sqrt(jnp.finfo(state.direction.dtype).eps) / 10.0
        progress = state.scale * jnp.linalg.norm(state.step) > precision * jnp.linalg.norm(state.direction)
        return (state.iteration < _MAX_ITERATIONS) & progress

    # Each feature's own discriminant, shortened so that it stays finite without any spread.
    start = 2.0 * latent_prompt(model, "class-mean") / (variance + model.latent_mean**2 + 1e-3)
    # A first "step" from 0 to the start, from an infinite risk, is always accepted.
    first = _State(
        jnp.asarray(0),
        jnp.zeros_like(start),
        jnp.eye(2, dtype=start.dtype),
        jnp.full_like(start[0], jnp.inf),
        start,
        jnp.ones_like(start[0]),
    )
    end = jax.lax.stop_gradient(jax.lax.while_loop(unfinished, iterate, first))
    direction = end.direction
    # The matrix is no second time computed and compiled; the gradient is 0 here, so its derivative does not count.
    last_step = -jnp.linalg.solve(end.matrix, _objective(model, direction).gradient)
    direction = direction + last_step

    spread = jnp.sqrt(jnp.sum(direction**2 * variance))
    attribute_uncertain = (model.spurious_ratio < 1.0) & (model.latent_mean[1] > 0)
    precision = jnp.sqrt(jnp.finfo(direction.dtype).eps)
    converged = jnp.linalg.norm(last_step) <= 10.0 * precision * jnp.linalg.norm(direction)
    resolved = (
        converged & (variance[0] > 0) & ((variance[1] > 0) | attribute_uncertain) & (spread <= MAX_MARGIN_DEVIATION)
    )
    return jnp.where(resolved, direction, jnp.nan)
