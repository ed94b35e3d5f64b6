"""A file of annotations in COCO's format, with what real files leave out."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import InputError


class Annotation(NamedTuple):
    """One annotated object.

    Attributes:
        number: its `id`.
        image: its image's.
        category: its category's.
        segmentation: as it stands in the file; None if it does not.
        area: in pixels; None if the file does not say.
        crowd: whether it shows several at once.
    """

    number: int
    image: int
    category: int
    segmentation: Any
    area: float | None
    crowd: bool


class ListedImage(NamedTuple):
    """One image that the file lists: its file's name; height and width in pixels, if they are said."""

    name: str
    size: tuple[int, int] | None


class Annotations(NamedTuple):
    """A file's content: annotations in its order, images by `id`, and the `id`s of each category by name."""

    annotations: list[Annotation]
    images: dict[int, ListedImage]
    categories: dict[str, list[int]]


def read_annotations(path: Path) -> Annotations:
    """Read COCO's `instances_*.json`.

    `iscrowd` is 0 where it is missing; `area`, `segmentation`, the size of an image, `info` and `licenses` may be
    missing too.

    Raises:
        InputError: it is not in COCO's format, or an entry lacks what it needs; the message says which.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"`annotations`: {path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"`annotations`: {path} is a directory; name COCO's instances_*.json") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"`annotations`: {path}: cannot be read as JSON ({error})") from error
    parts = ("images", "annotations", "categories")
    if not isinstance(content, dict) or any(not isinstance(content.get(part), list) for part in parts):
        raise InputError(f"`annotations`: {path}: must hold the lists {', '.join(parts)}, as COCO's instances do")
    found = Annotations([], {}, {})
    seen: set[int] = set()
    for part in parts:
        for place, entry in enumerate(content[part], 1):
            try:
                if not isinstance(entry, dict):
                    raise ValueError(f"must be an object of names and values, is {type(entry).__name__}")
                if part == "images":
                    found.images[_whole(entry, "id")] = _image(entry)
                elif part == "annotations":
                    found.annotations.append(_annotation(entry))
                    if found.annotations[-1].number in seen:
                        raise ValueError(f"has the id {found.annotations[-1].number} of one before")
                    seen.add(found.annotations[-1].number)
                else:
                    found.categories.setdefault(_text(entry, "name"), []).append(_whole(entry, "id"))
            except ValueError as error:
                raise InputError(f"`annotations`: {path}: {part}, entry {place}: {error}") from error
    return found


def _image(entry: Mapping[str, Any]) -> ListedImage:
    name = _text(entry, "file_name")
    if entry.get("height") is None or entry.get("width") is None:
        return ListedImage(name, None)
    return ListedImage(name, (_whole(entry, "height", 1), _whole(entry, "width", 1)))


def _annotation(entry: Mapping[str, Any]) -> Annotation:
    area = entry.get("area")
    if area is not None and (isinstance(area, bool) or not isinstance(area, int | float) or not 0 <= area < math.inf):
        raise ValueError(f"area must be a number of pixels, got {area!r}")
    return Annotation(
        _whole(entry, "id"),
        _whole(entry, "image_id"),
        _whole(entry, "category_id"),
        entry.get("segmentation"),
        None if area is None else float(area),
        bool(entry.get("iscrowd", 0)),
    )


def _whole(entry: Mapping[str, Any], key: str, least: int | None = None) -> int:
    value = _there(entry, key)
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        raise ValueError(f"{key} must be a whole number, got {value!r}")
    return value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = _there(entry, key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text, got {value!r}")
    return value


def _there(entry: Mapping[str, Any], key: str) -> Any:
    if key not in entry:
        raise ValueError(f"lacks {key!r}")
    return entry[key]
