"""The settings in which the published tables ask the same question: who measured, on what, with which models.

Beside them stands what a model's name in the tables means: its architecture, its size, its data.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator

import pandas as pd

from published.directory import DIRECTORY
from published.tables import PublishedTables, read_table
from workbench.conventions import GROUPS
from workbench.errors import InputError

# What a backbone's name begins with where several share an architecture; others stand for themselves.
_ARCHITECTURES = ("RN", "ConvNext", "VGG", "ViT/B/32", "ViT/L/14", "ViT/H/14")
_COLLECTIONS = {"DFN2B": "DFN", "DFN5B": "DFN", "DataComp": "DataComp1B"}
# The model whose accuracies selected the photos, in any of its checkpoints (PAPER: CLIP-LAION400M-ViT/B/32).
SELECTOR = {"backbone": "ViT/B/32", "pretrain": "LAION400M"}

# What the replication's own files do not say; see published/README.md.
_REPLICATION = {"prompt": "simple", "averaging": "balanced"}


@functools.cache
def architecture(backbone: str) -> str:
    """A backbone's architecture: patches, width and depth of a ViT, whatever its image size."""
    return next((name for name in _ARCHITECTURES if backbone.startswith(name)), backbone)


@functools.cache
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
    return _look_up(models["backbone"], known["parameters_millions"], file)


def is_published(models: pd.DataFrame) -> pd.Series:
    """Whether each model's backbone and pre-training set are known here."""
    towers = _read("image_towers.csv", "backbone", "parameters_millions")
    return models["backbone"].isin(towers.index) & models["pretrain"].isin(_pretraining().index)


def pretraining_pairs(models: pd.DataFrame, file: str) -> pd.Series:
    """Image-text pairs of each model's pre-training set, in millions, as `image_tower_parameters` takes them."""
    return _look_up(models["pretrain"], _pretraining()["pairs_millions"], file)


def is_filtered(models: pd.DataFrame, file: str) -> pd.Series:
    """Whether each model's pre-training set was filtered for quality, as `image_tower_parameters` takes them."""
    return _look_up(models["pretrain"], _pretraining()["filtered"], file) == 1


def _pretraining() -> pd.DataFrame:
    return _read("pretraining_data.csv", "pretrain", "pairs_millions", "filtered")


@functools.cache
def _read(name: str, key: str, *numbers: str) -> pd.DataFrame:
    return read_table(DIRECTORY / name, {key: None} | dict.fromkeys(numbers, (0.0, 1e5))).set_index(key)


def _look_up(names: pd.Series, known: pd.Series, file: str) -> pd.Series:
    unknown = ~names.isin(known.index)
    if unknown.any():
        place = int(unknown.to_numpy().argmax())
        raise InputError(
            f"{file}: line {int(names.index[place]) + 2}, column {names.name!r}: the model {names.iloc[place]!r} is "
            f"unknown; {known.index.name}s known: {', '.join(map(str, known.index))}"
        )
    return names.map(known)


@dataclasses.dataclass(frozen=True)
class Setting:
    """One group of CLIPs measured in one way.

    Attributes:
        source: `paper` or `replication`.
        tables: the paper's table of the CLIPs, and that of the ImageNet models measured in the same way, if any.
        setup: `1v1000` or `1v20`.
        prompt: `simple` or `openai80`.
        averaging: `balanced` or `unbalanced`.
        selector: `included`, `excluded` or `family excluded`: the model that selected the photos; its family are the
            CLIPs with its data or its architecture.
        clips: a row for each CLIP.
        imagenet: a row for each ImageNet model; empty where none were measured in the same way.
        values: `as printed` or `corrected` by the audit.
    """

    source: str
    tables: tuple[str, ...]
    setup: str
    prompt: str
    averaging: str
    selector: str
    clips: pd.DataFrame
    imagenet: pd.DataFrame
    values: str = "as printed"

    @property
    def file(self) -> str:
        """The file that the accuracies are from."""
        return {"paper": "results.csv", "replication": "replication_results.csv"}.get(self.source, "--with")

    @property
    def clip_tables(self) -> tuple[str, ...]:
        """The tables, among `tables`, that hold the CLIPs."""
        return self.tables if self.imagenet.empty else self.tables[:1] if self.source == "paper" else ()

    def describe(self) -> dict[str, str]:
        """The setting in the words of the tables' own columns."""
        return {key: getattr(self, key) for key in ("setup", "prompt", "averaging", "selector")}


def settings(tables: PublishedTables, values: str = "as printed") -> Iterator[Setting]:
    """Yield all settings of both sources, in the order of the tables, each with and without the selecting model.

    A table whose CLIPs all stand in an earlier table with the same accuracies adds nothing and is left out.

    Args:
        tables: the published ones.
        values: whether they are `as printed` or `corrected`.
    """
    seen: set[tuple[object, ...]] = set()
    for source, results in (("paper", tables.results), ("replication", _replication(tables.replication))):
        for keys, group in results.groupby(["table", "setup", "prompt", "averaging"], sort=False):
            table, setup, prompt, averaging = (str(key) for key in keys)
            clips = group[group["family"] == "clip"]
            rows = {(source, *row) for row in clips[["backbone", "pretrain", *GROUPS]].itertuples(index=False)}
            if rows <= seen:
                continue
            seen |= rows
            imagenet = results[
                (results["family"] == "imagenet") & (results["setup"] == setup) & (results["averaging"] == averaging)
            ]
            selecting = is_selector(clips)
            names = tuple(dict.fromkeys([table, *imagenet["table"]])) if source == "paper" else ()
            yield Setting(source, names, setup, prompt, averaging, "included", clips, imagenet, values)
            if selecting.any():
                yield Setting(source, names, setup, prompt, averaging, "excluded", clips[~selecting], imagenet, values)


def without_family(setting: Setting) -> Setting:
    """Leave out of a setting the CLIPs that share the selecting model's data or its architecture."""
    related = setting.clips["pretrain"].eq(SELECTOR["pretrain"])
    related |= setting.clips["backbone"].map(architecture).eq(architecture(SELECTOR["backbone"]))
    return dataclasses.replace(setting, selector="family excluded", clips=setting.clips[~related])


def is_repeated(setting: Setting, every: Iterable[Setting]) -> bool:
    """Whether an earlier one of all settings is the same, of the same source, as Table 9 repeats with checkpoints."""
    first = next(other for other in every if other.source == setting.source and other.describe() == setting.describe())
    return first is not setting


def is_selector(clips: pd.DataFrame) -> pd.Series:
    """For each row, whether it is the model that selected the photos."""
    return (clips[list(SELECTOR)] == pd.Series(SELECTOR)).all(axis=1)


def _replication(results: pd.DataFrame) -> pd.DataFrame:
    return results.assign(table="replication", checkpoint="", **_REPLICATION)
