"""A checkpoint's weights: their shapes, their values one after the other, and the model that they make."""

import functools
import importlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes  # noqa: F401  NumPy learns bfloat16 from it
import numpy as np
from flax import nnx
from safetensors import SafetensorError, safe_open

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, SigLIPConfig
from pretrained.keys import Entry, StatePath, file_rows, file_shape, from_file
from pretrained.layers import Shapes
from pretrained.siglip import SigLIP
from pretrained.transformer import resize
from workbench.errors import InputError, RunError
from workbench.results import read_json


class Tensors(NamedTuple):
    """The weights in a checkpoint's files.

    Attributes:
        path: the file, or the index of several files.
        shapes: the shape of each weight.
        read: reads the values of a weight, or of some of its rows.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str, slice | None], np.ndarray]


def open_tensors(path: Path) -> Tensors:
    """Open the weights of a file, or of the files in an index, without running code from them.

    Raises:
        InputError: a file is missing or cannot be read, or lacks a weight that the index lists.
    """
    if path.name.endswith(".index.json"):
        return _open_sharded(path)
    return _open_pickled(path) if path.suffix in PICKLED else _safetensors(path)


def _safetensors(path: Path) -> Tensors:
    try:
        # The file stays open: values are read from the mapped file, one weight at a time.
        file = safe_open(path, framework="np")
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118  no mapping
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from error
    return Tensors(path, shapes, lambda key, rows: file.get_tensor(key) if rows is None else file.get_slice(key)[rows])


def _open_pickled(path: Path) -> Tensors:
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise InputError(f"{path}: pickled weights are read by the package torch, which is not installed") from error
    try:
        # weights_only builds tensors and containers, and refuses every other call in a pickle.
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


def _open_sharded(path: Path) -> Tensors:
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


PICKLED = (".bin", ".pth", ".pt")  # how PyTorch's files end
DTYPES = ("float32", "bfloat16")
Config = CLIPConfig | SigLIPConfig


def read_model(
    tensors: Tensors,
    own: Config,
    used: Config,
    known: Sequence[Entry],
    ignored: tuple[str, ...],
    dtype: str = "float32",
) -> CLIP | SigLIP:
    """Build the model from its weights.

    Args:
        tensors: the weights.
        own: the configuration of their training.
        used: the configuration of the model; if its images have another size, positions are resized.
        known: the entry of each weight of the model.
        ignored: ends of names that are not weights.
        dtype: the type of weights and computation, a name in `DTYPES`; single numbers, and the means and variances of
            batch norms, stay in single precision.

    Raises:
        InputError: the weights are not those of the configuration.
        RunError: a weight is not finite; the message names the first one.
    """
    found = []
    for place, variable, array in read_arrays(tensors, dict(_shapes(own)[1]), known, ignored, dtype):
        if place == ("vision", "positions") and own.vision.grid != used.vision.grid:
            array = resize(array, own.vision.grid, used.vision.grid)
        # `jnp.asarray` would compile a program for each shape.
        found.append((place, variable.replace(jax.device_put(array))))
    return nnx.merge(_shapes(used)[0], nnx.from_flat_state(found))


def read_arrays(
    tensors: Tensors, variables: Mapping[StatePath, Any], known: Sequence[Entry], ignored: tuple[str, ...], dtype: str
) -> Iterator[tuple[StatePath, Any, np.ndarray]]:
    """The values of a model's weights, one after the other, with the path and the variable of each.

    Args:
        tensors: the weights in the file.
        variables: those of the model, without values.
        known: the entry of each.
        ignored: as in `read_model`.
        dtype: as in `read_model`.

    Raises:
        InputError: as in `read_model`.
        RunError: as in `read_model`.
    """
    wanted = {key: file_shape(entry, variables[entry.path].shape) for entry in known for key in entry.keys}
    _check(tensors, wanted, ignored)
    for entry in known:
        variable = variables[entry.path]
        single = not variable.shape or issubclass(variable.type, nnx.BatchStat)
        array = np.empty(variable.shape, np.float32 if single else jnp.dtype(dtype))
        parts = array if entry.stacked else array[None]
        for index, key in enumerate(entry.keys):
            values = tensors.read(key, file_rows(entry, wanted[key]))
            parts[index] = from_file(entry, values)
            _check_finite(tensors.path, key, values, parts[index], dtype)
        yield entry.path, variable, array


def same_weights(model: CLIP | SigLIP, config: Config) -> CLIP | SigLIP:
    """A model that shares the weights, with a configuration that needs the same shapes, such as another activation."""
    return nnx.merge(_shapes(config)[0], nnx.state(model))


@functools.lru_cache(maxsize=8)
def _shapes(config: Config) -> tuple[Any, tuple[Any, ...]]:
    """The graph of a model, and its variables by path, without values."""
    graph, state = nnx.split(_model(config, Shapes()))
    return graph, tuple(nnx.to_flat_state(state))


def _model(config: Config, rngs: nnx.Rngs) -> CLIP | SigLIP:
    return CLIP(config, rngs=rngs) if isinstance(config, CLIPConfig) else SigLIP(config, rngs=rngs)


def _check_finite(path: Path, key: str, values: np.ndarray, kept: Any, dtype: str) -> None:
    """Check that a weight is finite; the message says whether it overflows or is so in the file."""
    bad = int((~np.isfinite(kept)).sum())
    if bad and np.isfinite(values).all():
        raise RunError(f"{path}: {key} holds {bad} values that overflow in {dtype}; `dtype` float32 holds them")
    if bad:
        raise RunError(f"{path}: {key} holds {bad} values that are not finite, in the file itself")


def _check(tensors: Tensors, wanted: dict[str, tuple[int, ...]], ignored: tuple[str, ...]) -> None:
    path, given = tensors.path, {key for key in tensors.shapes if not key.endswith(ignored)}
    if missing := sorted(wanted.keys() - given):
        first = f"{missing[0]} of shape {wanted[missing[0]]}"
        raise InputError(f"{path}: lacks {len(missing)} weights that its configuration asks for, first {first}")
    if unknown := sorted(given - wanted.keys()):
        first = f"{unknown[0]} of shape {tensors.shapes[unknown[0]]}"
        raise InputError(f"{path}: holds {len(unknown)} weights that its configuration knows nothing of, first {first}")
    for key, shape in wanted.items():
        if tensors.shapes[key] != shape:
            raise InputError(f"{path}: {key} has shape {tensors.shapes[key]}, its configuration asks for {shape}")
