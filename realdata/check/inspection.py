"""Photos looked at: whether each decodes, what kind of image it is, and which of them are the same."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from realdata.photos.folders import Photo

_ORIENTATION = 0x0112  # EXIF's
_UPRIGHT = 1


class Inspection(NamedTuple):
    """What a photo is.

    Attributes:
        mode: Pillow's word for its colours: RGB, L (grey), P (palette), RGBA, CMYK, I;16 and so on.
        turned: whether its EXIF data say that it must be turned to be seen upright; CLIP's libraries do not turn it.
        file: digest of its bytes.
        picture: digest of its size and of its pixels in RGB.
    """

    mode: str
    turned: bool
    file: str
    picture: str


def inspect(path: Path) -> Inspection:
    """Look at a photo.

    Raises:
        OSError: it cannot be decoded.
    """
    with Image.open(path) as image:
        mode, turned = image.mode, image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
        photo = image.convert("RGB")
    picture = hashlib.sha256(repr(photo.size).encode() + photo.tobytes())
    return Inspection(mode, turned, hashlib.sha256(path.read_bytes()).hexdigest(), picture.hexdigest())


WITHIN, BETWEEN_GROUPS, BETWEEN_CLASSES = "within a group", "between groups of a class", "between classes"


class Duplicate(NamedTuple):
    """One picture that several files show.

    Attributes:
        paths: of the files.
        same_file: whether their bytes are the same too; if not, their pixels alone are.
        where: `within a group`, `between groups of a class` (so that it counts as common and as counter), or
            `between classes` (so that one of its labels is wrong).
    """

    paths: list[str]
    same_file: bool
    where: str


def duplicates(photos: Sequence[Photo], found: Mapping[str, Inspection]) -> list[Duplicate]:
    """All pictures that more than one file shows, in the order of the photos.

    Args:
        photos: all of them.
        found: what each path's photo is; what could not be read is not in it.
    """
    alike: dict[str, list[Photo]] = {}
    for photo in photos:
        if photo.path in found:
            alike.setdefault(found[photo.path].picture, []).append(photo)
    return [
        Duplicate([photo.path for photo in same], len({found[photo.path].file for photo in same}) == 1, _where(same))
        for same in alike.values()
        if len(same) > 1
    ]


def _where(same: Sequence[Photo]) -> str:
    if len({photo.class_index for photo in same}) > 1:
        return BETWEEN_CLASSES
    return BETWEEN_GROUPS if len({photo.group for photo in same}) > 1 else WITHIN
