"""A file of annotations in COCO's format, with what real files leave out; and its segmentations as masks.

pycocotools turns polygons into masks. Run lengths are read here, in both forms that files have: for lengths that do not
fill the image, pycocotools returns memory that was never written, and it takes polygons for boxes if the first of them
has four numbers.
"""

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool
from pycocotools import mask as masks

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


_FEWEST = 6  # numbers of a polygon: three corners; fewer enclose nothing
_FARTHEST = 16  # times the image's longer side: farther out a coordinate is a mistake, and takes memory

_LONGEST = 60  # bits of a length


def encloses(segmentation: Any) -> bool:
    """Whether a segmentation may show something: a polygon of three corners at least, or run lengths.

    What is no segmentation at all may, so that `to_mask` says what is wrong with it.
    """
    if segmentation is None:
        return False
    if isinstance(segmentation, list):
        return any(not isinstance(part, list) or len(part) >= _FEWEST for part in segmentation)
    return not isinstance(segmentation, dict) or segmentation.get("counts", True) not in ("", b"", [], None)


def to_mask(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Which pixels a segmentation covers.

    Args:
        segmentation: a list of polygons, each x and y in turn, of which those of two corners and fewer are passed over;
            or `size` and `counts`, run lengths down the columns, as numbers or in COCO's packed text.
        height: of the image, in pixels.
        width: the same.

    Raises:
        ValueError: it is none of these, is of another size, or runs do not fill the image.
    """
    if isinstance(segmentation, list):
        return _cover_polygons(segmentation, height, width)
    if not isinstance(segmentation, dict):
        raise ValueError(f"must be polygons or run lengths, is {_kind(segmentation)}")
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise ValueError(f"its mask is of {size}, its image of {[height, width]} pixels")
    lengths = _unpack(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(_is_whole(length) and length >= 0 for length in lengths):
        raise ValueError("its counts must be lengths of runs, as whole numbers or COCO's text")
    if sum(lengths) != height * width:
        raise ValueError(f"its runs cover {sum(lengths)} pixels, its image has {height * width}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def _cover_polygons(parts: Sequence[Any], height: int, width: int) -> np.ndarray:
    kept = []
    for part in parts:
        if not isinstance(part, list) or not all(_is_number(value) for value in part):
            raise ValueError("a polygon must be a list of numbers")
        if len(part) % 2:
            raise ValueError(f"a polygon must have an x for each y, has {len(part)} numbers")
        if any(abs(value) > _FARTHEST * max(height, width) for value in part):
            raise ValueError("a polygon has a corner far outside of its image")
        if len(part) >= _FEWEST:
            kept.append([float(value) for value in part])
    if not kept:
        return np.zeros((height, width), bool)
    return masks.decode(masks.merge(masks.frPyObjects(kept, height, width))).astype(bool)


def _unpack(text: str) -> list[int]:
    """The lengths in COCO's text: each a number in digits of base 32, the sixth bit set if more follow.

    The digits begin at the character 0, the lowest comes first and the last one's fifth bit is the sign; from the
    fourth length on it is the difference from the last but one (cocoapi, `rleToString`).
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > _LONGEST:
            raise ValueError(f"its counts hold {character!r} where COCO's text cannot")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("its counts end within a number")
    return lengths


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
