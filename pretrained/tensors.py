"""The weights in a checkpoint's files: their shapes at once, each one's values when asked for."""

import importlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes  # noqa: F401  NumPy learns bfloat16 from it
import numpy as np
from safetensors import SafetensorError, safe_open

from pretrained.json_file import read_json
from workbench.errors import InputError


class Tensors(NamedTuple):
    """The weights in a checkpoint's files.

    Attributes:
        path: the file, or the index of several.
        shapes: of each weight.
        read: the values of some of a weight's rows, or of all of it.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str, slice | None], np.ndarray]


def open_tensors(path: Path) -> Tensors:
    """The weights of a file, or of the files that an index lists; no code in them is run.

    Raises:
        InputError: a file is missing or cannot be read, or it lacks a weight that the index promises.
    """
    if path.name.endswith(".index.json"):
        return _sharded(path)
    return _pickled(path) if path.suffix == ".bin" else _safetensors(path)


def _safetensors(path: Path) -> Tensors:
    try:
        # Left open: values are read from the mapped file one weight at a time.
        file = safe_open(path, framework="np")
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118  no mapping
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from error
    return Tensors(path, shapes, lambda key, rows: file.get_tensor(key) if rows is None else file.get_slice(key)[rows])


def _pickled(path: Path) -> Tensors:
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise InputError(f"{path}: pickled weights are read by the package torch, which is not installed") from error
    try:
        # weights_only builds tensors and containers, and refuses whatever else a pickle asks to call.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Exception as error:  # the library raises nothing narrower
        said = str(error).strip().partition("\n")[0]
        raise InputError(f"{path}: cannot be read as weights alone ({said})") from error
    if not isinstance(found, dict) or not all(torch.is_tensor(part) for part in found.values()):
        raise InputError(f"{path}: must hold weights by name and nothing else")

    def read(key: str, rows: slice | None) -> np.ndarray:
        part = found[key] if rows is None else found[key][rows]
        return part.detach().to(torch.float32).numpy()

    return Tensors(path, {key: tuple(part.shape) for key, part in found.items()}, read)


def _sharded(path: Path) -> Tensors:
    places = read_json(path).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise InputError(f"{path}: must hold a weight_map from weights to files")
    if strange := sorted(name for name in set(places.values()) if Path(name).name != name):
        raise InputError(f"{path}: names {strange[0]!r}, which is no file beside it")
    shards = {name: open_tensors(path.parent / name) for name in sorted(set(places.values()))}
    if lost := sorted(key for key, name in places.items() if key not in shards[name].shapes):
        raise InputError(f"{path.parent / places[lost[0]]}: lacks {lost[0]}, which {path.name} places there")
    shapes = {key: shards[name].shapes[key] for key, name in places.items()}
    return Tensors(path, shapes, lambda key, rows: shards[places[key]].read(key, rows))
