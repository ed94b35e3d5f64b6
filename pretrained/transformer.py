"""The parts of CLIP's and SigLIP's towers.

Normalised images, patches, positions, attention, pre-norm blocks (in one compiled loop, however many there are), the
text tower, and embeddings of unit length.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt8

from pretrained.blocks import stack_blocks
from pretrained.config import TextConfig, TransformerConfig
from pretrained.layers import layer_norm, linear, weight
from pretrained.preprocessing import Preprocessing


def attention(
    query: Float[Array, "size read heads depth"],
    key: Float[Array, "size length heads depth"],
    value: Float[Array, "size length heads depth"],
    seen: Bool[Array, "#size 1 read length"] | None = None,
) -> Float[Array, "size read heads depth"]:
    """Scaled dot-product attention (Vaswani et al. 2017, Eq. 1), softmax in single precision at least.

    It equals `jax.nn.dot_product_attention` and is twice as fast on a CPU: the axis of heads comes before tokens in
    both products, and the division by the softmax's sum comes after the second product, where there is less to divide.

    Args:
        query: queries of the tokens whose output is computed.
        key: keys of all tokens.
        value: values of all tokens.
        seen: which tokens each token attends to; None for all.
    """
    query, key, value = (each.transpose(0, 2, 1, 3) for each in (query, key, value))
    scores = jnp.matmul(query * query.shape[-1] ** -0.5, key.swapaxes(-1, -2))
    scores = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    if seen is not None:
        scores = jnp.where(seen, scores, -jnp.inf)
    weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1, keepdims=True)
    found = jnp.matmul(weights.astype(value.dtype), value) / total.astype(value.dtype)
    return found.transpose(0, 2, 1, 3)


def prepare(photos: UInt8[Array, "size side side 3"], preprocessing: Preprocessing) -> Float[Array, "size side side 3"]:
    """Normalise photos: channels from 0 to 1, minus the mean, over the deviation, in single precision."""
    mean, deviation = (jnp.asarray(part, jnp.float32) for part in (preprocessing.mean, preprocessing.deviation))
    return (photos.astype(jnp.float32) / 255.0 - mean[None, None, None]) / deviation[None, None, None]


def cut(images: Float[Array, "size side side 3"], patch: int) -> Float[Array, "size patches values"]:
    """The patches of images, row by row; a rest that fills no patch is left out, as in a convolution."""
    size, side, _, channels = images.shape
    grid = side // patch
    whole = images[:, : grid * patch, : grid * patch]
    parts = whole.reshape(size, grid, patch, grid, patch, channels).transpose(0, 1, 3, 2, 4, 5)
    return parts.reshape(size, grid * grid, -1)


def resize(
    positions: Shaped[np.ndarray, "positions width"], own: int, wanted: int
) -> Shaped[np.ndarray, "resized width"]:
    """Resize the positions of a grid, bicubically with antialiasing as in OpenCLIP; a class token keeps its position.

    Args:
        positions: positions of the class token, if there is one, and of the patches row by row.
        own: patches along a side now.
        wanted: patches along a side after that.
    """
    before, patches = np.split(positions, [len(positions) - own**2])
    grid = patches.astype(np.float32).reshape(own, own, -1)
    resized = np.asarray(jax.image.resize(grid, (wanted, wanted, grid.shape[-1]), "cubic", antialias=True))
    return np.concatenate([before, resized.reshape(wanted**2, -1).astype(positions.dtype)])


def unit_length(embeddings: Float[Array, "size embed_dim"]) -> Float[Array, "size embed_dim"]:
    """Embeddings divided by their lengths, in single precision at least."""
    embeddings = embeddings.astype(jnp.promote_types(embeddings.dtype, jnp.float32))
    return embeddings / jnp.linalg.norm(embeddings, axis=1, keepdims=True)


class TextTower(nnx.Module):
    """A transformer on tokens; the token that the pooling selects, normed and projected, is the embedding."""

    def __init__(self, config: TextConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.transformer.width
        self.pooling, self.end_token, self.causal = config.pooling, config.end_token, config.causal
        self.tokens = normal(rngs, (config.vocabulary, width), 0.02)
        self.positions = normal(rngs, (config.context, width), 0.01)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.projection = (
            linear(width, embed_dim, rngs) if config.projection_bias else projection(width, embed_dim, rngs)
        )

    def __call__(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings before they are divided by their lengths."""
        tokens = self.tokens[...][texts] + self.positions[...][None, : texts.shape[1]]
        tokens = self.transformer(tokens, causal=self.causal, at=self._places(texts))
        return self.projection(self.norm_after(tokens[:, 0]))

    def _places(self, texts: Int[Array, "size length"]) -> Int[Array, " size"]:
        if self.pooling == "last":
            return jnp.full(texts.shape[0], texts.shape[1] - 1)
        return jnp.argmax(texts if self.pooling == "argmax" else texts == self.end_token, axis=1)


def quick_gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The sigmoid approximation of GELU, x sigmoid(1.702 x), as in the training of OpenAI's CLIPs."""
    return x * jax.nn.sigmoid(1.702 * x)


ACTIVATION_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "quick_gelu": quick_gelu,
    "gelu_pytorch_tanh": lambda x: jax.nn.gelu(x, approximate=True),
}


class Block(nnx.Module):
    """One block: attention and a hidden layer, each with a layer norm before it and a residual connection."""

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.heads, self.activation = config.heads, config.activation
        self.attention_norm = norm(config, rngs)
        self.query, self.key, self.value, self.out = (linear(config.width, config.width, rngs) for _ in range(4))
        self.hidden_norm = norm(config, rngs)
        self.hidden = linear(config.width, config.hidden, rngs)
        self.hidden_out = linear(config.hidden, config.width, rngs)

    def __call__(
        self, tokens: Float[Array, "size length width"], causal: bool, at: Int[Array, " size"] | None = None
    ) -> Float[Array, "size read width"]:
        """The tokens after the block, or only the token at a place; causal attention excludes later tokens."""
        normed = self.attention_norm(tokens)
        key, value = (self._split(layer(normed)) for layer in (self.key, self.value))
        length = jnp.arange(tokens.shape[1])
        places = jnp.broadcast_to(length, tokens.shape[:2]) if at is None else at[:, None]
        if at is not None:
            tokens, normed = (jnp.take_along_axis(each, places[..., None], axis=1) for each in (tokens, normed))
        seen = places[:, None, :, None] >= length[None, None, None, :] if causal else None
        found = attention(self._split(self.query(normed)), key, value, seen)
        tokens = tokens + self.out(found.reshape(tokens.shape))
        hidden = ACTIVATION_FUNCTIONS[self.activation](self.hidden(self.hidden_norm(tokens)))
        return tokens + self.hidden_out(hidden)

    def _split(self, vectors: Float[Array, "size length width"]) -> Float[Array, "size length heads _"]:
        return vectors.reshape(*vectors.shape[:2], self.heads, -1)


class Transformer(nnx.Module):
    """A sequence of blocks; their weights are stacked, with a leading axis for the layers.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.layers = config.layers
        self.blocks = stack_blocks(lambda rngs: Block(config, rngs), config.layers, rngs)

    def __call__(
        self,
        tokens: Float[Array, "size length width"],
        causal: bool = False,
        at: Int[Array, " size"] | None = None,
    ) -> Float[Array, "size read width"]:
        """The tokens after all blocks, or only the token at a place; the last block then computes no other token."""
        graph, weights = nnx.split(self.blocks)

        def block(layer: Array | int) -> Block:
            return nnx.merge(graph, jax.tree.map(lambda stacked: stacked[layer], weights))

        def step(tokens: Array, layer: Array) -> tuple[Array, None]:
            return block(layer)(tokens, causal), None

        layers = self.layers if at is None else self.layers - 1
        tokens = jax.lax.scan(step, tokens, jnp.arange(layers))[0]
        return tokens if at is None else block(layers)(tokens, causal, at)


def norm(config: TransformerConfig, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """A layer norm of the tokens."""
    return layer_norm(config.width, config.norm_epsilon, rngs)


def normal(rngs: nnx.Rngs, shape: tuple[int, ...], deviation: float) -> nnx.Param:
    """A weight with normal initial values."""
    return nnx.Param(weight(rngs, nnx.initializers.normal(deviation), *shape))


def projection(width: int, embed_dim: int, rngs: nnx.Rngs) -> nnx.Linear:
    """The linear map from a tower's tokens to the embedding."""
    initial = nnx.initializers.normal(1 / math.sqrt(width))
    return linear(width, embed_dim, rngs, use_bias=False, kernel_init=initial)
