"""Objects of COCO, cut out: annotations in COCO's own format, masks by pycocotools."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from pycocotools.coco import COCO

from sims.colored_coco.design import CLASSES
from workbench.errors import InputError


class Found(NamedTuple):
    """One annotated object: its class, annotation and image."""

    label: int
    annotation: int
    image: int


class Objects:
    """The objects of the nine classes in a file of annotations.

    Args:
        annotations: COCO's `instances_*.json`.
        images: the folder of its images.
        min_area: objects of fewer pixels are left out.

    Attributes:
        found: the objects, by annotation; crowds are left out.

    Raises:
        InputError: the file is not in COCO's format, lacks a class or its objects, or names an image that is missing.
    """

    def __init__(self, annotations: Path, images: Path, min_area: float):
        self.annotations, self.images = annotations, images
        self._coco = _read(annotations)
        if not images.is_dir():
            raise InputError(f"`images`: {images} is no directory")
        found = []
        for label, name in enumerate(CLASSES):
            category = self._coco.getCatIds(catNms=[name])
            if not category:
                raise InputError(f"`annotations`: {annotations}: has no category {name!r}")
            chosen = self._coco.getAnnIds(catIds=category, areaRng=[min_area, float("inf")], iscrowd=False)
            if not chosen:
                raise InputError(
                    f"`annotations`: {annotations}: has no object of the class {name!r} with at least "
                    f"{min_area:g} pixels; `min_area` allows smaller ones"
                )
            found += [Found(label, each, self._coco.anns[each]["image_id"]) for each in sorted(chosen)]
        self.found = found
        for each in found:
            self._path(each)

    def _path(self, found: Found) -> Path:
        where = f"`annotations`: {self.annotations}: annotation {found.annotation}"
        if found.image not in self._coco.imgs:
            raise InputError(f"{where}: names the image {found.image}, which the file does not list")
        path = self.images / self._coco.imgs[found.image]["file_name"]
        if not path.exists():
            raise InputError(f"{where}: its image {path} is missing")
        return path

    def cut_out(self, found: Found) -> tuple[UInt8[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
        """The smallest part of the image that holds the object, and which of its pixels show it.

        Raises:
            InputError: the mask is empty or of another size than the image, or the image cannot be decoded.
        """
        path = self._path(found)
        where = f"`annotations`: {self.annotations}: annotation {found.annotation}"
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`images`: {path}: cannot be decoded ({error})") from error
        if "segmentation" not in self._coco.anns[found.annotation]:
            raise InputError(f"{where}: has no segmentation")
        try:
            mask = self._coco.annToMask(self._coco.anns[found.annotation]).astype(bool)
        except Exception as error:  # pycocotools raises whatever comes
            raise InputError(f"{where}: its segmentation is no mask ({error})") from error
        if mask.shape != pixels.shape[:2]:
            raise InputError(f"{where}: its mask is of {mask.shape}, its image {path} of {pixels.shape[:2]} pixels")
        if not mask.any():
            raise InputError(f"{where}: its mask is empty")
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return pixels[box], mask[box]


def _read(path: Path) -> COCO:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"`annotations`: {path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"`annotations`: {path} is a directory; name COCO's instances_*.json") from error
    except (OSError, ValueError) as error:
        raise InputError(f"`annotations`: {path}: cannot be read as JSON ({error})") from error
    parts = ("images", "annotations", "categories")
    if not isinstance(content, dict) or any(not isinstance(content.get(part), list) for part in parts):
        raise InputError(f"`annotations`: {path}: must hold the lists {', '.join(parts)}, as COCO's instances do")
    coco = COCO()
    coco.dataset = content
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it greets
            coco.createIndex()
    except (KeyError, TypeError) as error:
        raise InputError(f"`annotations`: {path}: an entry lacks {error}") from error
    return coco


def paste(
    cut: UInt8[np.ndarray, "height width 3"],
    mask: Bool[np.ndarray, "height width"],
    colour: tuple[int, int, int],
    size: int,
    fill: float,
) -> UInt8[np.ndarray, "size size 3"]:
    """The object in the middle of a square of one colour, its longer side `fill` of the square's."""
    height, width = mask.shape
    factor = fill * size / max(height, width)
    shape = max(1, round(width * factor)), max(1, round(height * factor))
    thing = Image.fromarray(cut).resize(shape, Image.Resampling.BICUBIC)
    silhouette = Image.fromarray(mask.astype(np.uint8) * 255).resize(shape, Image.Resampling.BICUBIC)
    square = Image.new("RGB", (size, size), colour)
    square.paste(thing, ((size - shape[0]) // 2, (size - shape[1]) // 2), silhouette)
    return np.asarray(square)
