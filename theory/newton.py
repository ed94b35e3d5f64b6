"""The minimum of a smooth convex function of a few variables, differentiable in the function's parameters."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

# Newton needs about ten steps; every halving of a step counts as one too.
_MAX_ITERATIONS = 100


class Local(NamedTuple):
    """A function's value, gradient and Hessian at one place; the value is infinite outside its domain."""

    value: Float[Array, ""]
    gradient: Float[Array, " n"]
    hessian: Float[Array, "n n"]


class End(NamedTuple):
    """Where a descent ended, and the Hessian there; neither carries a derivative."""

    place: Float[Array, " n"]
    hessian: Float[Array, "n n"]


class _State(NamedTuple):
    iteration: Int[Array, ""]
    place: Float[Array, " n"]
    hessian: Float[Array, "n n"]
    value: Float[Array, ""]
    step: Float[Array, " n"]
    gain: Float[Array, ""]
    scale: Float[Array, ""]


def descend(objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"], share: float = 0.0) -> End:
    """Damped Newton iteration, stopped at rounding.

    Args:
        objective: place, shape (n,), to value, gradient and Hessian.
        start: a place inside the domain, shape (n,).
        share: of the place's length; a tenth of it is a step short enough to stop, if it is above rounding.
    """
    start = jax.lax.stop_gradient(start)
    precision = jnp.maximum(jnp.sqrt(jnp.finfo(start.dtype).eps), share)

    def iterate(state: _State) -> _State:
        candidate = state.place + state.scale * state.step
        local = jax.lax.stop_gradient(objective(candidate))
        rounding = 16.0 * jnp.finfo(candidate.dtype).eps * (1.0 + jnp.abs(local.value))
        accepted: Bool[Array, ""] = local.value <= state.value + rounding
        step = -jnp.linalg.solve(local.hessian, local.gradient)
        return _State(
            state.iteration + 1,
            jnp.where(accepted, candidate, state.place),
            jnp.where(accepted, local.hessian, state.hessian),
            jnp.where(accepted, local.value, state.value),
            jnp.where(accepted, step, state.step),
            jnp.where(accepted, -jnp.sum(step * local.gradient), state.gain),
            jnp.where(accepted, 1.0, state.scale / 2.0),
        )

    def unfinished(state: _State) -> Bool[Array, ""]:
        size = jnp.linalg.norm(state.place) + precision
        progress = state.scale * jnp.linalg.norm(state.step) > 0.1 * precision * size
        # A minimum at infinity: long steps that gain nothing.
        visible = state.gain > jnp.finfo(start.dtype).eps * jnp.abs(state.value)
        return (state.iteration < _MAX_ITERATIONS) & ((progress & visible) | (state.iteration == 0))

    # A first step of length 0, from an infinite value, is always accepted: the objective is compiled once.
    infinite = jnp.full_like(start[0], jnp.inf)
    size, flat = start.shape[0], jnp.zeros_like(start)
    first = _State(
        jnp.asarray(0), start, jnp.eye(size, dtype=start.dtype), infinite, flat, infinite, jnp.ones_like(start[0])
    )
    last = jax.lax.while_loop(unfinished, iterate, first)
    return jax.lax.stop_gradient(End(last.place, last.hessian))


def polish(gradient: Float[Array, " n"], end: End) -> Float[Array, " n"]:
    """One more step, which carries the derivative in whatever the gradient closes over.

    It is infinite where the step is not short, or the objective is flat along some direction.

    Args:
        gradient: the objective's gradient at the end, differentiable; shape (n,).
        end: where `descend` ended. Its Hessian is computed and compiled no second time: the gradient is 0 at the
            minimum, so the Hessian's own derivative does not count.
    """
    rounding = jnp.finfo(end.place.dtype).eps
    inverse = jnp.linalg.inv(end.hessian)
    step = -inverse @ gradient
    short = jnp.linalg.norm(step) <= 10.0 * jnp.sqrt(rounding) * (jnp.linalg.norm(end.place) + jnp.sqrt(rounding))
    # A minimum at infinity: along it both gradient and Hessian are rounding.
    curved = jnp.linalg.norm(inverse) * jnp.linalg.norm(end.hessian) < 1.0 / (64.0 * rounding)
    return jnp.where(short & curved, end.place + step, jnp.inf)


def minimise(objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"]) -> Float[Array, " n"]:
    """The minimum, differentiable in whatever the objective closes over; infinite where none is found.

    Args:
        objective: place, shape (n,), to value, gradient and Hessian.
        start: a place inside the domain, shape (n,).
    """
    end = descend(objective, start)
    return polish(objective(end.place).gradient, end)
