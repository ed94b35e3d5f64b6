"""The model CLIP (Radford et al. 2021) in flax.nnx, with a vision transformer, a ResNet or a ConvNeXt."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.config import CLIPConfig, ConvNeXtConfig, ResNetConfig, VisionConfig
from pretrained.convnext import ConvNeXtTower
from pretrained.layers import linear, weight
from pretrained.resnet import ResNetTower
from pretrained.transformer import TextTower, Transformer, cut, norm, normal, projection, unit_length

INITIAL_SCALE = 1 / 0.07


class VisionTower(nnx.Module):
    """A transformer on patches and a class token; the class token, normed and projected, is the embedding."""

    def __init__(self, config: VisionConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.transformer.width
        self.patch_size = config.patch_size
        self.patches = linear(3 * config.patch_size**2, width, rngs, use_bias=False)
        self.class_token = normal(rngs, (width,), width**-0.5)
        self.positions = normal(rngs, (config.patches + 1, width), width**-0.5)
        self.norm_before = norm(config.transformer, rngs)
        self.transformer = Transformer(config.transformer, rngs)
        self.norm_after = norm(config.transformer, rngs)
        self.projection = projection(width, embed_dim, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings before they are divided by their lengths."""
        size = images.shape[0]
        tokens = self.patches(cut(images, self.patch_size).astype(self.positions[...].dtype))
        class_token = jnp.broadcast_to(self.class_token[...], (size, 1, tokens.shape[-1]))
        tokens = jnp.concatenate([class_token, tokens], axis=1) + self.positions[...][None]
        tokens = self.transformer(self.norm_before(tokens), at=jnp.zeros(size, int))
        return self.projection(self.norm_after(tokens[:, 0]))


_IMAGE_TOWERS: dict[type, Callable[[Any, int, nnx.Rngs], nnx.Module]] = {
    VisionConfig: VisionTower,
    ResNetConfig: ResNetTower,
    ConvNeXtConfig: ConvNeXtTower,
}


class CLIP(nnx.Module):
    """Both towers, and the logarithm of the scale of their cosine similarities.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: CLIPConfig, *, rngs: nnx.Rngs):
        self.vision: Any = _IMAGE_TOWERS[type(config.vision)](config.vision, config.embed_dim, rngs)
        self.text = TextTower(config.text, config.embed_dim, rngs)
        self.log_scale = nnx.Param(weight(rngs, nnx.initializers.constant(math.log(INITIAL_SCALE))))

    def embed_images(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of preprocessed images, of unit length."""
        return unit_length(self.vision(images))

    def embed_texts(self, texts: Int[Array, "size length"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of tokenised texts, of unit length."""
        return unit_length(self.text(texts))
