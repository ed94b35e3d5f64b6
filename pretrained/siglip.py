"""The model SigLIP (Zhai et al. 2023) with a vision transformer, in flax.nnx."""

import math

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.config import SigLIPConfig, TransformerConfig, VisionConfig
from pretrained.layers import linear, weight
from pretrained.transformer import (
    ACTIVATION_FUNCTIONS,
    TextTower,
    Transformer,
    attention,
    cut,
    norm,
    normal,
    unit_length,
)

INITIAL_SCALE, INITIAL_BIAS = 10.0, -10.0


class AttentionPool(nnx.Module):
    """A learned probe attends to all tokens; then comes a residual hidden layer after a norm."""

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.heads, self.activation = config.heads, config.activation
        self.probe = normal(rngs, (config.width,), config.width**-0.5)
        self.query, self.key, self.value, self.out = (linear(config.width, config.width, rngs) for _ in range(4))
        self.norm = norm(config, rngs)
        self.hidden = linear(config.width, config.hidden, rngs)
        self.hidden_out = linear(config.hidden, config.width, rngs)

    def __call__(self, tokens: Float[Array, "size length width"]) -> Float[Array, "size width"]:
        """One vector for all tokens of an image."""
        size, _, width = tokens.shape
        probe = jnp.broadcast_to(self.query(self.probe[...]), (size, 1, width))
        query, key, value = (
            each.reshape(size, -1, self.heads, width // self.heads)
            for each in (probe, self.key(tokens), self.value(tokens))
        )
        found = self.out(attention(query, key, value).reshape(size, width))
        hidden = ACTIVATION_FUNCTIONS[self.activation](self.hidden(self.norm(found)))
        return found + self.hidden_out(hidden)


class VisionTower(nnx.Module):
    """A transformer on patches, a norm, and a learned probe that pools the tokens into the embedding."""

    def __init__(self, config: VisionConfig, rngs: nnx.Rngs):
        width = config.transformer.width
        self.patch_size = config.patch_size
        self.patches = linear(3 * config.patch_size**2, width, rngs)
        self.positions = normal(rngs, (config.patches, width), width**-0.5)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.pool = AttentionPool(config.transformer, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings before they are divided by their lengths."""
        positions = self.positions[...]
        tokens = self.patches(cut(images, self.patch_size).astype(positions.dtype)) + positions[None]
        return self.pool(self.norm_after(self.transformer(tokens)))


class SigLIP(nnx.Module):
    """Both towers, and the scale (as a logarithm) and bias of their cosine similarities.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: SigLIPConfig, *, rngs: nnx.Rngs):
        self.vision = VisionTower(config.vision, rngs)
        self.text = TextTower(config.text, config.embed_dim, rngs)
        self.log_scale = nnx.Param(weight(rngs, nnx.initializers.constant(math.log(INITIAL_SCALE))))
        self.bias = nnx.Param(weight(rngs, nnx.initializers.constant(INITIAL_BIAS)))

    def embed_images(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of preprocessed images, of unit length."""
        return unit_length(self.vision(images))

    def embed_texts(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of tokenised texts, of unit length."""
        return unit_length(self.text(texts))
