"""Photos that are there more than once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from realdata.check.inspection import Inspection
from realdata.photos.folders import Photo

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
