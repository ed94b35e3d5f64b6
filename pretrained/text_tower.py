"""The text tower of CLIP and SigLIP."""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.config import TextConfig
from pretrained.transformer import Transformer, norm, normal, projection


class TextTower(nnx.Module):
    """Tokens through a transformer; the one that the pooling names, normed and projected, is the embedding."""

    def __init__(self, config: TextConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.transformer.width
        self.pooling, self.end_token, self.causal = config.pooling, config.end_token, config.causal
        self.tokens = normal(rngs, (config.vocabulary, width), 0.02)
        self.positions = normal(rngs, (config.context, width), 0.01)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.projection = (
            nnx.Linear(width, embed_dim, rngs=rngs) if config.projection_bias else projection(width, embed_dim, rngs)
        )

    def __call__(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings, not of unit length."""
        tokens = self.tokens[...][texts] + self.positions[...][None, : texts.shape[1]]
        tokens = self.transformer(tokens, causal=self.causal, at=self._places(texts))
        return self.projection(self.norm_after(tokens[:, 0]))

    def _places(self, texts: Int[Array, "size length"]) -> Int[Array, " size"]:
        if self.pooling == "last":
            return jnp.full(texts.shape[0], texts.shape[1] - 1)
        return jnp.argmax(texts if self.pooling == "argmax" else texts == self.end_token, axis=1)
