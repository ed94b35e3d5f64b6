"""The classes of photos and of models' answers: index, WordNet id, and the name in prompts."""

import argparse
import dataclasses
import difflib
from collections import Counter
from pathlib import Path

import pandas as pd

from published.tables import DIRECTORY, read_table
from realdata.photos.names_file import class_index, read_names_file
from workbench import program
from workbench.errors import InputError

IMAGENET, OPENAI = "imagenet", "openai"


@dataclasses.dataclass(frozen=True)
class ClassNames:
    """Classes by index.

    Attributes:
        names: index to the name that prompts use.
        known_as: every other name by which a folder may call a class, lower case, to its index.
    """

    names: dict[int, str]
    known_as: dict[str, int]


def read_class_names(which: str) -> ClassNames:
    """Read the class names of `--names`.

    Args:
        which: `imagenet` (the first of each ImageNet label's synonyms), `openai` (the names that OpenAI's prompts use),
            or a file, as `realdata.photos.names_file` reads it, such as the archive's imagenet_names.txt.

    Raises:
        InputError: there is no such file, or it holds no names.
    """
    if which not in (IMAGENET, OPENAI):
        names = read_names_file(Path(which))
        times = Counter(map(_plain, names.values()))
        # A name that two classes share finds neither: the folder is then an error, and never taken for the wrong class.
        return ClassNames(names, {_plain(name): index for index, name in names.items() if times[_plain(name)] == 1})
    columns = {"index": (0, 999), "wnid": None, "label": None, "prompt_name": None}
    table = read_table(DIRECTORY / "imagenet_classes.csv", columns)
    indices = table["index"].astype(int).tolist()
    synonyms = [[part.strip() for part in label.split(",")] for label in table["label"]]
    prompt_names = table["prompt_name"].tolist() if which == OPENAI else [names[0] for names in synonyms]
    known: dict[str, int] = {}
    # Some names belong to two classes ("crane"): the first class keeps it, and folders have an index or WordNet id.
    single = {column: [[name] for name in table[column]] for column in ("wnid", "prompt_name", "label")}
    for spellings in (single["wnid"], synonyms, single["prompt_name"], single["label"]):
        for index, words in zip(indices, spellings, strict=True):
            for word in words:
                known.setdefault(_plain(word), index)
    return ClassNames(dict(zip(indices, prompt_names, strict=True)), known)


def find_class(folder: str, classes: ClassNames, mapping: dict[str, int] | None = None) -> int | None:
    """The class index of a folder: from the mapping, its leading number, its WordNet id, or its name; or None."""
    if mapping is not None and folder in mapping:
        return mapping[folder]
    number, _, _ = folder.replace("_", " ").replace("-", " ").partition(" ")
    index = class_index(number)
    if index is not None and index in classes.names:
        return index
    return classes.known_as.get(_plain(folder))


def nearest_classes(folder: str, classes: ClassNames, number: int = 3) -> list[str]:
    """The classes with the names closest in spelling to a folder's, each as `'name' (index)`."""
    known = {_plain(name): index for index, name in classes.names.items()} | classes.known_as
    found = dict.fromkeys(
        known[name] for name in difflib.get_close_matches(_plain(folder), known, n=4 * number, cutoff=0.0)
    )
    return [f"{classes.names[index]!r} ({index})" for index in list(found)[:number]]


def read_mapping(path: Path) -> dict[str, int]:
    """Read a file of `folder,class_index` rows.

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    try:
        table: pd.DataFrame = read_table(path, {"folder": None, "class_index": (0, 10**6)})
    except InputError as error:
        raise InputError(f"`classes`: {error}") from error
    return {folder: int(index) for folder, index in zip(table["folder"], table["class_index"], strict=True)}


def add_class_options(parser: argparse.ArgumentParser) -> None:
    """Add `--names` and `--classes`."""
    parser.add_argument(
        "--names",
        default=IMAGENET,
        metavar="NAMES",
        help=f"the candidates' names: {IMAGENET}, {OPENAI}, or a file: one name a line, index<TAB>name, or JSON",
    )
    parser.add_argument(
        "--classes", type=program.path, metavar="FILE", help="table folder,class_index for other class folders"
    )


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
