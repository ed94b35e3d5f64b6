"""The ResNet of OpenAI's CLIPs (Radford et al. 2021, section 2.4) in flax.nnx, for inference.

It differs from He et al. 2016: the stem has three convolutions; a block that halves the sides averages 2 x 2 places, in
its shortcut too, instead of leaving out places (Zhang 2019); and attention pools the features.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from pretrained.blocks import Stage
from pretrained.config import ResNetConfig
from pretrained.layers import convolution, linear, weight
from pretrained.transformer import attention, normal

_EPSILON = 1e-5  # of batch norms
_WIDENING = 4  # a block's output has so many times the channels of its convolution of 3 x 3


class ResNetTower(nnx.Module):
    """A stem, four stages of blocks, and attention that pools their features into the embedding."""

    def __init__(self, config: ResNetConfig, embed_dim: int, rngs: nnx.Rngs):
        half = config.width // 2
        self.stem = nnx.List(
            [
                NormedConvolution(3, half, 3, rngs, stride=2),
                NormedConvolution(half, half, 3, rngs),
                NormedConvolution(half, config.width, 3, rngs),
            ]
        )
        widths = [config.width * 2**stage for stage in range(4)]
        before = [config.width, *(_WIDENING * width for width in widths)]
        self.stages = nnx.List(
            [
                _stage(before[stage], widths[stage], config.layers[stage], stage > 0, rngs)
                for stage in range(len(widths))
            ]
        )
        self.pool = AttentionPool(config, embed_dim, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings before they are divided by their lengths."""
        features = images.astype(self.pool.positions[...].dtype)
        for layer in self.stem:
            features = jax.nn.relu(layer(features))
        features = halve(features)
        for stage in self.stages:
            features = stage(features)
        return self.pool(features)


def _stage(before: int, width: int, layers: int, halving: bool, rngs: nnx.Rngs) -> Stage:
    """Blocks of one width; the first one widens, and halves the sides of all stages but the first."""
    after = _WIDENING * width
    return Stage(
        Block(before, width, rngs, halving, shortcut=True), lambda rngs: Block(after, width, rngs), layers, rngs
    )


class Block(nnx.Module):
    """Convolutions of 1 x 1, 3 x 3 and 1 x 1, and a shortcut around them."""

    def __init__(self, before: int, width: int, rngs: nnx.Rngs, halving: bool = False, shortcut: bool = False):
        self.halving = halving
        self.convolution1 = NormedConvolution(before, width, 1, rngs)
        self.convolution2 = NormedConvolution(width, width, 3, rngs)
        self.convolution3 = NormedConvolution(width, _WIDENING * width, 1, rngs)
        self.shortcut = NormedConvolution(before, _WIDENING * width, 1, rngs) if shortcut else None

    def __call__(self, features: Float[Array, "size row column before"]) -> Float[Array, "size _row _column after"]:
        """The features after the block."""
        inner = jax.nn.relu(self.convolution2(jax.nn.relu(self.convolution1(features))))
        if self.halving:
            inner, features = halve(inner), halve(features)
        if self.shortcut is not None:
            features = self.shortcut(features)
        return jax.nn.relu(self.convolution3(inner) + features)


class NormedConvolution(nnx.Module):
    """A convolution without a bias, zeros around the features, and a batch norm."""

    def __init__(self, before: int, width: int, side: int, rngs: nnx.Rngs, stride: int = 1):
        self.convolution = convolution(before, width, side, rngs, strides=stride, padding=side // 2, use_bias=False)
        self.norm = BatchNorm(width, rngs)

    def __call__(self, features: Float[Array, "size row column before"]) -> Float[Array, "size _row _column width"]:
        """The features after both."""
        return self.norm(self.convolution(features))


class BatchNorm(nnx.Module):
    """A batch norm (Ioffe and Szegedy 2015, Algorithm 2, step 11) with the statistics of the training."""

    def __init__(self, width: int, rngs: nnx.Rngs):
        zeros, ones = (weight(rngs, initial, width) for initial in (nnx.initializers.zeros, nnx.initializers.ones))
        self.scale, self.bias = nnx.Param(ones), nnx.Param(zeros)
        self.mean, self.variance = nnx.BatchStat(zeros), nnx.BatchStat(ones)

    def __call__(self, features: Float[Array, "size row column width"]) -> Float[Array, "size row column width"]:
        """The normed features; computed in the statistics' type, which is single precision at least."""
        factor = self.scale[...] / jnp.sqrt(self.variance[...] + _EPSILON)
        shift = self.bias[...] - self.mean[...] * factor
        return (features * factor[None, None, None] + shift[None, None, None]).astype(features.dtype)


class AttentionPool(nnx.Module):
    """The mean of all places attends to itself and to all places, each with its position; then comes a linear map."""

    def __init__(self, config: ResNetConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.features
        self.heads = config.heads
        self.positions = normal(rngs, (config.grid**2 + 1, width), width**-0.5)
        self.query, self.key, self.value = (linear(width, width, rngs) for _ in range(3))
        self.out = linear(width, embed_dim, rngs)

    def __call__(self, features: Float[Array, "size row column width"]) -> Float[Array, "size embed_dim"]:
        """One vector for all places of an image."""
        size, rows, columns, width = features.shape
        places = features.reshape(size, rows * columns, width)
        tokens = jnp.concatenate([places.mean(axis=1, keepdims=True), places], axis=1) + self.positions[...][None]
        query, key, value = (
            layer.reshape(size, -1, self.heads, width // self.heads)
            for layer in (self.query(tokens[:, :1]), self.key(tokens), self.value(tokens))
        )
        return self.out(attention(query, key, value).reshape(size, width))


def halve(features: Float[Array, "size row column width"]) -> Float[Array, "size _row _column width"]:
    """The mean of each 2 x 2 places."""
    size, rows, columns, width = features.shape
    return features.reshape(size, rows // 2, 2, columns // 2, 2, width).mean(axis=(2, 4))
