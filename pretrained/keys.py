"""The key and the layout of each weight of a model, in the files of each format.

`Entry` describes one weight, and `Layout` a checkpoint before its weights are read. Then come the entries of Hugging
Face's CLIP and SigLIP; those of OpenCLIP's files are in `openclip_keys.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pretrained.config import CLIPConfig, SigLIPConfig, TextConfig, VisionConfig
from pretrained.preprocessing import Preprocessing

StatePath = tuple[str | int, ...]


class Entry(NamedTuple):
    """One weight of the model.

    Attributes:
        path: its path in the model's state; a number is a place in a list.
        keys: its key in the file; a stack has one key for each layer.
        kind: `same`; `linear`, the file holds the transpose; `convolution`, the file holds filters as PyTorch orders
            them; or `patches`, likewise, and the model's weight is a linear map of whole patches.
        stacked: whether the weight has a leading axis for the layers.
        patch: side of a patch, for `patches`.
        third: which third of the file's weight it is, if the file holds queries, keys and values in one.
        leading: number of additional leading axes of length 1 in the file.
        trailing: likewise, at the end.
    """

    path: StatePath
    keys: tuple[str, ...]
    kind: str = "same"
    stacked: bool = False
    patch: int = 0
    third: int | None = None
    leading: int = 0
    trailing: int = 0


def norm_entries(path: StatePath, key: str) -> list[Entry]:
    """The two weights of a layer norm."""
    return [Entry((*path, "scale"), (f"{key}.weight",)), Entry((*path, "bias"), (f"{key}.bias",))]


def linear_entries(path: StatePath, key: str, third: int | None = None) -> list[Entry]:
    """The two weights of a linear map that is not stacked; `key` is the part before `weight` and `bias`."""
    return [
        Entry((*path, "kernel"), (f"{key}weight",), "linear", third=third),
        Entry((*path, "bias"), (f"{key}bias",), third=third),
    ]


# For each kind of layer: our name of a weight, the name in PyTorch's files, and the weight's kind.
_LAYERS = {
    "linear": (("kernel", "weight", "linear"), ("bias", "bias", "same")),
    "convolution": (("kernel", "weight", "convolution"), ("bias", "bias", "same")),
    "bare convolution": (("kernel", "weight", "convolution"),),
    "norm": (("scale", "weight", "same"), ("bias", "bias", "same")),
    "batch norm": (
        ("scale", "weight", "same"),
        ("bias", "bias", "same"),
        ("mean", "running_mean", "same"),
        ("variance", "running_var", "same"),
    ),
}


def layer_entries(kind: str, path: StatePath, keys: Sequence[str], stacked: bool = False) -> list[Entry]:
    """The weights of a layer.

    Args:
        kind: `linear`, `convolution`, `bare convolution` (without a bias), `norm` or `batch norm`.
        path: the layer's path in the model's state.
        keys: the layer's key in the file, or one for each of the layers that are stacked.
        stacked: whether they are.
    """
    return [
        Entry((*path, ours), tuple(f"{key}.{theirs}" for key in keys), how, stacked)
        for ours, theirs, how in _LAYERS[kind]
    ]


def normed_entries(
    path: StatePath, convolutions: Sequence[str], norms: Sequence[str], stacked: bool = False
) -> list[Entry]:
    """The weights of a convolution without a bias and of the batch norm after it; arguments as in `layer_entries`."""
    return [
        *layer_entries("bare convolution", (*path, "convolution"), convolutions, stacked),
        *layer_entries("batch norm", (*path, "norm"), norms, stacked),
    ]


def stack(tower: str, name: str, part: str, keys: Iterable[str], kind: str = "same", third: int | None = None) -> Entry:
    """A weight of a tower's stacked blocks, from its keys layer by layer."""
    return Entry((tower, "transformer", "blocks", name, part), tuple(keys), kind, stacked=True, third=third)


def block_entries(
    tower: str, layers: Sequence[str], linear: Mapping[str, str], norms: Mapping[str, str]
) -> list[Entry]:
    """The weights of a tower's blocks that have keys of their own in the file.

    Args:
        tower: `vision` or `text`.
        layers: the beginning of each layer's keys.
        linear: our names of linear maps to the file's.
        norms: our names of layer norms to the file's.
    """
    found = []
    for name, key in linear.items():
        found.append(stack(tower, name, "kernel", (f"{layer}{key}.weight" for layer in layers), "linear"))
        found.append(stack(tower, name, "bias", (f"{layer}{key}.bias" for layer in layers)))
    for name, key in norms.items():
        found.append(stack(tower, name, "scale", (f"{layer}{key}.weight" for layer in layers)))
        found.append(stack(tower, name, "bias", (f"{layer}{key}.bias" for layer in layers)))
    return found


def from_file(entry: Entry, tensor: np.ndarray) -> np.ndarray:
    """One of the model's weights, or a layer of it, from the file's tensor."""
    if entry.kind == "linear":
        return tensor.T
    if entry.kind in ("convolution", "patches"):  # (width, channels, row, column) -> (row, column, channels, width)
        filters = tensor.transpose(2, 3, 1, 0)
        return filters if entry.kind == "convolution" else filters.reshape(-1, tensor.shape[0])
    return tensor.reshape(tensor.shape[entry.leading : tensor.ndim - entry.trailing])


def to_file(entry: Entry, array: np.ndarray) -> list[np.ndarray]:
    """The file's tensors, from one of the model's weights."""
    return [_to(entry, part) for part in (array if entry.stacked else [array])]


def _to(entry: Entry, array: np.ndarray) -> np.ndarray:
    if entry.kind == "linear":
        return array.T
    if entry.kind == "patches":
        array = array.reshape(entry.patch, entry.patch, 3, -1)
    if entry.kind in ("convolution", "patches"):
        return array.transpose(3, 2, 0, 1)
    return array.reshape((1,) * entry.leading + array.shape + (1,) * entry.trailing)


def file_shape(entry: Entry, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of each of the file's tensors, from the shape of the model's weight."""
    shape = shape[1:] if entry.stacked else shape
    first, *rest = _to(entry, np.broadcast_to(np.float32(0), shape)).shape or (None,)
    return () if first is None else (first if entry.third is None else 3 * first, *rest)


def file_rows(entry: Entry, shape: tuple[int, ...]) -> slice | None:
    """The rows of the file's tensor, which has this shape, that make up the weight; None for all rows."""
    if entry.third is None:
        return None
    third = shape[0] // 3
    return slice(entry.third * third, (entry.third + 1) * third)


_HUGGINGFACE_LINEAR = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "out": "self_attn.out_proj",
    "hidden": "mlp.fc1",
    "hidden_out": "mlp.fc2",
}
_HUGGINGFACE_NORMS = {"attention_norm": "layer_norm1", "hidden_norm": "layer_norm2"}


def huggingface_entries(image_tower: VisionConfig, text_tower: TextConfig) -> list[Entry]:
    """All weights of a CLIP with these towers."""
    vision, text = "vision_model.", "text_model."
    return [
        Entry(("log_scale",), ("logit_scale",)),
        Entry(("vision", "class_token"), (f"{vision}embeddings.class_embedding",)),
        Entry(
            ("vision", "patches", "kernel"),
            (f"{vision}embeddings.patch_embedding.weight",),
            "patches",
            patch=image_tower.patch_size,
        ),
        Entry(("vision", "positions"), (f"{vision}embeddings.position_embedding.weight",)),
        *norm_entries(("vision", "norm_before"), f"{vision}pre_layrnorm"),  # sic
        *_huggingface_blocks("vision", vision, image_tower.transformer.layers),
        *norm_entries(("vision", "norm_after"), f"{vision}post_layernorm"),
        Entry(("vision", "projection", "kernel"), ("visual_projection.weight",), "linear"),
        Entry(("text", "tokens"), (f"{text}embeddings.token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}embeddings.position_embedding.weight",)),
        *_huggingface_blocks("text", text, text_tower.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}final_layer_norm"),
        Entry(("text", "projection", "kernel"), ("text_projection.weight",), "linear"),
    ]


def _huggingface_blocks(tower: str, prefix: str, layers: int) -> list[Entry]:
    """The weights of a tower's blocks; their keys begin with the prefix."""
    layer_prefixes = [f"{prefix}encoder.layers.{layer}." for layer in range(layers)]
    return block_entries(tower, layer_prefixes, _HUGGINGFACE_LINEAR, _HUGGINGFACE_NORMS)


def siglip_entries(config: SigLIPConfig) -> list[Entry]:
    """All weights of a SigLIP."""
    vision, text, head = "vision_model.", "text_model.", "vision_model.head."
    attention = [
        entry
        for third, name in enumerate(("query", "key", "value"))
        for entry in linear_entries(("vision", "pool", name), f"{head}attention.in_proj_", third)
    ]
    return [
        Entry(("log_scale",), ("logit_scale",), leading=1),
        Entry(("bias",), ("logit_bias",), leading=1),
        Entry(
            ("vision", "patches", "kernel"),
            (f"{vision}embeddings.patch_embedding.weight",),
            "patches",
            patch=config.vision.patch_size,
        ),
        Entry(("vision", "patches", "bias"), (f"{vision}embeddings.patch_embedding.bias",)),
        Entry(("vision", "positions"), (f"{vision}embeddings.position_embedding.weight",)),
        *_huggingface_blocks("vision", vision, config.vision.transformer.layers),
        *norm_entries(("vision", "norm_after"), f"{vision}post_layernorm"),
        Entry(("vision", "pool", "probe"), (f"{head}probe",), leading=2),
        *attention,
        *linear_entries(("vision", "pool", "out"), f"{head}attention.out_proj."),
        *norm_entries(("vision", "pool", "norm"), f"{head}layernorm"),
        *linear_entries(("vision", "pool", "hidden"), f"{head}mlp.fc1."),
        *linear_entries(("vision", "pool", "hidden_out"), f"{head}mlp.fc2."),
        Entry(("text", "tokens"), (f"{text}embeddings.token_embedding.weight",)),
        Entry(("text", "positions"), (f"{text}embeddings.position_embedding.weight",)),
        *_huggingface_blocks("text", text, config.text.transformer.layers),
        *norm_entries(("text", "norm_after"), f"{text}final_layer_norm"),
        *linear_entries(("text", "projection"), f"{text}head."),
    ]


class Layout(NamedTuple):
    """A checkpoint's configuration, as read from the files of a format.

    Attributes:
        format: the format's name.
        config: the sizes.
        preprocessing: the preprocessing of photos.
        entries: takes the keys in the weights' files, and gives the entry of each weight of the model.
        ignored: ends of keys that are not weights.
        pad_token: the padding token; a name if the tokenizer's own files may say another.
        end_token: the token at the end of a text; likewise.
    """

    format: str
    config: CLIPConfig | SigLIPConfig
    preprocessing: Preprocessing
    entries: Callable[[Collection[str]], list[Entry]]
    ignored: tuple[str, ...]
    pad_token: int | str
    end_token: int | str
