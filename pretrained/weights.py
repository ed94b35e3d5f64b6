"""A model filled with the weights of a checkpoint's files, one weight after the other."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, SigLIPConfig
from pretrained.keys import Entry, file_rows, file_shape, from_file
from pretrained.positions import resize
from pretrained.siglip import SigLIP
from pretrained.tensors import Tensors
from workbench.errors import InputError

DTYPES = ("float32", "bfloat16")
Config = CLIPConfig | SigLIPConfig


def read_model(
    tensors: Tensors, own: Config, used: Config, known: Sequence[Entry], ignored: Sequence[str], dtype: str = "float32"
) -> CLIP | SigLIP:
    """The model of some weights.

    Args:
        tensors: the weights.
        own: the configuration that they were trained with.
        used: the configuration of the model; where its pictures have another size, positions are resized.
        known: where each weight of the model stands.
        ignored: names that are no weights.
        dtype: in which weights are kept and computed with, a name of `DTYPES`; lone numbers are in single precision.

    Raises:
        InputError: the weights are not those that the configuration asks for.
    """
    variables: Any = dict(nnx.to_flat_state(nnx.split(nnx.eval_shape(lambda: _model(own)))[1]))
    wanted = {key: file_shape(entry, variables[entry.path].shape) for entry in known for key in entry.keys}
    _check(tensors, wanted, ignored)
    found = []
    for entry in known:
        variable = variables[entry.path]
        array = np.empty(variable.shape, jnp.dtype(dtype) if variable.shape else np.float32)
        parts = array if entry.stacked else array[None]
        for index, key in enumerate(entry.keys):
            parts[index] = from_file(entry, tensors.read(key, file_rows(entry, wanted[key])))
        if entry.path == ("vision", "positions") and own.vision.grid != used.vision.grid:
            array = resize(array, own.vision.grid, used.vision.grid)
        found.append((entry.path, variable.replace(jnp.asarray(array))))
    return nnx.merge(nnx.split(nnx.eval_shape(lambda: _model(used)))[0], nnx.from_flat_state(found))


def _model(config: Config) -> CLIP | SigLIP:
    rngs = nnx.Rngs(0)
    return CLIP(config, rngs=rngs) if isinstance(config, CLIPConfig) else SigLIP(config, rngs=rngs)


def _check(tensors: Tensors, wanted: dict[str, tuple[int, ...]], ignored: Sequence[str]) -> None:
    path, given = tensors.path, tensors.shapes.keys() - set(ignored)
    if missing := sorted(wanted.keys() - given):
        first = f"{missing[0]} of shape {wanted[missing[0]]}"
        raise InputError(f"{path}: lacks {len(missing)} weights that its configuration asks for, first {first}")
    if unknown := sorted(given - wanted.keys()):
        first = f"{unknown[0]} of shape {tensors.shapes[unknown[0]]}"
        raise InputError(f"{path}: holds {len(unknown)} weights that its configuration knows nothing of, first {first}")
    for key, shape in wanted.items():
        if tensors.shapes[key] != shape:
            raise InputError(f"{path}: {key} has shape {tensors.shapes[key]}, its configuration asks for {shape}")
