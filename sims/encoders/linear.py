"""The linear encoder of the theory, g(x) = W x, and the last layer of the others."""

import math

import jax
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders.encoder import DEFAULT_INIT, Initializer, default_dtype


class Linear(nnx.Module):
    """A linear map without bias.

    Args:
        shape: of an input; its product is the dimension.
        embed_dim: width of the embedding.
        head_init: initialiser of the kernel.
        rngs: source of the initial weights.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        embed_dim: int,
        *,
        rngs: nnx.Rngs,
        head_init: Initializer = DEFAULT_INIT,
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
