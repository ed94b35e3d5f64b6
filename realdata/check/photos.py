"""A folder of photos checked: how many there are of what kind, which cannot be read, and duplicates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from published.tables import read_published_tables
from realdata.photos.class_names import ClassNames
from realdata.photos.decoding import Decoders, Unreadable
from realdata.photos.files import Inspection, inspect
from realdata.photos.folders import Photo, differences, find_photos, warnings
from realdata.photos.metadata import read_metadata
from realdata.photos.options import Metadata
from workbench import terminal
from workbench.conventions import GROUPS

_BATCH = 64
WITHIN, BETWEEN_GROUPS, BETWEEN_CLASSES = "within a group", "between groups of a class", "between classes"


class Duplicate(NamedTuple):
    """One image in several files.

    Attributes:
        paths: the files' paths.
        same_file: whether the files have the same bytes; if not, only the pixels are the same.
        where: `within a group`, `between groups of a class` (so that it counts in both), or
            `between classes` (so that one of its labels is wrong).
    """

    paths: list[str]
    same_file: bool
    where: str


def check_photos(
    directory: Path,
    classes: ClassNames,
    mapping: dict[str, int] | None = None,
    workers: int = 0,
    metadata: Metadata | None = None,
) -> dict[str, Any]:
    """Check every photo of a folder.

    Args:
        directory: the folder of the class folders, in CounterAnimal's layout, or of the photos of `metadata`.
        classes: all classes.
        mapping: class folder to index, for other names.
        workers: processes that decode; with 0, this process reads the photos.
        metadata: a table with the photos' classes and groups, in place of class folders.

    Returns:
        The content for `--json`.

    Raises:
        InputError: there is no such folder, or it has no photos; see `realdata.photos.folders.find_photos`. Or the
            table is wrong; see `realdata.photos.metadata.read_metadata`.
    """
    of_table = metadata is not None
    folder = (
        find_photos(directory, classes, mapping) if metadata is None else read_metadata(directory, metadata, classes)
    )
    root, photos = folder.root, folder.photos
    groups = sorted({photo.group for photo in photos}) if of_table else GROUPS
    found, unreadable = _inspect_all(root, photos, workers)
    counted = Counter((photo.class_index, photo.group) for photo in photos)
    kinds = Counter(each.mode for each in found.values())
    return {
        "data": str(root),
        "photos": {group: sum(photo.group == group for photo in photos) for group in groups},
        "classes": [
            {"class_index": index, "label": classes.names[index]}
            | ({} if of_table else {f"{group}_photos": counted[index, group] for group in groups})
            for index in sorted({photo.class_index for photo in photos})
        ],
        "modes": dict(kinds.most_common()),
        "turned_by_exif": [path for path, each in found.items() if each.turned],
        "warnings": [*folder.notes, *([] if of_table else _compare_with_published(photos, classes))],
        "unreadable": [{"path": path, "reason": reason} for path, reason in unreadable.items()],
        "duplicates": [each._asdict() for each in find_duplicates(photos, found)],
    }


def _compare_with_published(photos: Sequence[Photo], classes: ClassNames) -> list[str]:
    return [*warnings(photos, classes), *differences(photos, read_published_tables().classes)]


def find_duplicates(photos: Sequence[Photo], found: Mapping[str, Inspection]) -> list[Duplicate]:
    """Find all images that are in more than one file, in the order of the photos.

    Args:
        photos: all photos.
        found: the inspection of each photo that could be read, by path.
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
    """Inspect all photos: the inspections, and the reasons why photos cannot be read, by path."""
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
