"""E log of a sum of independent positive terms, as a one-dimensional integral, with derivatives."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.newton import Local

# The integral's nodes, how many are taken at once, and the shortest step between them. The integrand is analytic for
# |Im y| < pi / 2: a step of 0.3 leaves an error of exp(-2 pi (pi / 2) / 0.3), 5e-15; one of 0.4, for logarithms over a
# range of 160, 2e-11.
_PLACES, _CHUNK, _SHORTEST = 512, 32, 0.3
# exp(-e^y) is 0 to rounding at the first; 1 to rounding at minus the second, counted from the largest term.
_ABOVE, _BELOW = 3.7, 34.0
# Nodes of a smaller weight do not decide how far the integral reaches.
_NEGLIGIBLE = 1e-18


class Terms(NamedTuple):
    """log R at the nodes of a quadrature, with its derivatives in n parameters, and the weights, which sum to 1."""

    weights: Float[Array, " nodes"]
    value: Float[Array, " nodes"]
    gradient: Float[Array, "nodes n"]
    hessian: Float[Array, "nodes n n"]


def expected_log_sum(own: Terms, other: Terms, others: Float[Array, ""]) -> Local:
    """E log (R_0 + R_1 + ... + R_k), all independent, with its derivatives in the parameters.

    It is the integral over y of exp(-e^y) - E exp(-e^y R_0) [E exp(-e^y R_1)]^k: for a fixed sum S the integral of
    exp(-e^y) - exp(-e^y S) is log S. Source: derived here, docs/theory/softmax.md.

    Args:
        own: log R_0.
        other: log R_1, of which there are k like it.
        others: k, at least 0.
    """
    values, weights = (jnp.concatenate([getattr(own, name), getattr(other, name)]) for name in ("value", "weights"))
    values = jax.lax.stop_gradient(jnp.clip(values, -1e3, 1e3))
    seen = weights > _NEGLIGIBLE
    low = -jnp.max(jnp.where(seen, values, -jnp.inf)) - _BELOW
    high = _ABOVE - jnp.minimum(jnp.min(jnp.where(seen, values, jnp.inf)), 0.0)
    step = jnp.maximum((high - low) / (_PLACES - 1), _SHORTEST)
    places = (low + step * jnp.arange(_PLACES)).reshape(-1, _CHUNK)
    by_terms = (_factors(own), _factors(other))

    def add(total: Local, chunk: Float[Array, " chunk"]) -> Local:
        (first, d_first, dd_first), (base, d_base, dd_base) = (
            _transform(terms, factors, chunk) for terms, factors in zip((own, other), by_terms, strict=True)
        )
        base = jnp.maximum(base, jnp.finfo(base.dtype).tiny)
        power = jnp.exp(others * jnp.log(base))
        d_log = d_base / base[:, None]
        d_power = others * power[:, None] * d_log
        curved = dd_base / base[:, None, None] + (others - 1.0) * d_log[:, :, None] * d_log[:, None, :]
        dd_power = others * power[:, None, None] * curved
        mixed = d_first[:, :, None] * d_power[:, None, :]
        value = jnp.sum(jnp.exp(-jnp.exp(chunk)) - first * power)
        gradient = jnp.sum(d_first * power[:, None] + first[:, None] * d_power, axis=0)
        hessian = dd_first * power[:, None, None] + mixed + jnp.swapaxes(mixed, 1, 2)
        hessian = jnp.sum(hessian + first[:, None, None] * dd_power, axis=0)
        return Local(total.value + value, total.gradient - gradient, total.hessian - hessian)

    def add_within(total: Local, chunk: Float[Array, " chunk"]) -> tuple[Local, None]:
        # Beyond the end all is 0 to rounding.
        return jax.lax.cond(chunk[0] <= high, add, lambda total, _: total, total, chunk), None

    size = own.gradient.shape[1]
    nothing = Local(jnp.zeros_like(step), jnp.zeros(size, step.dtype), jnp.zeros((size, size), step.dtype))
    summed, _ = jax.lax.scan(add_within, nothing, places)
    return Local(step * summed.value, step * summed.gradient, step * summed.hessian)


def _factors(terms: Terms) -> tuple[Float[Array, "nodes squares"], Float[Array, "nodes squares"]]:
    """Of each node the gradient's products with itself, and these with the Hessian added."""
    squares = terms.gradient[:, :, None] * terms.gradient[:, None, :]
    count = terms.gradient.shape[1] ** 2
    return squares.reshape(-1, count), (squares + terms.hessian).reshape(-1, count)


def _transform(
    terms: Terms,
    factors: tuple[Float[Array, "nodes squares"], Float[Array, "nodes squares"]],
    places: Float[Array, " c"],
) -> tuple[Float[Array, " c"], Float[Array, "c n"], Float[Array, "c n n"]]:
    """E exp(-e^y R) at each y, with its derivatives in the parameters."""
    # Beyond e^80 the exponential is 0 and its product with any power of the argument too.
    arguments = jnp.exp(jnp.minimum(places[:, None] + terms.value[None, :], 80.0))
    density = terms.weights[None, :] * jnp.exp(-arguments)
    first = arguments * density
    second = arguments * first
    curvature = second @ factors[0] - first @ factors[1]
    size = terms.gradient.shape[1]
    return jnp.sum(density, axis=1), -first @ terms.gradient, curvature.reshape(-1, size, size)
