"""ConvNeXt (Liu et al. 2022) as a classifier: the trunk of `pretrained.convnext`, from torchvision's files."""

import dataclasses
from collections.abc import Collection

from flax import nnx
from jaxtyping import Array, Float

from pretrained.convnext import ConvNeXt
from pretrained.convnext_keys import ConvNeXtKeys, convnext_entries
from pretrained.keys import Entry, layer_entries
from pretrained.layers import linear

# torchvision's list has the stem, then for each stage its blocks, with a halving between two stages.
_KEYS = ConvNeXtKeys(
    stem="features.0.0",
    stem_norm="features.0.1",
    halvings=tuple(f"features.{2 * stage}." for stage in range(4)),
    blocks=tuple(f"features.{2 * stage + 1}." for stage in range(4)),
    depthwise="block.0",
    norm="block.2",
    hidden="block.3",
    hidden_out="block.5",
    layer_scale="layer_scale",
    norm_after="classifier.0",
)


@dataclasses.dataclass(frozen=True)
class ConvNeXtClassifierConfig:
    """The sizes of a ConvNeXt.

    Attributes:
        layers: number of blocks of each of the four stages.
        width: number of channels of the first stage; each further stage has twice as many.
        classes: number of classes.
        image_size: side of an image in pixels.
    """

    layers: tuple[int, int, int, int]
    width: int
    classes: int = 1000
    image_size: int = 224

    def build(self, rngs: nnx.Rngs) -> "ConvNeXtClassifier":
        """The model, with initial weights."""
        return ConvNeXtClassifier(self, rngs)

    def entries(self, keys: Collection[str]) -> list[Entry]:
        """Where torchvision's file keeps each weight, for a file that has these keys."""
        trunk = convnext_entries(("trunk",), "", self.layers, _KEYS)
        # (channels, 1, 1) in torchvision's files.
        trunk = [each._replace(trailing=2) if each.path[-1] == "layer_scale" else each for each in trunk]
        return [*trunk, *layer_entries("linear", ("head",), ["classifier.2"])]


class ConvNeXtClassifier(nnx.Module):
    """The trunk, and a linear map of its vector.

    Args:
        config: the sizes.
        rngs: source of the initial weights.
    """

    def __init__(self, config: ConvNeXtClassifierConfig, rngs: nnx.Rngs):
        widths = [config.width * 2**stage for stage in range(len(config.layers))]
        self.trunk = ConvNeXt(config.layers, widths, 1e-6, rngs)
        self.head = linear(widths[-1], config.classes, rngs)

    def __call__(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size classes"]:
        """The logits of preprocessed images."""
        return self.head(self.trunk(images))
