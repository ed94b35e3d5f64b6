"""COCO's segmentations as masks: polygons by pycocotools, run lengths in both forms that files have.

Run lengths are read here, since pycocotools gives memory that nobody wrote for lengths that do not fill the image, and
takes polygons for boxes if the first of them has four numbers.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Bool
from pycocotools import mask as masks

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
        return _of_polygons(segmentation, height, width)
    if not isinstance(segmentation, dict):
        raise ValueError(f"must be polygons or run lengths, is {_kind(segmentation)}")
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise ValueError(f"its mask is of {size}, its image of {[height, width]} pixels")
    lengths = _unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(_whole(length) and length >= 0 for length in lengths):
        raise ValueError("its counts must be lengths of runs, as whole numbers or COCO's text")
    if sum(lengths) != height * width:
        raise ValueError(f"its runs cover {sum(lengths)} pixels, its image has {height * width}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def _of_polygons(parts: Sequence[Any], height: int, width: int) -> np.ndarray:
    kept = []
    for part in parts:
        if not isinstance(part, list) or not all(_number(value) for value in part):
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


def _unpacked(text: str) -> list[int]:
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


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
