"""How a weight of ours relates to those of a file: where it stands there, and how it is laid out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Entry(NamedTuple):
    """One of our weights.

    Attributes:
        path: in the model's state.
        keys: in the file; several for the layers of a stack.
        kind: `same`, `linear` (the file holds the transpose), or `patches` (the file holds a convolution's filters).
        stacked: whether the weight has a leading axis for the layers.
        patch: side of a patch, for `patches`.
        third: which third of the file's weight it is, where that holds queries, keys and values in one.
        leading: number of axes of length 1 that the file's weight has before ours.
    """

    path: tuple[str, ...]
    keys: tuple[str, ...]
    kind: str = "same"
    stacked: bool = False
    patch: int = 0
    third: int | None = None
    leading: int = 0


def norm_entries(path: tuple[str, ...], key: str) -> list[Entry]:
    """The two weights of a layer norm."""
    return [Entry((*path, "scale"), (f"{key}.weight",)), Entry((*path, "bias"), (f"{key}.bias",))]


def linear_entries(path: tuple[str, ...], key: str, third: int | None = None) -> list[Entry]:
    """The two weights of a linear map that is not stacked; the key up to `weight` and `bias`."""
    return [
        Entry((*path, "kernel"), (f"{key}weight",), "linear", third=third),
        Entry((*path, "bias"), (f"{key}bias",), third=third),
    ]


def stack(tower: str, name: str, part: str, keys: Iterable[str], kind: str = "same", third: int | None = None) -> Entry:
    """A weight of the stacked blocks of a tower, from its keys layer by layer."""
    return Entry((tower, "transformer", "blocks", name, part), tuple(keys), kind, stacked=True, third=third)


def block_entries(
    tower: str, layers: Sequence[str], linear: Mapping[str, str], norms: Mapping[str, str]
) -> list[Entry]:
    """The weights of a tower's blocks that stand in the file one by one.

    Args:
        tower: `vision` or `text`.
        layers: what the keys of each layer begin with.
        linear: our linear maps to their names in the file.
        norms: our layer norms to theirs.
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
    """One of our weights, or a layer of it, from the file's; its third, where it is one."""
    if entry.kind == "linear":
        return tensor.T
    if entry.kind == "patches":  # (width, channels, row, column) -> (row, column, channels; width)
        return tensor.transpose(2, 3, 1, 0).reshape(-1, tensor.shape[0])
    return tensor.reshape(tensor.shape[entry.leading :])


def to_file(entry: Entry, array: np.ndarray) -> list[np.ndarray]:
    """Those of the file, from one of our weights."""
    return [_to(entry, part) for part in (array if entry.stacked else [array])]


def _to(entry: Entry, array: np.ndarray) -> np.ndarray:
    if entry.kind == "linear":
        return array.T
    if entry.kind == "patches":
        return array.reshape(entry.patch, entry.patch, 3, -1).transpose(3, 2, 0, 1)
    return array.reshape((1,) * entry.leading + array.shape)


def file_shape(entry: Entry, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of each of the file's weights, from ours."""
    shape = shape[1:] if entry.stacked else shape
    first, *rest = _to(entry, np.broadcast_to(np.float32(0), shape)).shape or (None,)
    return () if first is None else (first if entry.third is None else 3 * first, *rest)


def file_rows(entry: Entry, shape: tuple[int, ...]) -> slice | None:
    """Which rows of a weight of that shape in the file are ours; all of them where it is None."""
    if entry.third is None:
        return None
    third = shape[0] // 3
    return slice(entry.third * third, (entry.third + 1) * third)
