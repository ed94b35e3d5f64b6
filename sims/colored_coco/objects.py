"""Objects of COCO, cut out of their images, and how many of them each class has."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from pretrained.preprocessing import open_photo
from sims.colored_coco.annotations import Annotation, encloses, read_annotations, to_mask
from sims.colored_coco.design import CLASSES
from workbench.errors import InputError

_AREAS = (10_000.0, 2_500.0, 500.0, 0.0)  # for which the usable objects are counted, besides the one that is asked for
CROWD, NOTHING_SHOWN = "crowds", "without a segmentation that encloses anything"


class Found(NamedTuple):
    """One annotated object: its class, annotation and image."""

    label: int
    annotation: int
    image: int


class Objects:
    """The objects of the chosen classes in a file of annotations.

    Args:
        annotations: COCO's `instances_*.json`.
        images: the folder of its images.
        min_area: objects of fewer pixels are left out.
        classes: names of `design.CLASSES`.

    Attributes:
        found: the objects, by annotation.
        left_out: how many objects of the classes are not usable, by reason; not those that are too small.

    Raises:
        InputError: the file is not in COCO's format, lacks a class or its objects, or names an image that is missing.
    """

    def __init__(self, annotations: Path, images: Path, min_area: float, classes: Sequence[str] = CLASSES):
        self.annotations, self.images, self.min_area = annotations, images, min_area
        self._content = read_annotations(annotations)
        self._of = {each.number: each for each in self._content.annotations}
        if not images.is_dir():
            raise InputError(f"`images`: {images} is no directory")
        self._classes = [name for name in CLASSES if name in classes]
        if missing := [name for name in self._classes if name not in self._content.categories]:
            there = [name for name in CLASSES if name in self._content.categories]
            offered = f"`classes` {','.join(there)} are there" if there else "none of the nine is there"
            raise InputError(f"`annotations`: {annotations}: has no category {missing[0]!r}; {offered}")
        self.left_out: Counter[str] = Counter()
        self._usable = {name: self._usable_objects(name) for name in self._classes}
        self.found = [found for usable in self._usable.values() for found, area in usable if area >= min_area]
        for label in map(CLASSES.index, self._classes):
            if not any(found.label == label for found in self.found):
                raise InputError(
                    f"`annotations`: {annotations}: has no object of the class {CLASSES[label]!r} with at least "
                    f"{min_area:g} pixels; `min_area` allows smaller ones; {self.offer()}"
                )
        for each in self.found:
            self._path(each)

    def _usable_objects(self, name: str) -> list[tuple[Found, float]]:
        """A class's objects with their areas, by annotation."""
        categories, usable = self._content.categories[name], []
        for each in sorted(self._content.annotations, key=lambda each: each.number):
            if each.category not in categories:
                continue
            found = Found(CLASSES.index(name), each.number, each.image)
            area = 0.0
            if not each.crowd and encloses(each.segmentation):
                area = self._area(found) if each.area is None else each.area
            if each.crowd:
                self.left_out[CROWD] += 1
            elif not encloses(each.segmentation) or (each.area is None and area == 0):
                self.left_out[NOTHING_SHOWN] += 1
            else:
                usable.append((found, area))
        return usable

    def offer(self) -> str:
        """How many usable objects each class has at which least area, and which classes can be made at this one."""
        areas = [self.min_area, *(area for area in _AREAS if area < self.min_area)]
        counts = ", ".join(
            f"{name} " + "/".join(str(sum(size >= area for _, size in usable)) for area in areas)
            for name, usable in self._usable.items()
        )
        # One image to train on and another to test on.
        enough = [
            name
            for name, usable in self._usable.items()
            if len({found.image for found, size in usable if size >= self.min_area}) > 1
        ]
        said = f"usable objects at `min_area` {'/'.join(f'{area:g}' for area in areas)}: {counts}"
        return said + (f"; `classes` {','.join(enough)} can be made as it is" if len(enough) > 1 else "")

    def _path(self, found: Found) -> Path:
        where = f"`annotations`: {self.annotations}: annotation {found.annotation}"
        if found.image not in self._content.images:
            raise InputError(f"{where}: names the image {found.image}, which the file does not list")
        path = self.images / self._content.images[found.image].name
        if not path.exists():
            raise InputError(f"{where}: its image {path} is missing")
        return path

    def _area(self, found: Found) -> float:
        """The area of an object of which the file does not say it."""
        path = self._path(found)
        try:
            with open_photo(path) as image:
                width, height = image.size
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`images`: {path}: cannot be decoded ({error})") from error
        return float(self._mask(found, height, width).sum())

    def _mask(self, found: Found, height: int, width: int) -> Bool[np.ndarray, "height width"]:
        where = f"`annotations`: {self.annotations}: annotation {found.annotation}"
        annotation: Annotation = self._of[found.annotation]
        said = self._content.images[found.image]
        if said.size not in (None, (height, width)):
            path = self.images / said.name
            raise InputError(f"{where}: its mask is of {said.size}, its image {path} of {(height, width)} pixels")
        try:
            return to_mask(annotation.segmentation, height, width)
        except ValueError as error:
            raise InputError(f"{where}: its segmentation is no mask ({error})") from error

    def cut_out(self, found: Found) -> tuple[UInt8[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
        """The smallest part of the image that holds the object, and which of its pixels show it.

        Raises:
            InputError: the mask is empty or of another size than the image, or the image cannot be decoded.
        """
        path = self._path(found)
        try:
            with open_photo(path) as image:
                pixels = np.asarray(image.convert("RGB"))
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`images`: {path}: cannot be decoded ({error})") from error
        mask = self._mask(found, *pixels.shape[:2])
        if not mask.any():
            raise InputError(f"`annotations`: {self.annotations}: annotation {found.annotation}: its mask is empty")
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return pixels[box], mask[box]


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
