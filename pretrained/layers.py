"""Weights and layers as flax makes them, or their shapes alone: all that reading a checkpoint needs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array


class Shapes(nnx.Rngs):
    """In place of a source of initial weights: a model made from it has shapes for weights.

    Nothing is drawn, nor traced, which takes longer than anything else that a model is made of.
    """

    def params(self) -> None:
        """There is no key."""


def weight(rngs: nnx.Rngs, initial: Callable[..., Array], *shape: int) -> Array | jax.ShapeDtypeStruct:
    """The initial value of a weight in single precision, or its shape."""
    return (_shape if isinstance(rngs, Shapes) else initial)(rngs.params(), shape, jnp.float32)


def linear(before: int, after: int, rngs: nnx.Rngs, **options: Any) -> nnx.Linear:
    """A linear map; options of `nnx.Linear`."""
    return nnx.Linear(before, after, rngs=rngs, **(options | _initial(rngs, "kernel", "bias")))


def convolution(before: int, after: int, side: int, rngs: nnx.Rngs, **options: Any) -> nnx.Conv:
    """A convolution with square filters; options of `nnx.Conv`."""
    return nnx.Conv(before, after, (side, side), rngs=rngs, **(options | _initial(rngs, "kernel", "bias")))


def layer_norm(width: int, epsilon: float, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """A layer norm that adds `epsilon` to variances."""
    return nnx.LayerNorm(width, epsilon=epsilon, rngs=rngs, **_initial(rngs, "scale", "bias"))


def _initial(rngs: nnx.Rngs, *names: str) -> dict[str, Any]:
    return {f"{name}_init": _shape for name in names} if isinstance(rngs, Shapes) else {}


def _shape(key: None, shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)
