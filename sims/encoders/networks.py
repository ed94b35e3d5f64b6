"""Nonlinear encoders: a multilayer perceptron, a small convolutional network and a small vision transformer."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders.encoder import DEFAULT_INIT, Initializer, Linear, default_dtype, dense

HIDDEN = 64  # width of the MLP's hidden layers
CHANNELS = (16, 32)  # of the two convolutions
_SIDE = 3  # side of a filter
WIDTH, HEADS, BLOCKS = 32, 2, 2  # of the vision transformer
GRID = 4  # patches along each side


class MLP(nnx.Module):
    """Two hidden layers with GELU, and a linear map.

    Arguments as in `sims.encoders.encoder.Encoder`.
    """

    def __init__(
        self, shape: tuple[int, ...], embed_dim: int, *, rngs: nnx.Rngs, head_init: Initializer = DEFAULT_INIT
    ):
        self.first = dense(math.prod(shape), HIDDEN, rngs)
        self.second = dense(HIDDEN, HIDDEN, rngs)
        self.head = Linear((HIDDEN,), embed_dim, rngs=rngs, head_init=head_init)

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        return self.head(jax.nn.gelu(self.second(jax.nn.gelu(self.first(inputs)))))


class CNN(nnx.Module):
    """Two 3 x 3 convolutions with GELU, each halving height and width, and a linear map of all that is left.

    Arguments as in `sims.encoders.encoder.Encoder`.
    """

    def __init__(
        self, shape: tuple[int, ...], embed_dim: int, *, rngs: nnx.Rngs, head_init: Initializer = DEFAULT_INIT
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


class _Block(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        dtype = default_dtype()
        self.norms = nnx.List([nnx.LayerNorm(WIDTH, param_dtype=dtype, rngs=rngs) for _ in range(2)])
        self.attention = nnx.MultiHeadAttention(HEADS, WIDTH, decode=False, param_dtype=dtype, rngs=rngs)
        self.hidden, self.out = dense(WIDTH, 4 * WIDTH, rngs), dense(4 * WIDTH, WIDTH, rngs)

    def __call__(self, tokens: Float[Array, "size tokens width"]) -> Float[Array, "size tokens width"]:
        tokens = tokens + self.attention(self.norms[0](tokens))
        return tokens + self.out(jax.nn.gelu(self.hidden(self.norms[1](tokens))))


class ViT(nnx.Module):
    """A vision transformer (Dosovitskiy et al. 2021): 4 x 4 patches, two pre-norm blocks, a map of the tokens' mean.

    Height and width are multiples of 4. Arguments as in `sims.encoders.encoder.Encoder`.
    """

    def __init__(
        self, shape: tuple[int, ...], embed_dim: int, *, rngs: nnx.Rngs, head_init: Initializer = DEFAULT_INIT
    ):
        height, width, channels = self.shape = shape
        dtype = default_dtype()
        self.patches = dense(height // GRID * (width // GRID) * channels, WIDTH, rngs)
        positions = nnx.initializers.normal(0.02)(rngs.params(), (GRID * GRID, WIDTH), dtype)
        self.positions = nnx.Param(positions)
        self.blocks = nnx.List([_Block(rngs) for _ in range(BLOCKS)])
        self.norm = nnx.LayerNorm(WIDTH, param_dtype=dtype, rngs=rngs)
        self.head = Linear((WIDTH,), embed_dim, rngs=rngs, head_init=head_init)

    def __call__(self, inputs: Float[Array, "size dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of inputs."""
        height, width, channels = self.shape
        cut = inputs.reshape(-1, GRID, height // GRID, GRID, width // GRID, channels)
        cut = cut.transpose(0, 1, 3, 2, 4, 5).reshape(len(inputs), GRID * GRID, -1)
        tokens = self.patches(cut) + self.positions[...][None]
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(jnp.mean(self.norm(tokens), axis=1))
