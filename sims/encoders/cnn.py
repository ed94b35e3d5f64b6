"""A small convolutional network: two layers of 3 x 3 filters."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders.encoder import DEFAULT_INIT, Initializer, dense
from sims.encoders.linear import Linear

CHANNELS = (16, 32)
_SIDE = 3  # of a filter


class CNN(nnx.Module):
    """Two 3 x 3 convolutions with GELU, each halving height and width, and a linear map of all that is left.

    Args:
        shape: of an input: height, width, channels.
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
        height, width, channels = self.shape = shape
        self.first = dense(_SIDE * _SIDE * channels, CHANNELS[0], rngs)
        self.second = dense(_SIDE * _SIDE * CHANNELS[0], CHANNELS[1], rngs)
        left = math.ceil(height / 4), math.ceil(width / 4), CHANNELS[1]
        self.head = Linear(left, embed_dim, rngs=rngs, head_init=head_init)

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        images = inputs.reshape(-1, *self.shape)
        features = jax.nn.gelu(self.first(_neighbourhoods(images)))
        features = jax.nn.gelu(self.second(_neighbourhoods(features)))
        return self.head(features.reshape(len(inputs), -1))


def _neighbourhoods(images: Float[Array, "size height width channels"]) -> Float[Array, "size rows columns inputs"]:
    """The 3 x 3 pixels around every second pixel of every second row, zeros beyond the edge.

    A linear layer of these is a convolution. Under `vmap` over runs a convolution with its own filters for each run is
    a grouped one, which XLA does 2 to 17 times slower on a CPU than this product of matrices.
    """
    height, width = images.shape[1:3]
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [
        padded[:, row : row + height : 2, column : column + width : 2] for row in range(3) for column in range(3)
    ]
    return jnp.concatenate(shifted, axis=-1)
