"""A checkpoint's files: weights that cannot run code, and configurations."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig
from pretrained.keys import Entry, from_file
from workbench.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: it is missing, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold a JSON object")
    return content


def read_model(path: Path, config: CLIPConfig, known: Sequence[Entry], ignored: Collection[str]) -> CLIP:
    """The model of a file of weights.

    Args:
        path: the file.
        config: of the model.
        known: where each of its weights stands.
        ignored: keys in the file that are no weights.

    Raises:
        InputError: the file is missing, is no safetensors, or holds other weights than the configuration says.
    """
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; only safetensors are read, since they cannot run code") from error
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from error
    wanted = {key for entry in known for key in entry.keys}
    given = tensors.keys() - set(ignored)
    if missing := sorted(wanted - given):
        raise InputError(f"{path}: lacks {len(missing)} weights that its configuration asks for, first {missing[0]}")
    if unknown := sorted(given - wanted):
        shape = tensors[unknown[0]].shape
        raise InputError(f"{path}: holds {len(unknown)} weights of no CLIP, first {unknown[0]} of shape {shape}")
    graph, shapes = nnx.split(nnx.eval_shape(lambda: CLIP(config, rngs=nnx.Rngs(0))))
    variables: Any = dict(nnx.to_flat_state(shapes))
    found = []
    for entry in known:
        array = from_file(entry, [tensors[key] for key in entry.keys]).astype(np.float32)
        variable = variables[entry.path]
        if array.shape != variable.shape:
            raise InputError(
                f"{path}: {entry.keys[0]} makes a weight of shape {array.shape}, its configuration {variable.shape}"
            )
        found.append((entry.path, variable.replace(jax.numpy.asarray(array))))
    return nnx.merge(graph, nnx.from_flat_state(found))
