"""A small vision transformer (Dosovitskiy et al. 2021): patches, two pre-norm blocks, mean of the tokens."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders.encoder import DEFAULT_INIT, Initializer, default_dtype, dense
from sims.encoders.linear import Linear

WIDTH, HEADS, BLOCKS = 32, 2, 2
GRID = 4  # patches along each side


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
    """A transformer over a grid of 4 x 4 patches, and a linear map of the tokens' mean.

    Args:
        shape: of an input: height, width, channels; height and width are multiples of 4.
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
