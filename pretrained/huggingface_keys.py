"""Where each weight of our CLIP stands in Hugging Face's files."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pretrained.config import CLIPConfig


class Entry(NamedTuple):
    """One of our weights.

    Attributes:
        path: in the model's state.
        keys: in the file; several for the layers of a stack.
        kind: `same`, `linear` (the file holds the transpose), or `patches` (the file holds a convolution's filters).
        stacked: whether the weight has a leading axis for the layers.
        patch: side of a patch, for `patches`.
    """

    path: tuple[str, ...]
    keys: tuple[str, ...]
    kind: str = "same"
    stacked: bool = False
    patch: int = 0


_LINEAR = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "out": "self_attn.out_proj",
    "hidden": "mlp.fc1",
    "hidden_out": "mlp.fc2",
}
_NORMS = {"attention_norm": "layer_norm1", "hidden_norm": "layer_norm2"}


def entries(config: CLIPConfig) -> list[Entry]:
    """All weights of a CLIP."""
    vision, text = "vision_model.", "text_model."
    return [
        Entry(("log_scale",), ("logit_scale",)),
        Entry(("vision", "class_token"), (f"{vision}embeddings.class_embedding",)),
        Entry(
            ("vision", "patches", "kernel"),
            (f"{vision}embeddings.patch_embedding.weight",),
            "patches",
            patch=config.vision.patch_size,
        ),
        Entry(("vision", "positions"), (f"{vision}embeddings.position_embedding.weight",)),
        *_norm(("vision", "norm_before"), f"{vision}pre_layrnorm"),  # sic
        *_blocks("vision", vision, config.vision.transformer.layers),
        *_norm(("vision", "norm_after"), f"{vision}post_layernorm"),
        Entry(("vision", "projection", "kernel"), ("visual_projection.weight",), "linear"),
        Entry(("text", "tokens"), (f"{text}embeddings.token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}embeddings.position_embedding.weight",)),
        *_blocks("text", text, config.text.transformer.layers),
        *_norm(("text", "norm_after"), f"{text}final_layer_norm"),
        Entry(("text", "projection", "kernel"), ("text_projection.weight",), "linear"),
    ]


def _norm(path: tuple[str, ...], key: str) -> list[Entry]:
    return [Entry((*path, "scale"), (f"{key}.weight",)), Entry((*path, "bias"), (f"{key}.bias",))]


def _blocks(tower: str, prefix: str, layers: int) -> list[Entry]:
    def stack(name: str, part: str, key: str, kind: str = "same") -> Entry:
        keys = tuple(f"{prefix}encoder.layers.{layer}.{key}" for layer in range(layers))
        return Entry((tower, "transformer", "blocks", name, part), keys, kind, stacked=True)

    found = []
    for name, key in _LINEAR.items():
        found += [stack(name, "kernel", f"{key}.weight", "linear"), stack(name, "bias", f"{key}.bias")]
    for name, key in _NORMS.items():
        found += [stack(name, "scale", f"{key}.weight"), stack(name, "bias", f"{key}.bias")]
    return found


def from_file(entry: Entry, tensors: Sequence[np.ndarray]) -> np.ndarray:
    """One of our weights, from those of the file."""
    turned = [_from(entry, tensor) for tensor in tensors]
    return np.stack(turned) if entry.stacked else turned[0]


def _from(entry: Entry, tensor: np.ndarray) -> np.ndarray:
    if entry.kind == "linear":
        return tensor.T
    if entry.kind == "patches":  # (width, channels, row, column) -> (row, column, channels; width)
        return tensor.transpose(2, 3, 1, 0).reshape(-1, tensor.shape[0])
    return tensor


def to_file(entry: Entry, array: np.ndarray) -> list[np.ndarray]:
    """Those of the file, from one of our weights."""
    return [_to(entry, part) for part in (array if entry.stacked else [array])]


def _to(entry: Entry, array: np.ndarray) -> np.ndarray:
    if entry.kind == "linear":
        return array.T
    if entry.kind == "patches":
        return array.reshape(entry.patch, entry.patch, 3, -1).transpose(3, 2, 0, 1)
    return array
