"""Where a function of one variable changes its sign, by bisection."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

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
