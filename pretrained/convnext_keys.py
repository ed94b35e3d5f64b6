"""Where files keep the weights of a ConvNeXt: one table of names for each library that writes such files."""

from collections.abc import Sequence
from typing import NamedTuple

from pretrained.keys import Entry, StatePath, layer_entries


class ConvNeXtKeys(NamedTuple):
    """A library's names, without `.weight` and `.bias`.

    Attributes:
        stem: the stem's convolution.
        stem_norm: the norm after it.
        halvings: what the names of each stage's norm, 0, and of its convolution, 1, begin with; the first stage has
            none.
        blocks: what the names of each stage's blocks begin with, before a block's number.
        depthwise: a block's depthwise convolution, after the number.
        norm: likewise, its norm.
        hidden: its hidden layer.
        hidden_out: the layer after that.
        layer_scale: the scale of its channels, which is a weight itself.
        norm_after: the norm of the vector at the end.
    """

    stem: str
    stem_norm: str
    halvings: tuple[str, ...]
    blocks: tuple[str, ...]
    depthwise: str
    norm: str
    hidden: str
    hidden_out: str
    layer_scale: str
    norm_after: str


TIMM = ConvNeXtKeys(
    stem="stem.0",
    stem_norm="stem.1",
    halvings=tuple(f"stages.{stage}.downsample." for stage in range(4)),
    blocks=tuple(f"stages.{stage}.blocks." for stage in range(4)),
    depthwise="conv_dw",
    norm="norm",
    hidden="mlp.fc1",
    hidden_out="mlp.fc2",
    layer_scale="gamma",
    norm_after="head.norm",
)


def convnext_entries(path: StatePath, prefix: str, layers: Sequence[int], keys: ConvNeXtKeys = TIMM) -> list[Entry]:
    """All weights of a `pretrained.convnext.ConvNeXt`.

    Args:
        path: its path in the model's state.
        prefix: what all keys begin with.
        layers: number of blocks of each stage.
        keys: the names.
    """
    found = [
        *layer_entries("convolution", (*path, "stem"), [f"{prefix}{keys.stem}"]),
        *layer_entries("norm", (*path, "stem_norm"), [f"{prefix}{keys.stem_norm}"]),
        *layer_entries("norm", (*path, "norm_after"), [f"{prefix}{keys.norm_after}"]),
    ]
    for stage, number in enumerate(layers):
        if stage:
            halving, key = (*path, "stages", stage, "halving"), f"{prefix}{keys.halvings[stage]}"
            found += layer_entries("norm", (*halving, "norm"), [f"{key}0"])
            found += layer_entries("convolution", (*halving, "convolution"), [f"{key}1"])
        blocks = (*path, "stages", stage, "blocks")
        each = [f"{prefix}{keys.blocks[stage]}{block}." for block in range(number)]
        for part, kind, key in (
            ("depthwise", "convolution", keys.depthwise),
            ("norm", "norm", keys.norm),
            ("hidden", "linear", keys.hidden),
            ("hidden_out", "linear", keys.hidden_out),
        ):
            found += layer_entries(kind, (*blocks, part), [f"{block}{key}" for block in each], stacked=True)
        scales = tuple(f"{block}{keys.layer_scale}" for block in each)
        found.append(Entry((*blocks, "layer_scale"), scales, stacked=True))
    return found
