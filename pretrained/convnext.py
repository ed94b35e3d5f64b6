"""ConvNeXt (Liu et al. 2022, section 2 and Figure 4) in flax.nnx: the trunk, and an image tower of CLIP on it."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from pretrained.blocks import run_blocks, stack_blocks
from pretrained.config import ConvNeXtConfig
from pretrained.layers import convolution, layer_norm, linear, weight

_SIDE = 7  # of a depthwise convolution's kernel
_INITIAL_SCALE = 1e-6


class ConvNeXtTower(nnx.Module):
    """The trunk and the head of OpenCLIP: a linear map to the embedding, or a hidden layer with GELU before it."""

    def __init__(self, config: ConvNeXtConfig, embed_dim: int, rngs: nnx.Rngs):
        width = config.widths[-1]
        self.trunk = ConvNeXt(config.layers, config.widths, config.norm_epsilon, rngs)
        self.hidden = linear(width, 2 * embed_dim, rngs) if config.projection == "mlp" else None
        self.projection = linear(
            width if self.hidden is None else 2 * embed_dim, embed_dim, rngs, use_bias=config.projection_bias
        )

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size embed_dim"]:
        """Embeddings before they are divided by their lengths."""
        vectors = self.trunk(images)
        return self.projection(vectors if self.hidden is None else gelu(self.hidden(vectors)))


class ConvNeXt(nnx.Module):
    """The trunk: a stem, stages of blocks, the mean over all places and a layer norm.

    Args:
        layers: number of blocks of each stage.
        widths: number of channels of each stage.
        norm_epsilon: added to variances in layer norms.
        rngs: source of the initial weights.
    """

    def __init__(self, layers: Sequence[int], widths: Sequence[int], norm_epsilon: float, rngs: nnx.Rngs):
        self.stem = convolution(3, widths[0], 4, rngs, strides=4, padding="VALID")
        self.stem_norm = layer_norm(widths[0], norm_epsilon, rngs)
        self.stages = nnx.List(
            [
                Stage(narrow, width, number, norm_epsilon, rngs)
                for narrow, width, number in zip([None, *widths[:-1]], widths, layers, strict=True)
            ]
        )
        self.norm_after = layer_norm(widths[-1], norm_epsilon, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size width"]:
        """One vector for each image; pixels at the right and at the bottom that fill no place are ignored."""
        features = self.stem_norm(self.stem(images.astype(self.stem.kernel[...].dtype)))
        for stage in self.stages:
            features = stage(features)
        return self.norm_after(features.mean(axis=(1, 2)))


class Stage(nnx.Module):
    """Blocks of one width; before those of all but the first stage, half the rows and columns."""

    def __init__(self, narrow: int | None, width: int, layers: int, norm_epsilon: float, rngs: nnx.Rngs):
        self.halving = None if narrow is None else Halving(narrow, width, norm_epsilon, rngs)
        self.blocks = stack_blocks(lambda rngs: Block(width, norm_epsilon, rngs), layers, rngs)

    def __call__(self, features: Float[Array, "size row column narrow"]) -> Float[Array, "size _row _column width"]:
        """The features after the stage."""
        return run_blocks(self.blocks, features if self.halving is None else self.halving(features))


class Halving(nnx.Module):
    """A layer norm, then a convolution of 2 x 2 at every second row and column."""

    def __init__(self, narrow: int, width: int, norm_epsilon: float, rngs: nnx.Rngs):
        self.norm = layer_norm(narrow, norm_epsilon, rngs)
        self.convolution = convolution(narrow, width, 2, rngs, strides=2, padding="VALID")

    def __call__(self, features: Float[Array, "size row column narrow"]) -> Float[Array, "size _row _column width"]:
        """The features at half the rows and columns."""
        return self.convolution(self.norm(features))


class Block(nnx.Module):
    """A depthwise convolution, a norm and a hidden layer; each channel of that is scaled and added to the input."""

    def __init__(self, width: int, norm_epsilon: float, rngs: nnx.Rngs):
        self.depthwise = Depthwise(width, rngs)
        self.norm = layer_norm(width, norm_epsilon, rngs)
        self.hidden = linear(width, 4 * width, rngs)
        self.hidden_out = linear(4 * width, width, rngs)
        self.layer_scale = nnx.Param(weight(rngs, nnx.initializers.constant(_INITIAL_SCALE), width))

    def __call__(self, features: Float[Array, "size row column width"]) -> Float[Array, "size row column width"]:
        """The features after the block."""
        hidden = gelu(self.hidden(self.norm(self.depthwise(features))))
        return features + self.layer_scale[None, None, None] * self.hidden_out(hidden)


class Depthwise(nnx.Module):
    """A convolution of 7 x 7 with a kernel and a bias for each channel, zeros around the features."""

    def __init__(self, width: int, rngs: nnx.Rngs):
        self.kernel = nnx.Param(weight(rngs, nnx.initializers.lecun_normal(), _SIDE, _SIDE, 1, width))
        self.bias = nnx.Param(weight(rngs, nnx.initializers.zeros, width))

    def __call__(self, features: Float[Array, "size row column width"]) -> Float[Array, "size row column width"]:
        """The features after the convolution."""
        # On a CPU, XLA takes about ten times as long for a convolution in groups as for the sum.
        found = jax.lax.platform_dependent(features, self.kernel[...], cpu=sum_of_shifts, default=in_groups)
        return found + self.bias[None, None, None]


def sum_of_shifts(
    features: Float[Array, "size row column width"], kernel: Float[Array, "side side 1 width"]
) -> Float[Array, "size row column width"]:
    """Each channel convolved with its kernel of an odd side: shifted features, weighted and summed in one pass."""
    side, (size, rows, columns, width) = kernel.shape[0], features.shape
    wide = jnp.promote_types(features.dtype, jnp.float32)
    around = (side // 2, side // 2)
    padded = jnp.pad(features.astype(wide), ((0, 0), around, around, (0, 0)))
    kernel = kernel.astype(wide)
    # `lax.slice`, 98 times in each block, since an index in brackets takes twice as long to trace and to lower.
    total = sum(
        jax.lax.slice(padded, (0, row, column, 0), (size, row + rows, column + columns, width))
        * jax.lax.slice(kernel, (row, column, 0, 0), (row + 1, column + 1, 1, width))
        for row in range(side)
        for column in range(side)
    )
    return jnp.asarray(total, features.dtype)


def in_groups(
    features: Float[Array, "size row column width"], kernel: Float[Array, "side side 1 width"]
) -> Float[Array, "size row column width"]:
    """The same as the convolution of XLA, in one group for each channel."""
    return jax.lax.conv_general_dilated(
        features,
        kernel,
        (1, 1),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=features.shape[-1],
    )


def gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """GELU itself, without an approximation."""
    return jax.nn.gelu(x, approximate=False)
