"""The transformer of CLIP's towers: pre-norm blocks, all in one compiled loop however many there are."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.attention import attention
from pretrained.config import TransformerConfig


def quick_gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The sigmoid approximation of GELU, x sigmoid(1.702 x), with which OpenAI's CLIPs were trained."""
    return x * jax.nn.sigmoid(1.702 * x)


ACTIVATION_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "quick_gelu": quick_gelu,
    "gelu_pytorch_tanh": lambda x: jax.nn.gelu(x, approximate=True),
}


class Block(nnx.Module):
    """One block: attention and a hidden layer, each after a layer norm and added to its input."""

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.heads, self.activation = config.heads, config.activation
        self.attention_norm = norm(config, rngs)
        self.query, self.key, self.value, self.out = (
            nnx.Linear(config.width, config.width, rngs=rngs) for _ in range(4)
        )
        self.hidden_norm = norm(config, rngs)
        self.hidden = nnx.Linear(config.width, config.hidden, rngs=rngs)
        self.hidden_out = nnx.Linear(config.hidden, config.width, rngs=rngs)

    def __call__(
        self, tokens: Float[Array, "size length width"], causal: bool, at: Int[Array, " size"] | None = None
    ) -> Float[Array, "size read width"]:
        """The tokens after the block, or only the one at a place; causal attention looks at no later token."""
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
    """Blocks one after the other; their weights are stacked, with a leading axis for the layers.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        @nnx.split_rngs(splits=config.layers)
        @nnx.vmap(in_axes=0, out_axes=0)
        def create(rngs: nnx.Rngs) -> Block:
            return Block(config, rngs)

        self.layers = config.layers
        self.blocks = create(rngs)

    def __call__(
        self,
        tokens: Float[Array, "size length width"],
        causal: bool = False,
        at: Int[Array, " size"] | None = None,
    ) -> Float[Array, "size read width"]:
        """The tokens after all blocks, or only the one at a place, for which the last block computes no other."""
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
    return nnx.LayerNorm(config.width, epsilon=config.norm_epsilon, rngs=rngs)


def normal(rngs: nnx.Rngs, shape: tuple[int, ...], deviation: float) -> nnx.Param:
    """A weight with normal initial values."""
    return nnx.Param(deviation * jax.random.normal(rngs.params(), shape, jnp.float32))


def projection(width: int, embed_dim: int, rngs: nnx.Rngs) -> nnx.Linear:
    """The linear map from a tower's tokens to the embedding."""
    initial = nnx.initializers.normal(1 / math.sqrt(width))
    return nnx.Linear(width, embed_dim, use_bias=False, kernel_init=initial, rngs=rngs)
