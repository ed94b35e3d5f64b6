"""The options of programs that read photos: their classes, and photos from a table."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from realdata.names import IMAGENET, OPENAI
from workbench import program
from workbench.errors import InputError
from workbench.parameters import add_options, check, from_options, optional, parameter, parameters_of, text

TRAIN, TEST, ALL = "train", "test", "all"
# The columns of a table that are looked for, the first that there is.
COLUMNS = {
    "filename": ("img_filename", "filename", "image_id"),
    "class": ("y",),
    "attribute": ("place", "attribute", "a"),
    "split": ("split", "partition"),
}


def add_class_options(parser: argparse.ArgumentParser) -> None:
    """Add `--names` and `--classes`."""
    parser.add_argument(
        "--names",
        default=IMAGENET,
        metavar="NAMES",
        help=f"the candidates' names: {IMAGENET}, {OPENAI}, a file (one name a line, index<TAB>name, or JSON), or the "
        "names themselves, separated by commas",
    )
    parser.add_argument(
        "--classes", type=program.path, metavar="FILE", help="table folder,class_index for other class folders"
    )


def _column(name: str, holds: str) -> Any:
    return parameter(
        None, optional(text("COLUMN")), f"the column with {holds}; by default {' or '.join(COLUMNS[name])}"
    )


@dataclasses.dataclass(frozen=True)
class Metadata:
    """A table of photos, and how it is read.

    Attributes:
        file: a CSV table with a row for each photo.
        split: the split that is evaluated; `all` takes every row.
        filename_column: the column with the photos' paths.
        class_column: the column with the classes.
        attribute_column: the column with the attributes.
        split_column: the column with the splits.
        attributes: the attributes' names, separated by commas, or a file with a name on each line.
    """

    file: Path
    split: str | None = parameter(
        None,
        optional(text("SPLIT")),
        f"of the table, the rows of this split; {TRAIN}, val and {TEST} also stand for 0, 1 and 2, and {ALL} for every "
        f"row; by default {TEST}, or every row of a table without splits",
    )
    filename_column: str | None = _column("filename", "the photos' paths below --data")
    class_column: str | None = _column("class", "the classes, by number or name")
    attribute_column: str | None = _column("attribute", "what may mislead, such as the background, by number or name")
    split_column: str | None = _column("split", "the splits")
    attributes: str | None = parameter(
        None,
        optional(text("NAMES")),
        "the attributes' names in the order of their numbers: separated by commas, or a file with a name on each line",
    )

    def __post_init__(self) -> None:
        check(self)


def add_metadata_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of photos from a table."""
    group = parser.add_argument_group(
        "photos from a table", "as Waterbirds', CelebA's, WILDS's and SubpopBench's: groups are class and attribute"
    )
    group.add_argument(
        "--metadata", type=program.path, metavar="FILE.csv", help="a row for each photo; its classes are --names"
    )
    add_options(group, Metadata)


def metadata_from_options(options: argparse.Namespace) -> Metadata | None:
    """The table that the options name; None where they name none.

    Raises:
        InputError: an option says how a table is read, and there is none.
    """
    if options.metadata is not None:
        return from_options(Metadata, options, file=options.metadata)
    for field in parameters_of(Metadata):
        if getattr(options, field.name) is not None:
            raise InputError(f"`{field.name}`: says how `metadata` is read, which is not given")
    return None
