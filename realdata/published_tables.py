"""The published tables, read and checked: a wrong file is told by its name, row and column."""

import dataclasses
from pathlib import Path

import pandas as pd

from workbench.errors import InputError

DIRECTORY = Path(__file__).parent / "published"

# Columns that are read, and which of them are numbers, with the range allowed.
_PERCENT = (0.0, 100.0)
_COUNT = (1.0, float("inf"))
_RESULTS = {
    "table": None,
    "setup": None,
    "prompt": None,
    "averaging": None,
    "family": None,
    "backbone": None,
    "pretrain": None,
    "checkpoint": None,
    "common": _PERCENT,
    "counter": _PERCENT,
}
_REPLICATION = {
    "setup": None,
    "family": None,
    "backbone": None,
    "pretrain": None,
    "common": _PERCENT,
    "counter": _PERCENT,
}
_CLASSES = {"imagenet_index": (0.0, 999.0), "label": None, "common_photos": _COUNT, "counter_photos": _COUNT}


@dataclasses.dataclass(frozen=True)
class PublishedTables:
    """The published accuracies.

    Attributes:
        results: `results.csv`: a row for each model in each table of the paper; accuracies in %.
        replication: `replication_results.csv`: the same columns, as far as the replication gives them.
        classes: `classes.csv`: the 45 classes with their photo counts.
    """

    results: pd.DataFrame
    replication: pd.DataFrame
    classes: pd.DataFrame


def read_published_tables(directory: Path = DIRECTORY) -> PublishedTables:
    """Read the tables from the package, or from a folder of files with the same names.

    Raises:
        InputError: a file is missing, has no such column, or holds a value that cannot be one.
    """
    if not directory.is_dir():
        raise InputError(f"--published: {directory} is no directory")
    return PublishedTables(
        read_table(directory / "results.csv", _RESULTS),
        read_table(directory / "replication_results.csv", _REPLICATION),
        read_table(directory / "classes.csv", _CLASSES),
    )


def read_table(path: Path, columns: dict[str, tuple[float, float] | None]) -> pd.DataFrame:
    """Read one CSV file.

    Args:
        path: the file.
        columns: those that it must have; a range makes a column numeric and bounds it, None leaves it as text.

    Raises:
        InputError: naming the file, and where there is one the row and column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # pandas' parser and decoding errors are ValueErrors
        raise InputError(f"{path}: cannot be read as a CSV table: {str(error).splitlines()[0]}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(f"{path}: lacks the column {missing[0]!r}; it has {', '.join(table.columns)}")
    if table.empty:
        raise InputError(f"{path}: has no rows")
    for column, bounds in columns.items():
        if bounds is not None:
            table[column] = _numbers(path, table[column], bounds)
    return table


def _numbers(path: Path, column: pd.Series, bounds: tuple[float, float]) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce")
    wrong = values.isna() | (values < bounds[0]) | (values > bounds[1])
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        allowed = f"a number from {bounds[0]:g} to {bounds[1]:g}" if bounds[1] < float("inf") else "a positive number"
        # The header is the file's line 1.
        raise InputError(f"{path}: line {row + 2}, column {column.name!r}: must be {allowed}, got {column.iloc[row]!r}")
    return values.astype(float)
