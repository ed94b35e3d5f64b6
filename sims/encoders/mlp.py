"""A multilayer perceptron: two hidden layers."""

import math

import jax
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders.encoder import DEFAULT_INIT, Initializer, dense
from sims.encoders.linear import Linear

HIDDEN = 64  # width of a hidden layer


class MLP(nnx.Module):
    """Two hidden layers with GELU, and a linear map.

    Args:
        shape: of an input; its product is the dimension.
        embed_dim: width of the embedding.
        head_init: initialiser of the last layer's kernel.
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
        self.first = dense(math.prod(shape), HIDDEN, rngs)
        self.second = dense(HIDDEN, HIDDEN, rngs)
        self.head = Linear((HIDDEN,), embed_dim, rngs=rngs, head_init=head_init)

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        return self.head(jax.nn.gelu(self.second(jax.nn.gelu(self.first(inputs)))))
