"""A folder of photos checked as `realdata.evaluate` reads it.

Said are the counts, the kinds of images, the photos that cannot be read, and the duplicates.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from published.tables import read_published_tables
from realdata.check.inspection import Inspection, inspect
from realdata.photos.class_names import ClassNames
from realdata.photos.decoding import Decoders, Unreadable
from realdata.photos.folders import Photo, differences, find_photos, warnings
from workbench import terminal
from workbench.conventions import GROUPS

_BATCH = 64
WITHIN, BETWEEN_GROUPS, BETWEEN_CLASSES = "within a group", "between groups of a class", "between classes"


class Duplicate(NamedTuple):
    """One image that several files show.

    Attributes:
        paths: of the files.
        same_file: whether their bytes are the same too; if not, their pixels alone are.
        where: `within a group`, `between groups of a class` (so that it counts as common and as counter), or
            `between classes` (so that one of its labels is wrong).
    """

    paths: list[str]
    same_file: bool
    where: str


def check_photos(
    directory: Path, classes: ClassNames, mapping: dict[str, int] | None = None, workers: int = 0
) -> dict[str, Any]:
    """Look at every photo of a folder.

    Args:
        directory: of the class folders, in CounterAnimal's layout.
        classes: the classes that there are.
        mapping: class folder to index, for other names.
        workers: processes that decode; with 0 photos are read in this one.

    Returns:
        What `--json` gives.

    Raises:
        InputError: there is no such folder, or none of photos; see `realdata.photos.folders.find_photos`.
    """
    folder = find_photos(directory, classes, mapping)
    root, photos = folder.root, folder.photos
    found, unreadable = _inspect_all(root, photos, workers)
    counted = Counter((photo.class_index, photo.group) for photo in photos)
    kinds = Counter(each.mode for each in found.values())
    return {
        "data": str(root),
        "photos": {group: sum(photo.group == group for photo in photos) for group in GROUPS},
        "classes": [
            {"class_index": index, "label": classes.names[index]}
            | {f"{group}_photos": counted[index, group] for group in GROUPS}
            for index in sorted({photo.class_index for photo in photos})
        ],
        "modes": dict(kinds.most_common()),
        "turned_by_exif": [path for path, each in found.items() if each.turned],
        "warnings": [
            *folder.notes,
            *warnings(photos, classes),
            *differences(photos, read_published_tables().classes),
        ],
        "unreadable": [{"path": path, "reason": reason} for path, reason in unreadable.items()],
        "duplicates": [each._asdict() for each in find_duplicates(photos, found)],
    }


def find_duplicates(photos: Sequence[Photo], found: Mapping[str, Inspection]) -> list[Duplicate]:
    """Find all images that more than one file shows, in the order of the photos.

    Args:
        photos: all of them.
        found: what each path's photo is; what could not be read is not in it.
    """
    alike: dict[str, list[Photo]] = {}
    for photo in photos:
        if photo.path in found:
            alike.setdefault(found[photo.path].image, []).append(photo)
    return [
        Duplicate([photo.path for photo in same], len({found[photo.path].file for photo in same}) == 1, _where(same))
        for same in alike.values()
        if len(same) > 1
    ]


def _where(same: Sequence[Photo]) -> str:
    if len({photo.class_index for photo in same}) > 1:
        return BETWEEN_CLASSES
    return BETWEEN_GROUPS if len({photo.group for photo in same}) > 1 else WITHIN


def _inspect_all(root: Path, photos: Sequence[Photo], workers: int) -> tuple[dict[str, Inspection], dict[str, str]]:
    """What each photo is, and why others cannot be read, by path."""
    found, unreadable = {}, {}
    with Decoders(inspect, min(workers, len(photos))) as decoders, terminal.progress(unit="photos") as display:
        bar = display.add_task("photos", total=len(photos), status="")
        start = 0
        for batch in decoders.batches([root / photo.path for photo in photos], _BATCH):
            for photo, outcome in zip(photos[start : start + len(batch)], batch, strict=True):
                if isinstance(outcome, Unreadable):
                    unreadable[photo.path] = str(outcome)
                else:
                    found[photo.path] = outcome
            start += len(batch)
            display.advance(bar, len(batch))
    return found, unreadable
