"""Where a function of one variable changes its sign: by bisection, or, if it is dear, by false position."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from theory.model import Scalar


def bisect(
    excess: Callable[[Float[Array, ""]], Float[Array, ""]], low: Scalar, high: Scalar, halvings: int
) -> Float[Array, ""]:
    """The place between two where a function turns from positive to negative; it carries no derivative.

    Args:
        excess: the function.
        low: the lower end.
        high: the upper end; returned, but for the last half, where the function stays positive.
        halvings: of the interval; 54 reach double precision.

    Returns:
        NaN if the function is not a number at one of the places that are tried.
    """

    def halve(_: Int[Array, ""], ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        found = excess(middle)
        # So that the ends stay not a number.
        middle = jnp.where(jnp.isnan(found), jnp.nan, middle)
        return jnp.where(found > 0, middle, low), jnp.where(found > 0, high, middle)

    ends = jax.lax.fori_loop(0, halvings, halve, (jnp.asarray(low, float), jnp.asarray(high, float)))
    return 0.5 * (ends[0] + ends[1])


class _Bracket(NamedTuple):
    iteration: Int[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]
    at_low: Float[Array, ""]
    at_high: Float[Array, ""]
    last: Float[Array, ""]


# It stops where a step no longer moves the place, after about ten of them.
_MAX_STEPS = 60


def false_position(
    function: Callable[[Float[Array, ""]], Float[Array, ""]], low: Scalar, high: Scalar
) -> Float[Array, ""]:
    """The place between two where a smooth function is 0, from few evaluations; it carries no derivative.

    False position with the Illinois rule: an end that stays twice counts half.

    Args:
        function: of the place.
        low: the lower end.
        high: the upper end.

    Returns:
        NaN if the function has the same sign at both ends, or is not a number at a place that is tried.
    """
    low, high = jnp.asarray(low, float), jnp.asarray(high, float)
    precision = jnp.sqrt(jnp.finfo(low.dtype).eps)

    def step(state: _Bracket) -> _Bracket:
        # The two ends come first, so that the function is compiled once.
        between = state.high - state.at_high * (state.high - state.low) / (state.at_high - state.at_low)
        place = jnp.where(state.iteration == 0, low, jnp.where(state.iteration == 1, high, between))
        found = function(place)
        turns = (jnp.sign(found) != jnp.sign(state.at_high)) | (state.iteration == 1)
        kept = jnp.where(turns, state.high, state.low)
        at_kept = jnp.where(turns, state.at_high, 0.5 * state.at_low)
        return _Bracket(state.iteration + 1, kept, place, at_kept, found, state.high)

    def unfinished(state: _Bracket) -> Bool[Array, ""]:
        opposite = jnp.sign(state.at_low) * jnp.sign(state.at_high) < 0
        moving = jnp.abs(state.high - state.last) > 0.1 * precision
        return (state.iteration < 2) | ((state.iteration < _MAX_STEPS) & opposite & moving)

    zero = jnp.zeros_like(low)
    found = jax.lax.while_loop(unfinished, step, _Bracket(jnp.asarray(0), zero, zero, zero, zero, zero))
    return jnp.where(jnp.sign(found.at_low) * jnp.sign(found.at_high) <= 0, found.high, jnp.nan)
