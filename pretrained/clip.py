"""CLIP (Radford et al. 2021) with a vision transformer, in flax.nnx: only the model; files are read elsewhere."""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.config import CLIPConfig, TextConfig, VisionConfig
from pretrained.transformer import Transformer, norm, normal, projection

INITIAL_SCALE = 1 / 0.07


class VisionTower(nnx.Module):
    """Patches and a class token through a transformer; the class token, normed and projected, is the embedding."""

    def __init__(self, config: VisionConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.transformer.width
        self.patch_size = config.patch_size
        self.patches = nnx.Linear(3 * config.patch_size**2, width, use_bias=False, rngs=rngs)
        self.class_token = normal(rngs, (width,), width**-0.5)
        self.positions = normal(rngs, (config.patches + 1, width), width**-0.5)
        self.norm_before = norm(config.transformer, rngs)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.projection = projection(width, embed_dim, rngs)

    def __call__(self, pictures: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings, not of unit length."""
        size, side, _, channels = pictures.shape
        patch, grid = self.patch_size, side // self.patch_size
        cut = pictures.reshape(size, grid, patch, grid, patch, channels).transpose(0, 1, 3, 2, 4, 5)
        tokens = self.patches(cut.reshape(size, grid * grid, -1))
        class_token = jnp.broadcast_to(self.class_token[...], (size, 1, tokens.shape[-1])).astype(tokens.dtype)
        tokens = jnp.concatenate([class_token, tokens], axis=1) + self.positions[...][None]
        tokens = self.transformer(self.norm_before(tokens), at=jnp.zeros(size, int))
        return self.projection(self.norm_after(tokens[:, 0]))


class TextTower(nnx.Module):
    """Tokens through a causal transformer; the end token, normed and projected, is the embedding."""

    def __init__(self, config: TextConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.transformer.width
        self.end_token = config.end_token
        self.tokens = normal(rngs, (config.vocabulary, width), 0.02)
        self.positions = normal(rngs, (config.context, width), 0.01)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.projection = projection(width, embed_dim, rngs)

    def __call__(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings, not of unit length."""
        tokens = self.tokens[...][texts] + self.positions[...][None, : texts.shape[1]]
        ends = jnp.argmax(texts if self.end_token is None else texts == self.end_token, axis=1)
        tokens = self.transformer(tokens, causal=True, at=ends)
        return self.projection(self.norm_after(tokens[:, 0]))


class CLIP(nnx.Module):
    """Both towers and the logarithm of the factor of their cosine similarities.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: CLIPConfig, *, rngs: nnx.Rngs):
        self.vision = VisionTower(config.vision, config.embed_dim, rngs)
        self.text = TextTower(config.text, config.embed_dim, rngs)
        self.log_scale = nnx.Param(jnp.log(jnp.asarray(INITIAL_SCALE, jnp.float32)))

    def embed_images(self, pictures: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of preprocessed pictures, of unit length."""
        return _unit_length(self.vision(pictures))

    def embed_texts(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of tokenised texts, of unit length."""
        return _unit_length(self.text(texts))


def _unit_length(embeddings: Float[Array, "size embed_dim"]) -> Float[Array, "size embed_dim"]:
    return embeddings / jnp.linalg.norm(embeddings, axis=1, keepdims=True)
