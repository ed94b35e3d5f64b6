"""A file of class names, in one of the usual forms.

One name a line, in the order of the indices from 0; `index<TAB>name` on each line; a JSON list of names; or a JSON
object from index to name, or to WordNet id and name, where the names have underscores for spaces.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import InputError

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
