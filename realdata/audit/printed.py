"""The tables as text: each cell with its place, its last decimal and the words of its row.

A model or a class that is in one file only is an error.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from published.tables import read_printed
from workbench.conventions import GROUPS
from workbench.errors import InputError

_FILES = (
    "results.csv",
    "classwise.csv",
    "classes.csv",
    "checkpoints.csv",
    "hub_ids.csv",
    "colored_coco.csv",
    "multicolored_mnist.csv",
    "replication_results.csv",
    "replication_classwise.csv",
)
_TOTALS = "totals.csv"  # a folder may lack it; then no totals are checked
# Columns with measured numbers, by file.
NUMBERS = {
    "results.csv": (*GROUPS, "drop"),
    "classwise.csv": (*GROUPS, "drop"),
    "classes.csv": ("common_photos", "counter_photos"),
    "checkpoints.csv": ("checkpoint",),
    "colored_coco.csv": ("in_distribution", "out_of_distribution", "drop"),
    "multicolored_mnist.csv": ("rand_mean", "rand_std", "rev_mean", "rev_std", "rest_mean", "rest_std"),
    "replication_results.csv": (*GROUPS, "drop"),
    "replication_classwise.csv": GROUPS,
    "totals.csv": ("photos",),
}
# The columns that name classes in a class-wise table.
CLASS_KEYS = {"classwise.csv": "class_id", "replication_classwise.csv": "imagenet_index"}
_TABLES = {
    "classes.csv": "Fig. 3",
    "checkpoints.csv": "6",
    "colored_coco.csv": "7",
    "multicolored_mnist.csv": "8",
    "replication_results.csv": "replication",
    "replication_classwise.csv": "replication",
    "totals.csv": "section 4",
}


class CellPlace(NamedTuple):
    """A cell: its file, line (the header is line 1) and column."""

    file: str
    line: int
    column: str


@dataclasses.dataclass(frozen=True)
class PrintedTables:
    """All files as text.

    Attributes:
        frames: tables by file name, indexed by the line in the file; `totals.csv` only if the folder has it.
        units: one unit of the last decimal in a column of a table, by file, table and column.
    """

    frames: dict[str, pd.DataFrame]
    units: dict[tuple[str, str, str], Fraction]

    @cached_property
    def rows(self) -> dict[str, dict[int, dict[str, str]]]:
        """Every row as a dictionary, by file and line."""
        return {name: _rows(frame) for name, frame in self.frames.items()}

    def text(self, place: CellPlace) -> str:
        """The cell as printed."""
        return self.rows[place.file][place.line][place.column]

    def value(self, place: CellPlace) -> Fraction:
        """The cell's number, exact."""
        found = self._values.get(place)
        if found is None:
            found = self._values[place] = Fraction(self.text(place))
        return found

    @cached_property
    def _values(self) -> dict[CellPlace, Fraction]:
        return {}

    def table(self, file: str, line: int) -> str:
        """The number of the paper's table with this row, `Fig. 3`, or `replication`."""
        return _TABLES.get(file) or self.rows[file][line]["table"]

    def unit(self, place: CellPlace) -> Fraction:
        """One unit of the last decimal of the cell's column, such as 1/100."""
        return self.units[place.file, self.table(place.file, place.line), place.column]

    def words(self, place: CellPlace) -> str:
        """The row's name: its class, backbone, pre-training set."""
        row = self.rows[place.file][place.line]
        if place.file == "classes.csv":
            return short(row["label"])
        if place.file == "totals.csv":
            return f"all {row['group']} photos"
        if place.file == "multicolored_mnist.csv":
            return f"{row['classes']} classes, p_inv {row['p_inv']}, p_spu {row['p_spu']}, {row['method']}"
        more = next((row[key] for key in ("checkpoint", "approach") if row.get(key)), "")
        model = " ".join(word for word in (row["backbone"], row["pretrain"], more) if word)
        if place.file == "checkpoints.csv":
            return f"{row['backbone']} {row['pretrain']}"
        if place.file == "classwise.csv":
            return f"{short(self.label('class_id', row['class_id']))}, {model}"
        if place.file == "replication_classwise.csv":
            return f"{short(self.label('imagenet_index', row['imagenet_index']))}, {model}"
        return f"{model}, {row['setup']}" if place.file == "replication_results.csv" else model

    def label(self, key: str, value: str) -> str:
        """The label of a class, found by `class_id` or `imagenet_index`."""
        return self._labels[key][value]

    @cached_property
    def _labels(self) -> dict[str, dict[str, str]]:
        classes = self.rows["classes.csv"].values()
        return {key: {row[key]: row["label"] for row in classes} for key in CLASS_KEYS.values()}

    def model(self, file: str, line: int) -> tuple[str, str]:
        """Backbone and pre-training set of a row."""
        row = self.rows[file][line]
        return row["backbone"], row["pretrain"]

    def places(self, file: str) -> Iterator[CellPlace]:
        """Every cell of a file with a measured number."""
        if file in self.frames:
            for line in self.frames[file].index:
                for column in NUMBERS[file]:
                    yield CellPlace(file, int(line), column)


def _rows(frame: pd.DataFrame) -> dict[int, dict[str, str]]:
    cells = zip(*(frame[column].tolist() for column in frame), strict=True)
    rows = (dict(zip(frame.columns, row, strict=True)) for row in cells)
    return dict(zip(frame.index.tolist(), rows, strict=True))


def short(label: str) -> str:
    """The first of a class's names."""
    return label.partition(",")[0]


def read_printed_tables(directory: Path) -> PrintedTables:
    """Read all files of a folder of published tables.

    Raises:
        InputError: a file is missing or wrong, or names a model or class that no other file has; the message gives the
            file, line and column.
    """
    if not directory.is_dir():
        raise InputError(f"`published`: {directory} is no directory")
    names = [*_FILES, *([_TOTALS] if (directory / _TOTALS).exists() else [])]
    frames = {name: read_printed(directory, name) for name in names}
    check_known(directory, frames)
    units = {
        (file, table, column): Fraction(1, 10 ** max(map(_decimals, part.tolist())))
        for file, columns in NUMBERS.items()
        if file in frames and file != "checkpoints.csv"
        for column in columns
        for table, part in _by_table(file, frames[file], column)
    }
    return PrintedTables(frames, units)


def _by_table(file: str, frame: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.Series]]:
    if file in _TABLES:
        yield _TABLES[file], frame[column]
    else:
        for table, part in frame.groupby("table", sort=False):
            yield str(table), part[column]


def _decimals(text: str) -> int:
    return len(text.strip().partition(".")[2])


def check_known(directory: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Compare the names of models and classes across the files.

    Raises:
        InputError: a name is in one file only; the message gives the file, line and column of the first.
    """
    results, hub = frames["results.csv"], frames["hub_ids.csv"]
    # An ImageNet model is in the replication or in another table of the paper; an LVLM is in one table only.
    imagenet = results[results["family"] == "imagenet"]
    once = {model for model, tables in imagenet.groupby(["backbone", "pretrain"])["table"] if tables.nunique() == 1}
    replicated = set(_models(frames["replication_results.csv"]).values())
    known = {name: set(_models(frame).values()) for name, frame in (("results", results), ("hub", hub))}
    for name, frame in frames.items():
        if "backbone" not in frame or name == "hub_ids.csv":  # a list of published models, which may have more
            continue
        families = frame["family"].to_dict() if name == "results.csv" else {}
        for line, model in _models(frame).items():
            if name != "results.csv":
                stands = model in known["results"] or model in known["hub"]
            elif families[line] == "imagenet":
                stands = model not in once or model in replicated
            else:
                stands = families[line] == "lvlm" or model in known["hub"]
            if not stands:
                raise InputError(
                    f"{directory / name}: line {line}, column 'backbone': no other file knows the model "
                    f"{' '.join(model)!r}"
                )
    for name, key in CLASS_KEYS.items():
        allowed = set(frames["classes.csv"][key])
        for line, value in zip(frames[name].index, frames[name][key].tolist(), strict=True):
            if value not in allowed:
                raise InputError(
                    f"{directory / name}: line {line}, column {key!r}: classes.csv has no such class, got {value!r}"
                )


def _models(frame: pd.DataFrame) -> dict[int, tuple[str, str]]:
    pairs = zip(frame["backbone"].tolist(), frame["pretrain"].tolist(), strict=True)
    return dict(zip(frame.index.tolist(), pairs, strict=True))
