"""The key and the layout of each weight of a CLIP in OpenCLIP's files, with each kind of image tower."""

from collections.abc import Callable, Collection
from typing import Any

from pretrained.config import CLIPConfig, ConvNeXtConfig, ResNetConfig, VisionConfig
from pretrained.convnext_keys import convnext_entries
from pretrained.keys import Entry, StatePath, block_entries, layer_entries, norm_entries, normed_entries, stack

_LINEAR = {"out": "attn.out_proj", "hidden": "mlp.c_fc", "hidden_out": "mlp.c_proj"}
_PROJECTIONS = ("query", "key", "value")  # one matrix in the file, in this order
_NORMS = {"attention_norm": "ln_1", "hidden_norm": "ln_2"}


def openclip_entries(config: CLIPConfig, keys: Collection[str]) -> list[Entry]:
    """All weights of a CLIP; the file's keys show whether the text tower's have a prefix, as in `CustomTextCLIP`."""
    text = "text." if "text.positional_embedding" in keys else ""
    return [
        Entry(("log_scale",), ("logit_scale",)),
        *_IMAGE_TOWERS[type(config.vision)](config.vision),
        Entry(("text", "tokens"), (f"{text}token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}positional_embedding",)),
        *_blocks("text", f"{text}transformer.", config.text.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}ln_final"),
        Entry(("text", "projection", "kernel"), (f"{text}text_projection",)),
    ]


def _vit(config: VisionConfig) -> list[Entry]:
    return [
        Entry(("vision", "class_token"), ("visual.class_embedding",)),
        Entry(("vision", "patches", "kernel"), ("visual.conv1.weight",), "patches", patch=config.patch_size),
        Entry(("vision", "positions"), ("visual.positional_embedding",)),
        *norm_entries(("vision", "norm_before"), "visual.ln_pre"),
        *_blocks("vision", "visual.transformer.", config.transformer.layers),
        *norm_entries(("vision", "norm_after"), "visual.ln_post"),
        Entry(("vision", "projection", "kernel"), ("visual.proj",)),
    ]


def _resnet(config: ResNetConfig) -> list[Entry]:
    found = [
        entry for index in range(3) for entry in _convolution(("vision", "stem", index), ["visual."], str(index + 1))
    ]
    for stage, number in enumerate(config.layers):
        path, key = ("vision", "stages", stage), f"visual.layer{stage + 1}."
        rest = [f"{key}{block}." for block in range(1, number)]
        for part in ("1", "2", "3"):
            found += _convolution((*path, "first", f"convolution{part}"), [f"{key}0."], part)
            if rest:
                found += _convolution((*path, "rest", f"convolution{part}"), rest, part, stacked=True)
        found += normed_entries((*path, "first", "shortcut"), [f"{key}0.downsample.0"], [f"{key}0.downsample.1"])
    pool = ("vision", "pool")
    found.append(Entry((*pool, "positions"), ("visual.attnpool.positional_embedding",)))
    for part, key in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("out", "c_proj")):
        found += layer_entries("linear", (*pool, part), [f"visual.attnpool.{key}"])
    return found


def _convolution(path: StatePath, prefixes: list[str], number: str, stacked: bool = False) -> list[Entry]:
    """A convolution and the batch norm after it, by their number in the stem or in a block."""
    convolutions, norms = ([f"{key}{layer}{number}" for key in prefixes] for layer in ("conv", "bn"))
    return normed_entries(path, convolutions, norms, stacked)


def _convnext(config: ConvNeXtConfig) -> list[Entry]:
    found = convnext_entries(("vision", "trunk"), "visual.trunk.", config.layers)
    if config.projection == "mlp":
        found += layer_entries("linear", ("vision", "hidden"), ["visual.head.mlp.fc1"])
    last = "visual.head.mlp.fc2" if config.projection == "mlp" else "visual.head.proj"
    kernel, bias = layer_entries("linear", ("vision", "projection"), [last])
    return [*found, kernel, *([bias] if config.projection_bias else [])]


_IMAGE_TOWERS: dict[type, Callable[[Any], list[Entry]]] = {
    VisionConfig: _vit,
    ResNetConfig: _resnet,
    ConvNeXtConfig: _convnext,
}


def _blocks(tower: str, prefix: str, layers: int) -> list[Entry]:
    each = [f"{prefix}resblocks.{layer}." for layer in range(layers)]
    found = block_entries(tower, each, _LINEAR, _NORMS)
    for third, name in enumerate(_PROJECTIONS):
        for part, kind in (("kernel", "linear"), ("bias", "same")):
            end = "weight" if part == "kernel" else "bias"
            found.append(stack(tower, name, part, (f"{layer}attn.in_proj_{end}" for layer in each), kind, third))
    return found
