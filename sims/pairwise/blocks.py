"""Sums over all pairs of a batch, in blocks of rows: memory grows with batch x block, not with the batch squared.

A pass computes the logits of one block of rows with all columns, uses them, and forgets them. The backward pass
computes them again, so that a gradient costs four matrix products where a dense loss takes three, and saves the traffic
of a matrix that does not fit in any cache. Both passes give the dense loss's value and gradient up to the order of
summation.

A small batch has all logits at once, in `dense_logsumexps`.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

BLOCK = 512  # rows in a block


def is_large(batch_size: int) -> bool:
    """Whether a batch is computed in blocks: it has at least two."""
    return batch_size >= 2 * BLOCK


def _over_blocks(
    step: Callable[[Any, tuple[Any, ...]], tuple[Any, Any]], carry: Any, parts: tuple[Array, ...], block: int
) -> tuple[Any, Any]:
    """`jax.lax.scan` of `step` over blocks of rows of the parts, and over the rest; what it returns is put together."""
    rows = parts[0].shape[0]
    whole = rows - rows % block
    cut = tuple(part[:whole].reshape(-1, block, *part.shape[1:]) for part in parts)
    carry, stacked = jax.lax.scan(step, carry, cut)
    stacked = jax.tree.map(lambda part: part.reshape(-1, *part.shape[2:]), stacked)
    if whole == rows:
        return carry, stacked
    carry, last = step(carry, tuple(part[whole:] for part in parts))
    return carry, jax.tree.map(lambda *both: jnp.concatenate(both), stacked, last)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def logsumexps(
    images: Float[Array, "size embed"], texts: Float[Array, "others embed"], block: int
) -> tuple[Float[Array, " size"], Float[Array, " others"]]:
    """`pairwise.both_logsumexps` in blocks of that many rows; a last one may be shorter."""
    return _both_ways(images, texts, block)


def _both_ways(
    images: Float[Array, "size embed"], texts: Float[Array, "others embed"], block: int
) -> tuple[Float[Array, " size"], Float[Array, " others"]]:
    def step(carry: tuple[Array, Array], part: tuple[Array]) -> tuple[tuple[Array, Array], Array]:
        largest, total = carry
        logits = part[0] @ texts.T
        higher = jnp.maximum(largest, jnp.max(logits, axis=0))
        total = total * jnp.exp(largest - higher) + jnp.sum(jnp.exp(logits - higher[None, :]), axis=0)
        return (higher, total), jax.nn.logsumexp(logits, axis=1)

    start = jnp.full_like(texts[:, 0], -jnp.inf), jnp.zeros_like(texts[:, 0])
    (largest, total), rows = _over_blocks(step, start, (images,), block)
    return rows, largest + jnp.log(total)


def _forward(images: Array, texts: Array, block: int) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
    rows, columns = _both_ways(images, texts, block)
    return (rows, columns), (images, texts, rows, columns)


def logsumexps_gradient(block: int, saved: tuple[Array, ...], given: tuple[Array, Array]) -> tuple[Array, Array]:
    """The gradients of images and texts, from (images, texts, rows, columns) and the gradients of the latter two."""
    images, texts, rows, columns = saved
    of_rows, of_columns = given

    def step(of_texts: Array, part: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        images, rows, of_rows = part
        logits = images @ texts.T
        slope = of_rows[:, None] * jnp.exp(logits - rows[:, None])
        slope = slope + of_columns[None, :] * jnp.exp(logits - columns[None, :])
        return of_texts + slope.T @ images, slope @ texts

    of_texts, of_images = _over_blocks(step, jnp.zeros_like(texts), (images, rows, of_rows), block)
    return of_images, of_texts


logsumexps.defvjp(_forward, logsumexps_gradient)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def softplus_sum(
    images: Float[Array, "size embed"], texts: Float[Array, "others embed"], bias: Float[Array, ""], block: int
) -> Float[Array, ""]:
    """`pairwise.softplus_sum` in blocks of that many rows; a last one may be shorter."""

    def step(total: Array, part: tuple[Array]) -> tuple[Array, None]:
        # Row by row first, so that a sum of n^2 numbers keeps its precision.
        return total + jnp.sum(jnp.sum(jax.nn.softplus(part[0] @ texts.T + bias), axis=1)), None

    return _over_blocks(step, jnp.zeros_like(bias), (images,), block)[0]


def _softplus_forward(images: Array, texts: Array, bias: Array, block: int) -> tuple[Array, tuple[Array, ...]]:
    return softplus_sum(images, texts, bias, block), (images, texts, bias)


def softplus_gradient(block: int, saved: tuple[Array, ...], given: Array) -> tuple[Array, Array, Array]:
    """The gradients of images, texts and bias, from these and the gradient of the sum."""
    images, texts, bias = saved

    def step(carry: tuple[Array, Array], part: tuple[Array]) -> tuple[tuple[Array, Array], Array]:
        of_texts, of_bias = carry
        slope = given * jax.nn.sigmoid(part[0] @ texts.T + bias)
        return (of_texts + slope.T @ part[0], of_bias + jnp.sum(jnp.sum(slope, axis=1))), slope @ texts

    start = jnp.zeros_like(texts), jnp.zeros_like(bias)
    (of_texts, of_bias), of_images = _over_blocks(step, start, (images,), block)
    return of_images, of_texts, of_bias


softplus_sum.defvjp(_softplus_forward, softplus_gradient)


@jax.custom_vjp
def dense_logsumexps(
    images: Float[Array, "size embed"], texts: Float[Array, "others embed"]
) -> tuple[Float[Array, " size"], Float[Array, " others"]]:
    """`pairwise.both_logsumexps` with all logits at once; the backward pass reuses the forward pass's exponentials."""
    return _dense_forward(images, texts)[0]


def _dense_forward(images: Array, texts: Array) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
    logits = images @ texts.T
    highest = jnp.max(logits, axis=1), jnp.max(logits, axis=0)
    by_row, by_column = jnp.exp(logits - highest[0][:, None]), jnp.exp(logits - highest[1][None, :])
    totals = jnp.sum(by_row, axis=1), jnp.sum(by_column, axis=0)
    values = highest[0] + jnp.log(totals[0]), highest[1] + jnp.log(totals[1])
    return values, (images, texts, by_row, by_column, *totals)


def _dense_backward(saved: tuple[Array, ...], given: tuple[Array, Array]) -> tuple[Array, Array]:
    images, texts, by_row, by_column, of_row, of_column = saved
    slope = by_row * (given[0] / of_row)[:, None] + by_column * (given[1] / of_column)[None, :]
    # XLA would turn this product into slope^T images, which takes its CPU kernel three times as long.
    turned = jax.lax.optimization_barrier(images.T) @ slope
    return slope @ texts, jax.lax.optimization_barrier(turned).T


dense_logsumexps.defvjp(_dense_forward, _dense_backward)
