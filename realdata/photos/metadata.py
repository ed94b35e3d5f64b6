"""Photos whose class, attribute and split stand in a table: Waterbirds, CelebA and what others keep in their form.

A row names a photo's file, its class and the attribute that may mislead, such as the background. Both are numbers (the
place among the names) or names. A group is a class with an attribute. The usual columns are found by themselves: those
of Waterbirds and of WILDS (`img_filename, y, place, split`), of SubpopBench (`filename, y, a, split`), and of CelebA's
own list (`image_id`, and `--class-column Blond_Hair --attribute-column Male`, whose -1 and 1 count as 0 and 1).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from published.tables import read_table
from realdata.photos.class_names import ClassNames, class_index, find_class, read_words
from realdata.photos.folders import DataSet, Photo
from realdata.photos.options import ALL, COLUMNS, TEST, TRAIN, Metadata
from workbench.errors import InputError

# The numbers and words for the three usual splits in Waterbirds, CelebA, WILDS and SubpopBench.
_SPLITS = {TRAIN: ("0", "train", "tr"), "val": ("1", "val", "va", "valid", "validation"), TEST: ("2", "test", "te")}
_FEWEST = 2  # photos of a group


def read_metadata(root: Path, metadata: Metadata, classes: ClassNames) -> DataSet:
    """Read a table of photos.

    Args:
        root: the folder where the photos' paths start.
        metadata: the table, and how it is read.
        classes: the classes that its numbers or names mean.

    Returns:
        The photos of the split, each with its attribute as its background and with the group `class, attribute`; and
        the number of photos of each group in the training split, if the table has one.

    Raises:
        InputError: the table cannot be read, lacks a column, or has no such split; a row has an unknown class or
            attribute, no file, or another row's file; or a group has a single photo.
    """
    if not root.is_dir():
        raise InputError(f"`data`: {root} is no directory")
    where = f"`metadata`: {metadata.file}"
    try:
        table = read_table(metadata.file, {})
    except InputError as error:
        raise InputError(f"`metadata`: {error}") from error
    columns = {
        "path": _find(table, metadata.filename_column, "filename_column", COLUMNS["filename"], where),
        "class": _find(table, metadata.class_column, "class_column", COLUMNS["class"], where),
        "attribute": _find(table, metadata.attribute_column, "attribute_column", COLUMNS["attribute"], where),
    }
    of_rows = pd.DataFrame({name: table[column] for name, column in columns.items()})
    of_rows["class"] = _indices(of_rows["class"], classes, f"{where}: ", columns["class"])
    of_rows["attribute"] = _attributes(of_rows.attribute, metadata.attributes, f"{where}: ", columns["attribute"])
    labels = of_rows["class"].map(classes.names)
    of_rows["group"] = [f"{label}, {attribute}" for label, attribute in zip(labels, of_rows.attribute, strict=True)]
    splits = _splits(table, metadata, where)
    training: dict[str, int] = {}
    if splits is not None:
        training = dict(Counter(of_rows.group[splits == TRAIN]))
        if metadata.split != ALL:
            of_rows = of_rows[splits == _wanted(splits, metadata.split or TEST, where)]
    photos = _photos(of_rows, root, where)
    return DataSet(root, photos, _check_groups(photos, training, where), training or None)


def _find(table: pd.DataFrame, given: str | None, option: str, usual: Sequence[str], where: str) -> str:
    """The name of a column: the given one, or the first usual one that there is."""
    wanted = usual if given is None else (given,)
    found = [name for name in wanted if name in table]
    if not found:
        raise InputError(
            f"`{option}`: {where.removeprefix('`metadata`: ')} lacks the column {' or '.join(map(repr, wanted))}; it "
            f"has {', '.join(table.columns)}"
        )
    return found[0]


def _refuse_row(where: str, column: str, values: pd.Series, wrong: pd.Series, what: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        # The header is the file's line 1.
        raise InputError(f"{where}line {row + 2}, column {column!r}: {values.iloc[row]!r} {what}")


def _zero_and_one(values: pd.Series) -> pd.Series:
    """CelebA's -1 and 1 as 0 and 1; other values as they are."""
    return values.replace({"-1": "0"}) if set(values) <= {"-1", "1"} else values


def _indices(values: pd.Series, classes: ClassNames, where: str, column: str) -> pd.Series:
    values = _zero_and_one(values)
    found = {value: find_class(value, classes) for value in set(values)}
    known = {value: index for value, index in found.items() if index is not None}
    _refuse_row(where, column, values, ~values.isin(known), "is neither the number nor the name of a class of --names")
    return values.map(known)


def _attributes(values: pd.Series, given: str | None, where: str, column: str) -> pd.Series:
    """The attribute of each row, by name."""
    if given is None:
        _refuse_row(where, column, values, values == "", "must be an attribute")
        return values.map(lambda value: value if class_index(value) is None else f"{column} {value}")
    names = read_words(given, "attributes")
    values = _zero_and_one(values)
    known = {name: name for name in names} | {str(place): name for place, name in enumerate(names)}
    _refuse_row(
        where, column, values, ~values.isin(known), f"is neither a number below {len(names)} nor in --attributes"
    )
    return values.map(known)


_WORDS = {value: word for word, values in _SPLITS.items() for value in values}


def _splits(table: pd.DataFrame, metadata: Metadata, where: str) -> pd.Series | None:
    """The split of each row, the usual ones under one word each; None for a table without splits."""
    needed = metadata.split_column is not None or metadata.split not in (None, ALL)
    if not needed and not any(name in table for name in COLUMNS["split"]):
        return None
    column = _find(table, metadata.split_column, "split_column", COLUMNS["split"], where)
    return table[column].map(lambda value: _WORDS.get(value.lower(), value))


def _wanted(splits: pd.Series, split: str, where: str) -> str:
    wanted = _WORDS.get(split.lower(), split)
    if not (splits == wanted).any():
        raise InputError(
            f"`split`: {where.removeprefix('`metadata`: ')} has no split {split}; it has "
            f"{', '.join(sorted(set(splits)))}, and {ALL} takes every row"
        )
    return wanted


def _photos(rows: pd.DataFrame, root: Path, where: str) -> list[Photo]:
    """The photos of the rows, each of which has a file of its own below the root."""
    absolute = str(root.resolve())
    paths = [PurePosixPath(path.replace("\\", "/")) for path in rows.path]
    names = [(path.relative_to(absolute) if path.is_relative_to(absolute) else path).as_posix() for path in paths]
    seen: set[str] = set()
    for line, name in zip(rows.index + 2, names, strict=True):
        if name in seen:
            raise InputError(f"{where}: line {line}: the photo {name} has a row already")
        seen.add(name)
    missing = [
        (line, name)
        for line, name in zip(rows.index + 2, names, strict=True)
        if ".." in name.split("/") or name.startswith("/") or not (root / name).is_file()
    ]
    if missing:
        line, name = missing[0]
        raise InputError(
            f"{where}: line {line}: there is no file {name!r} in {root}, as for {len(missing)} of {len(names)} rows"
        )
    columns = zip(names, rows["class"].tolist(), rows.group, rows.attribute, strict=True)
    return [Photo(*row) for row in sorted(columns)]


def _check_groups(photos: Sequence[Photo], training: Mapping[str, int], where: str) -> list[str]:
    """Refuse a group of one photo, of which nothing follows; note the groups of training that have none."""
    counted = Counter(photo.group for photo in photos)
    if alone := [group for group, number in counted.items() if number < _FEWEST]:
        raise InputError(
            f"{where}: the group {alone[0]!r} has 1 photo, and an accuracy with an interval needs {_FEWEST}; leave its "
            "row out, or take another split"
        )
    absent = sorted(training.keys() - counted.keys())
    return [f"groups of the training split without a photo here: {'; '.join(absent)}"] if absent else []
