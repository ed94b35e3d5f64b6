"""The interface of encoders, networks from a row of numbers to an embedding; and the linear encoder of the theory."""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

Initializer = Callable[..., Array]
DEFAULT_INIT = nnx.initializers.lecun_normal()


@runtime_checkable
class Encoder(Protocol):
    """An encoder, made by `(shape, embed_dim, *, rngs, head_init=DEFAULT_INIT)`.

    Args:
        shape: shape of an input, such as (height, width, channels); inputs come flattened, row by row.
        embed_dim: width of the embedding.
        rngs: source of the initial weights.
        head_init: initialiser of the last layer's kernel.
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


class Linear(nnx.Module):
    """A linear map without bias; also the last layer of the other encoders. Arguments as in `Encoder`."""

    def __init__(
        self, shape: tuple[int, ...], embed_dim: int, *, rngs: nnx.Rngs, head_init: Initializer = DEFAULT_INIT
    ):
        self.kernel = nnx.Param(head_init(rngs.params(), (math.prod(shape), embed_dim), default_dtype()))

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        return _product(inputs, self.kernel[...])


@jax.custom_vjp
def _product(inputs: Float[Array, "size dim"], kernel: Float[Array, "dim width"]) -> Float[Array, "size width"]:
    """Inputs kernel, with a backward pass in the layout that XLA's CPU kernels are fast in."""
    return inputs @ kernel


def _forward(inputs: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return inputs @ kernel, (inputs, kernel)


def _backward(saved: tuple[Array, Array], given: Array) -> tuple[Array, Array]:
    inputs, kernel = saved
    # The barriers keep XLA from turning this product into inputs^T given, which takes half as long again.
    turned = jax.lax.optimization_barrier(given.T) @ inputs
    return given @ kernel.T, jax.lax.optimization_barrier(turned).T


_product.defvjp(_forward, _backward)
