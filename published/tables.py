"""The published tables, read and checked: a wrong file is told by its name, row and column.

`add_published_option` is the option of programs that read them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from published.directory import DIRECTORY
from workbench.conventions import GROUPS
from workbench.errors import InputError

# Columns that are read: numbers or whole numbers with the range allowed, words with those allowed, or any text.
Column = tuple[float, float] | tuple[int, int] | tuple[str, ...] | None
_PERCENT = (0.0, 100.0)
_COUNT = (1, 10**9)
_IMAGENET_INDEX = (0, 999)
_POINTS: Column = (-100.0, 100.0)
_SHARE = (0.0, 1.0)
_FAMILY = ("clip", "imagenet", "lvlm")
_SETUP = ("1v1000", "1v20")
_RESULTS = {
    "table": None,
    "setup": _SETUP,
    "prompt": ("simple", "openai80", "none"),
    "averaging": ("balanced", "unbalanced"),
    "family": _FAMILY,
    "backbone": None,
    "pretrain": None,
    "checkpoint": None,
    "common": _PERCENT,
    "counter": _PERCENT,
}
_REPLICATION = {
    "setup": _SETUP,
    "family": _FAMILY,
    "backbone": None,
    "pretrain": None,
    "common": _PERCENT,
    "counter": _PERCENT,
}
_CLASSES: dict[str, Column] = {
    "imagenet_index": _IMAGENET_INDEX,
    "label": None,
    "common_photos": _COUNT,
    "counter_photos": _COUNT,
}
_MODEL: dict[str, Column] = {"backbone": None, "pretrain": None}
_CLASSWISE = _MODEL | {"class_id": _COUNT, "common": _PERCENT, "counter": _PERCENT}
_REPLICATION_CLASSWISE = _MODEL | {"imagenet_index": _IMAGENET_INDEX} | dict.fromkeys(GROUPS)
_MNIST: dict[str, Column] = {"classes": _COUNT, "p_inv": _SHARE, "p_spu": _SHARE}
_MNIST |= {"method": ("contrastive", "supervised")}
_MNIST |= {f"{group}_{part}": _PERCENT for group in ("rand", "rev") for part in ("mean", "std")}
_MNIST |= {"rest_mean": None, "rest_std": None}
# Text that is a number or nothing.
_OR_NOTHING = {"replication_classwise.csv": GROUPS, "multicolored_mnist.csv": ("rest_mean", "rest_std")}
# Every column that the audit reads.
_PRINTED: dict[str, Mapping[str, Column]] = {
    "results.csv": _RESULTS | {"drop": _POINTS},
    "classwise.csv": {"table": None} | _CLASSWISE | {"drop": _POINTS},
    "classes.csv": {"class_id": _COUNT} | _CLASSES,
    "checkpoints.csv": _MODEL | {"checkpoint": None},
    "hub_ids.csv": _MODEL | {"checkpoint": None, "open_clip_tag": None, "hub_id": None, "quick_gelu": ("0", "1")},
    "colored_coco.csv": _MODEL
    | {"approach": None, "in_distribution": _PERCENT, "out_of_distribution": _PERCENT, "drop": _POINTS},
    "multicolored_mnist.csv": _MNIST | {"samples": _COUNT},
    "replication_results.csv": _REPLICATION | {"drop": _POINTS},
    "replication_classwise.csv": {"setup": _SETUP} | _REPLICATION_CLASSWISE,
    "totals.csv": {"group": GROUPS, "photos": _COUNT},
}

_SHIFTS: dict[str, Column] = {"imagenet": _PERCENT, "imagenet_v2": _PERCENT, "imagenet_sketch": _PERCENT}
_SHIFTS |= {"imagenet_r": _PERCENT, "imagenet_a": _PERCENT}
_ALL_SHIFTS: dict[str, Column] = _SHIFTS | {"objectnet": _PERCENT}
# Measurements of the same and of other models by others: columns, and those that no two rows may share.
_OTHERS: dict[str, tuple[dict[str, Column], tuple[str, ...]]] = {
    "shifts_clips.csv": (_MODEL | {"checkpoint": None} | _ALL_SHIFTS, ("backbone", "pretrain", "checkpoint")),
    "shifts_testbed.csv": ({"model": None} | _ALL_SHIFTS, ("model",)),
    "shifts_timm.csv": ({"model": None} | _SHIFTS, ("model",)),
    "torchvision_imagenet.csv": ({"model": None, "backbone": None, "imagenet": _PERCENT}, ("backbone",)),
    "occam_counteranimal.csv": (
        {"model": None, "hub_or_tag": None, "view": None, "common": _PERCENT, "counter": _PERCENT},
        ("model", "view"),
    ),
    "hsplid_counteranimal.csv": ({"method": None, "ca_common": _PERCENT, "ca_counter": _PERCENT}, ("method",)),
}


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
        raise InputError(f"`published`: {directory} is no directory")
    return PublishedTables(
        _refuse_repeats(directory / "results.csv", read_table(directory / "results.csv", _RESULTS)),
        read_table(directory / "replication_results.csv", _REPLICATION),
        read_table(directory / "classes.csv", _CLASSES),
    )


def _refuse_repeats(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Give the table back, if no model stands in it twice in one setting."""
    key = [name for name, allowed in _RESULTS.items() if allowed != _PERCENT]
    twice = table.duplicated(key)
    if twice.any():
        row = int(twice.to_numpy().argmax())
        words = " ".join(str(table.iloc[row][name]) for name in ("backbone", "pretrain", "checkpoint")).strip()
        raise InputError(f"{path}: line {row + 2}, column 'backbone': {words!r} stands in this table and setting twice")
    return table


def read_others(name: str, directory: Path = DIRECTORY) -> pd.DataFrame:
    """Read one of the tables that others measured, such as `shifts_clips.csv`; accuracies in %.

    Args:
        name: of the file.
        directory: of the tables.

    Raises:
        InputError: the file is missing, has no such column, holds a value that cannot be one, or a model twice.
    """
    path = directory / name
    columns, key = _OTHERS[name]
    table = read_table(path, columns)
    twice = table.duplicated(list(key))
    if twice.any():
        row = int(twice.to_numpy().argmax())
        words = " ".join(str(table.iloc[row][column]) for column in key).strip()
        raise InputError(f"{path}: line {row + 2}, column {key[0]!r}: {words!r} stands in this table twice")
    return table


def read_classwise(
    directory: Path = DIRECTORY, edit: Callable[[pd.DataFrame, str], pd.DataFrame] = lambda frame, file: frame
) -> dict[str, pd.DataFrame]:
    """Accuracies of single classes by source, `paper` (Tables 15 and 16) and `replication`.

    Args:
        directory: of the tables.
        edit: what to make of a file's rows, given its name, before anything else is done with them.

    Returns:
        A row for each CLIP and class, with `backbone`, `pretrain`, `imagenet_index`, `label`, `common` and `counter`
        (in %, NaN where the replication left it out); a model that stands in both of the paper's tables once.

    Raises:
        InputError: a file is missing, has no such column, or holds a value that cannot be one.
    """
    classes = read_table(directory / "classes.csv", _CLASSES | {"class_id": _COUNT})[
        ["class_id", "imagenet_index", "label"]
    ]
    columns = ["backbone", "pretrain", "imagenet_index", "label", *GROUPS]
    paper = edit(read_table(directory / "classwise.csv", _CLASSWISE), "classwise.csv").merge(classes, on="class_id")
    path = directory / "replication_classwise.csv"
    replication = read_table(path, _REPLICATION_CLASSWISE)
    for group in _OR_NOTHING[path.name]:
        replication[group] = _numbers_or_nothing(path, replication[group])
    return {
        "paper": paper[columns].drop_duplicates(ignore_index=True),
        "replication": edit(replication, path.name).merge(classes, on="imagenet_index")[columns],
    }


def read_table(path: Path, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Read one CSV file.

    Args:
        path: the file.
        columns: those that it must have; two numbers make a column numeric and bound it, and whole where they are
            whole; words are those allowed, None leaves it as text.

    Raises:
        InputError: naming the file, and where there is one the row and column.
    """
    return _check(path, _text(path, columns), columns)


def read_printed(directory: Path, name: str) -> pd.DataFrame:
    """Read one of the files as text, as it was printed, indexed by the line in the file; checked as `read_table` does.

    Args:
        directory: of the files.
        name: of one that the audit reads, such as `results.csv`.

    Raises:
        InputError: naming the file, and where there is one the row and column.
    """
    path, columns = directory / name, _PRINTED[name]
    text = _text(path, columns)
    _check(path, text.copy(), columns)
    for column in _OR_NOTHING.get(name, ()):
        values = _numbers_or_nothing(path, text[column])
        _refuse(path, text[column], ~(values.between(*_PERCENT) | values.isna()), "a number from 0 to 100 or nothing")
    return text.set_axis(range(2, len(text) + 2))  # the header is line 1


def _text(path: Path, columns: Mapping[str, Column]) -> pd.DataFrame:
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
    return table


def _check(path: Path, table: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    for column, allowed in columns.items():
        if allowed is None:
            continue
        if isinstance(allowed[0], str):
            wrong = ~table[column].isin(allowed)
            _refuse(path, table[column], wrong, f"among {', '.join(map(str, allowed))}")
        else:
            whole = isinstance(allowed[0], int)
            table[column] = _numbers(path, table[column], float(allowed[0]), float(allowed[1]), whole)
    return table


def _numbers(path: Path, column: pd.Series, low: float, high: float, whole: bool) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = ~values.between(low, high)
    if whole:
        wrong |= values % 1 != 0
    _refuse(path, column, wrong, f"{'a whole number' if whole else 'a number'} from {low:g} to {high:g}")
    return values


def _refuse(path: Path, column: pd.Series, wrong: pd.Series, allowed: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        # The header is the file's line 1.
        raise InputError(f"{path}: line {row + 2}, column {column.name!r}: must be {allowed}, got {column.iloc[row]!r}")


def read_multicolored_mnist(directory: Path = DIRECTORY) -> pd.DataFrame:
    """Table 8: a row for each method and setting; accuracies in %, NaN for the rest of two classes.

    Raises:
        InputError: the file is missing, has no such column, or holds a value that cannot be one.
    """
    path = directory / "multicolored_mnist.csv"
    table = read_table(path, _MNIST)
    for column in _OR_NOTHING[path.name]:
        table[column] = _numbers_or_nothing(path, table[column])
    return table


def read_colored_coco(directory: Path = DIRECTORY) -> pd.DataFrame:
    """Table 7: a row for each backbone and approach; accuracies in %.

    Raises:
        InputError: the file is missing, has no such column, or holds a value that cannot be one.
    """
    columns: dict[str, Column] = _MODEL | {"approach": ("zero_shot", "obj", "objbkg", "supervised")}
    columns |= dict.fromkeys(("in_distribution", "out_of_distribution"), _PERCENT)
    return read_table(directory / "colored_coco.csv", columns)


def _numbers_or_nothing(path: Path, column: pd.Series) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce").astype(float)
    _refuse(path, column, values.isna() & (column != ""), "a number or nothing")
    return values
