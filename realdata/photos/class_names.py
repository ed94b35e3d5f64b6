"""The classes of photos and of models' answers: index, WordNet id, and the name in prompts.

A file of names has one of the usual forms: one name a line, in the order of the indices from 0; `index<TAB>name` on
each line; a JSON list of names; or a JSON object from index to name, or to WordNet id and name, where the names have
underscores for spaces.
"""

import dataclasses
import difflib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from published.directory import DIRECTORY
from published.tables import read_table
from realdata.names import IMAGENET, OPENAI
from workbench.errors import InputError


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
            a file, for `read_names_file`, such as the archive's imagenet_names.txt, or the names themselves, separated
            by commas, in the order of their indices.

    Raises:
        InputError: there is no such file, it holds no names, or a name is empty or occurs twice.
    """
    if which not in (IMAGENET, OPENAI):
        listed = "," in which and not Path(which).is_file()
        names = dict(enumerate(read_words(which, "names"))) if listed else read_names_file(Path(which))
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


def read_words(given: str, option: str) -> list[str]:
    """Names that an option gives: separated by commas, or in a file with one on each line.

    Raises:
        InputError: the file cannot be read, there are no names, or one is empty or occurs twice.
    """
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip() if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`{option}`: {path}: cannot be read ({error})") from error
    names = [name.strip() for name in (given.split(",") if text is None else text.splitlines())]
    if not names or "" in names:
        raise InputError(
            f"`{option}`: must be names separated by commas, or a file with a name on each line, got {given}"
        )
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise InputError(f"`{option}`: {given}: the name {twice[0]!r} occurs twice")
    return names


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


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


HIGHEST = 10**6  # the highest index, as in the tables of predictions
_DIGITS = re.compile(r"[0-9]{1,7}")
_WORDNET = re.compile(r"n[0-9]{8}")
# An index or a WordNet id, and a name after it, but no tab. Not all lines of a file of plain names look so.
_LABELLED = re.compile(r"(?:[0-9]+|n[0-9]{8})[ ,;:]")


def read_names_file(path: Path) -> dict[int, str]:
    """Read class indices and names; ignore a byte-order mark, Windows line ends and blank lines at the end.

    Raises:
        InputError: the file cannot be read, has none of the forms, gives an index twice, or holds a name that is
            empty or has control characters; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"`names`: {path}: no such file; or choose imagenet or openai") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`names`: {path}: cannot be read ({error})") from error
    rows = _read_json(path, text) if text.lstrip()[:1] in ("[", "{") else _read_lines(path, text)
    names: dict[int, str] = {}
    for place, index, name in rows:
        if index in names:
            raise InputError(f"`names`: {path}: {place}: the index {index} was given before")
        if bad := [letter for letter in name if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]:
            raise InputError(f"`names`: {path}: {place}: a name may have no control characters, has {bad[0]!a}")
        names[index] = name
    if not names:
        raise InputError(f"`names`: {path}: holds no names")
    return names


_Rows = Iterable[tuple[str, int, str]]  # where, index, name


def class_index(text: str) -> int | None:
    """A text as an index, if it consists of ASCII digits and is not above `HIGHEST`; else None."""
    found = int(text) if _DIGITS.fullmatch(text) else HIGHEST + 1
    return found if found <= HIGHEST else None


def _read_lines(path: Path, text: str) -> _Rows:
    lines = text.rstrip().split("\n") if text.strip() else []
    if any("\t" in line for line in lines):
        return _read_indexed_lines(path, lines)
    if lines and all(_LABELLED.match(line.strip()) for line in lines):
        raise InputError(
            f"`names`: {path}: line 1: must be index<TAB>name, or a name alone; every line begins with an index, as in "
            f"{lines[0].strip()!r}"
        )
    if empty := [number for number, line in enumerate(lines, 1) if not line.strip()]:
        raise InputError(
            f"`names`: {path}: line {empty[0]}: is empty, so that it is not clear which index the next name has"
        )
    return [(f"line {number}", number - 1, line.strip()) for number, line in enumerate(lines, 1)]


def _read_indexed_lines(path: Path, lines: list[str]) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(lines, 1):
        first, _, name = line.partition("\t")
        if not line.strip():
            continue
        index = class_index(first.strip())
        if index is None or not name.strip():
            raise InputError(f"`names`: {path}: line {number}: must be index<TAB>name, got {line!r}")
        yield f"line {number}", index, name.strip()


def _read_json(path: Path, text: str) -> Iterator[tuple[str, int, str]]:
    try:
        content = json.loads(text, object_pairs_hook=tuple)  # all pairs, also where a key occurs twice
    except (ValueError, RecursionError) as error:
        raise InputError(f"`names`: {path}: is not JSON ({error})") from error
    pairs = [(str(place), value) for place, value in enumerate(content)] if isinstance(content, list) else content
    for key, value in pairs:
        index, name = class_index(key), _name(value)
        if index is None or not name:
            raise InputError(f"`names`: {path}: must be a list of names or {{index: name}}, got {key}: {value!r:.60}")
        yield f"index {index}", index, name


def _name(value: Any) -> str:
    """The name in a JSON value; empty where there is none."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return value[1].replace("_", " ").strip() if _WORDNET.fullmatch(value[0]) else ""
    return value.strip() if isinstance(value, str) else ""
