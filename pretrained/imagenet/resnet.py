"""ResNet (He et al. 2016) in flax.nnx, for inference, as torchvision has it.

There the block of three convolutions leaves out places in that of 3 x 3, and not in the first one (Goyal et al. 2017).
"""

import dataclasses
from collections.abc import Collection

import jax
from flax import nnx
from jaxtyping import Array, Float

from pretrained.blocks import Stage
from pretrained.keys import Entry, layer_entries, normed_entries
from pretrained.layers import linear
from pretrained.resnet import NormedConvolution

_WIDENING = 4  # a block of three has so many times the channels of its convolution of 3 x 3


@dataclasses.dataclass(frozen=True)
class ResNetConfig:
    """The sizes of a ResNet.

    Attributes:
        layers: number of blocks of each stage.
        bottleneck: whether a block has three convolutions, of 1 x 1, 3 x 3 and 1 x 1, or two of 3 x 3.
        width: number of channels of the first stage; each further stage has twice as many.
        classes: number of classes.
        image_size: side of an image in pixels.
    """

    layers: tuple[int, ...]
    bottleneck: bool
    width: int = 64
    classes: int = 1000
    image_size: int = 224

    def build(self, rngs: nnx.Rngs) -> "ResNet":
        """The model, with initial weights."""
        return ResNet(self, rngs)

    def entries(self, keys: Collection[str]) -> list[Entry]:
        """Where torchvision's file keeps each weight, for a file that has these keys."""
        found = [
            *normed_entries(("stem",), ["conv1"], ["bn1"]),
            *layer_entries("linear", ("head",), ["fc"]),
        ]
        for stage, number in enumerate(self.layers):
            blocks, first = [f"layer{stage + 1}.{block}." for block in range(number)], ("stages", stage, "first")
            for part in range(3 if self.bottleneck else 2):
                for path, own in ((first, blocks[:1]), (("stages", stage, "rest"), blocks[1:])):
                    names = [f"{block}conv{part + 1}" for block in own], [f"{block}bn{part + 1}" for block in own]
                    found += normed_entries((*path, "convolutions", part), *names, path is not first) if own else []
            if _has_shortcut(self, stage):
                key = f"{blocks[0]}downsample."
                found += normed_entries((*first, "shortcut"), [f"{key}0"], [f"{key}1"])
        return found


def _has_shortcut(config: ResNetConfig, stage: int) -> bool:
    """Whether a stage's first block changes the features' shape, so that its shortcut has a convolution."""
    return config.bottleneck or stage > 0


class ResNet(nnx.Module):
    """A stem, stages of blocks, and a linear map of the mean over all places.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: ResNetConfig, rngs: nnx.Rngs):
        after = [
            config.width * 2**stage * (_WIDENING if config.bottleneck else 1) for stage in range(len(config.layers))
        ]
        self.stem = NormedConvolution(3, config.width, 7, rngs, stride=2)
        self.stages = nnx.List(
            [_stage(config, stage, before, rngs) for stage, before in enumerate([config.width, *after[:-1]])]
        )
        self.head = linear(after[-1], config.classes, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size classes"]:
        """The logits of preprocessed images."""
        features = jax.nn.relu(self.stem(images.astype(self.head.kernel[...].dtype)))
        features = nnx.max_pool(features, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for stage in self.stages:
            features = stage(features)
        return self.head(features.mean(axis=(1, 2)))


def _stage(config: ResNetConfig, stage: int, before: int, rngs: nnx.Rngs) -> Stage:
    """Blocks of one width; the first one halves the sides of all stages but the first."""
    width = config.width * 2**stage
    after = width * (_WIDENING if config.bottleneck else 1)
    return Stage(
        Block(before, width, config.bottleneck, rngs, 2 if stage else 1, _has_shortcut(config, stage)),
        lambda rngs: Block(after, width, config.bottleneck, rngs),
        config.layers[stage],
        rngs,
    )


class Block(nnx.Module):
    """Two or three convolutions, and a shortcut around them."""

    def __init__(
        self, before: int, width: int, bottleneck: bool, rngs: nnx.Rngs, stride: int = 1, shortcut: bool = False
    ):
        after = width * (_WIDENING if bottleneck else 1)
        self.convolutions = nnx.List(
            [
                NormedConvolution(before, width, 1, rngs),
                NormedConvolution(width, width, 3, rngs, stride),
                NormedConvolution(width, after, 1, rngs),
            ]
            if bottleneck
            else [NormedConvolution(before, width, 3, rngs, stride), NormedConvolution(width, width, 3, rngs)]
        )
        self.shortcut = NormedConvolution(before, after, 1, rngs, stride) if shortcut else None

    def __call__(self, features: Float[Array, "size row column before"]) -> Float[Array, "size _row _column after"]:
        """The features after the block."""
        inner = features
        for place, convolution in enumerate(self.convolutions, 1):
            inner = convolution(inner)
            inner = jax.nn.relu(inner) if place < len(self.convolutions) else inner
        return jax.nn.relu(inner + (features if self.shortcut is None else self.shortcut(features)))
