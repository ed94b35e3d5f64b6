"""What an encoder is: a network from a row of numbers to an embedding."""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

Initializer = Callable[..., Array]
DEFAULT_INIT = nnx.initializers.lecun_normal()


@runtime_checkable
class Encoder(Protocol):
    """An encoder; made with the shape of an input, the width of the embedding, the initialiser of the last layer, rngs.

    An input is an image of shape (height, width, channels) that comes flattened, row by row; linear encoders and MLPs
    do not care.
    """

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        ...


def default_dtype() -> jnp.dtype:
    """The session's precision: single, or double where JAX is set to it."""
    return jnp.dtype(jnp.result_type(float))


def dense(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    """A hidden layer, with a bias."""
    return nnx.Linear(inputs, outputs, param_dtype=default_dtype(), rngs=rngs)


def square(dim: int) -> tuple[int, int, int]:
    """The shape of a one-channel square image of `dim` pixels.

    Raises:
        ValueError: there is none.
    """
    side = math.isqrt(dim)
    if side * side != dim:
        raise ValueError(f"{dim} is no square")
    return side, side, 1
