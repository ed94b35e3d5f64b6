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


class _State(NamedTuple):
    iteration: Int[Array, ""]
    place: Float[Array, " n"]
    value: Float[Array, ""]
    step: Float[Array, " n"]
    gain: Float[Array, ""]
    scale: Float[Array, ""]
    hessian: Float[Array, "n n"]


def descend(objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"]) -> Float[Array, " n"]:
    """Damped Newton iteration from a place inside the domain, stopped at rounding; it carries no derivative."""
    return descend_with_hessian(objective, start)[0]


def descend_with_hessian(
    objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"], share: float = 0.0
) -> tuple[Float[Array, " n"], Float[Array, "n n"]]:
    """The same, with the Hessian at the end.

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
            jnp.where(accepted, local.value, state.value),
            jnp.where(accepted, step, state.step),
            jnp.where(accepted, -jnp.sum(step * local.gradient), state.gain),
            jnp.where(accepted, 1.0, state.scale / 2.0),
            jnp.where(accepted, local.hessian, state.hessian),
        )

    def unfinished(state: _State) -> Bool[Array, ""]:
        size = jnp.linalg.norm(state.place) + precision
        progress = state.scale * jnp.linalg.norm(state.step) > 0.1 * precision * size
        # A minimum at infinity: long steps that gain nothing.
        visible = state.gain > jnp.finfo(start.dtype).eps * jnp.abs(state.value)
        return (state.iteration < _MAX_ITERATIONS) & ((progress & visible) | (state.iteration == 0))

    # A first step of length 0, from an infinite value, is always accepted: the objective is compiled once.
    infinite = jnp.full_like(start[0], jnp.inf)
    flat = jnp.zeros((len(start), len(start)), start.dtype)
    first = _State(jnp.asarray(0), start, infinite, jnp.zeros_like(start), infinite, jnp.ones_like(start[0]), flat)
    last = jax.lax.while_loop(unfinished, iterate, first)
    return jax.lax.stop_gradient((last.place, last.hessian))


def polish(local: Local, place: Float[Array, " n"]) -> Float[Array, " n"]:
    """One more step, which carries the derivative in whatever the objective closes over; infinite if it is not short.

    Args:
        local: the objective at `place`, differentiable.
        place: where `descend` ended, shape (n,).
    """
    precision = jnp.sqrt(jnp.finfo(place.dtype).eps)
    # The gradient is 0 at the minimum, so the Hessian's own derivative does not count.
    step = -jnp.linalg.solve(jax.lax.stop_gradient(local.hessian), local.gradient)
    short = jnp.linalg.norm(step) <= 10.0 * precision * (jnp.linalg.norm(place) + precision)
    return jnp.where(short, place + step, jnp.inf)


def minimise(objective: Callable[[Float[Array, " n"]], Local], start: Float[Array, " n"]) -> Float[Array, " n"]:
    """The minimum, differentiable in whatever the objective closes over; infinite where none is found.

    Args:
        objective: place, shape (n,), to value, gradient and Hessian.
        start: a place inside the domain, shape (n,).
    """
    place = descend(objective, start)
    return polish(objective(place), place)
