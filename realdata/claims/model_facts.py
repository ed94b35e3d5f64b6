"""What a model's name in the tables stands for: its architecture, its size, its data."""

import functools

import pandas as pd

from published.tables import DIRECTORY, read_table
from workbench.errors import InputError

# What a backbone's name begins with where several share an architecture; others stand for themselves.
_ARCHITECTURES = ("RN", "ConvNext", "VGG", "ViT/B/32", "ViT/L/14", "ViT/H/14")
_COLLECTIONS = {"DFN2B": "DFN", "DFN5B": "DFN", "DataComp": "DataComp1B"}


def architecture(backbone: str) -> str:
    """A backbone's architecture: patches, width and depth of a ViT, whatever its image size."""
    return next((name for name in _ARCHITECTURES if backbone.startswith(name)), backbone)


def collection(pretrain: str) -> str:
    """The collection that a pre-training set belongs to, where several sets were made as one."""
    return _COLLECTIONS.get(pretrain, pretrain)


def image_tower_parameters(models: pd.DataFrame, file: str) -> pd.Series:
    """Parameters of each CLIP's image tower, in millions.

    Args:
        models: a row for each, with `backbone`.
        file: that they are from, for the message.

    Raises:
        InputError: a backbone is unknown.
    """
    known = _read("image_towers.csv", "backbone", "parameters_millions")
    return _looked_up(models["backbone"], known["parameters_millions"], file)


def is_published(models: pd.DataFrame) -> pd.Series:
    """Whether each model's backbone and pre-training set are known here."""
    towers = _read("image_towers.csv", "backbone", "parameters_millions")
    return models["backbone"].isin(towers.index) & models["pretrain"].isin(_pretraining().index)


def pretraining_pairs(models: pd.DataFrame, file: str) -> pd.Series:
    """Image-text pairs of each model's pre-training set, in millions; arguments and errors as above."""
    return _looked_up(models["pretrain"], _pretraining()["pairs_millions"], file)


def is_filtered(models: pd.DataFrame, file: str) -> pd.Series:
    """Whether each model's pre-training set was filtered for quality; arguments and errors as above."""
    return _looked_up(models["pretrain"], _pretraining()["filtered"], file) == 1


def _pretraining() -> pd.DataFrame:
    return _read("pretraining_data.csv", "pretrain", "pairs_millions", "filtered")


@functools.cache
def _read(name: str, key: str, *numbers: str) -> pd.DataFrame:
    return read_table(DIRECTORY / name, {key: None} | dict.fromkeys(numbers, (0.0, 1e5))).set_index(key)


def _looked_up(names: pd.Series, known: pd.Series, file: str) -> pd.Series:
    unknown = ~names.isin(known.index)
    if unknown.any():
        place = int(unknown.to_numpy().argmax())
        raise InputError(
            f"{file}: line {int(names.index[place]) + 2}, column {names.name!r}: the model {names.iloc[place]!r} is "
            f"unknown; {known.index.name}s known: {', '.join(map(str, known.index))}"
        )
    return names.map(known)
