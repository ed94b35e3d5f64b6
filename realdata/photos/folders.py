"""A folder of photos: the class, the group and the background of each, from the folders' names.

Also compares the numbers of photos with those published for CounterAnimal.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from realdata.photos.class_names import ClassNames, find_class, nearest_classes
from realdata.photos.files import list_folder, notes_on_files, photos_below
from workbench.conventions import GROUPS
from workbench.errors import InputError

# How a group's folder may begin, in the paper's two versions.
PREFIXES = {"common": "common", "easy": "common", "counter": "counter", "hard": "counter"}
UNCURATED = ""  # the group of photos that have none yet


class Photo(NamedTuple):
    """One photo: its path within the folder, with `/`, and its class, group and background.

    The group is `common` or `counter`; `UNCURATED`; or of a photo from a table its class and its attribute, which then
    stands as its background.
    """

    path: str
    class_index: int
    group: str
    background: str


class DataSet(NamedTuple):
    """Photos with their classes and groups: CounterAnimal's folders, folders without groups, or the rows of a table.

    Attributes:
        root: the folder where the photos' paths start.
        photos: all photos, in the order of their paths.
        notes: notes for the user about files that do not count.
        training: the number of photos of each group in the training split, if there is one.
    """

    root: Path
    photos: list[Photo]
    notes: list[str]
    training: Mapping[str, int] | None = None


def find_photos(root: Path, classes: ClassNames, mapping: dict[str, int] | None = None) -> DataSet:
    """Find all photos in a folder, in the order of their paths.

    Args:
        root: the folder of the class folders, or one that holds it and nothing else (such as the archive's).
        classes: all classes.
        mapping: class folder to index, for other names.

    Raises:
        InputError: there is no such folder, it has no photos, one group is missing, or a folder's name gives no class
            or group.
    """

    def group_and_background(folder: Path) -> tuple[str, str]:
        prefix, _, background = folder.name.partition("-")
        if prefix not in PREFIXES:
            raise InputError(
                f"`data`: {folder.parent}: holds the folder {folder.name}; a group begins with "
                f"{', '.join(f'{word}-' for word in PREFIXES)}"
            )
        return PREFIXES[prefix], background

    found = _read(root, classes, mapping, group_and_background, "`data`", "common-water")
    missing = set(GROUPS) - {photo.group for photo in found.photos}
    if missing:
        raise InputError(f"`data`: {found.root}: holds no {' and no '.join(sorted(missing))} photos")
    return found


def find_uncurated(
    root: Path, classes: ClassNames, mapping: dict[str, int] | None = None, option: str = "`data`"
) -> DataSet:
    """Find all photos in folders class/background, without groups; arguments as in `find_photos`.

    If the background's folder begins with a group, as in the released set, the group is ignored.

    Raises:
        InputError: there is no such folder, it has no photos, or a folder's name gives no class.
    """

    def no_group_and_background(folder: Path) -> tuple[str, str]:
        group, _, background = folder.name.partition("-")
        return UNCURATED, background if group in PREFIXES and background else folder.name

    return _read(root, classes, mapping, no_group_and_background, option, "water")


def _read(
    root: Path,
    classes: ClassNames,
    mapping: dict[str, int] | None,
    group_and_background: Callable[[Path], tuple[str, str]],
    option: str,
    example: str,
) -> DataSet:
    """Find all photos two folders deep; `group_and_background` takes an inner folder."""
    if not root.is_dir():
        raise InputError(f"{option}: {root} is no directory")
    given, top = root, list_folder(root)
    elsewhere, others, left_behind = [*top.photos], [], [*top.left_behind]
    if len(top.folders) == 1 and find_class(top.folders[0].name, classes, mapping) is None:
        root = top.folders[0]
        top = list_folder(root)
        elsewhere += top.photos
        left_behind += top.left_behind
    photos: list[Photo] = []
    for folder, index in _class_indices(root, top.folders, classes, mapping, option).items():
        middle = list_folder(folder)
        groups = [(group_and_background(group), list_folder(group)) for group in middle.folders]
        for kind, inside in groups:
            photos += [Photo(path.relative_to(root).as_posix(), index, *kind) for path in inside.photos]
            elsewhere += photos_below(inside.folders)
        elsewhere += middle.photos
        for each in (middle, *(inside for _, inside in groups)):
            others += each.others
            left_behind += each.left_behind
    notes = notes_on_files(given, others, elsewhere, left_behind)
    if not photos:
        raise InputError(
            "; ".join([f"{option}: {root}: holds no photo in folders like '100 black swan/{example}'", *notes])
        )
    return DataSet(root, photos, notes)


def _class_indices(
    root: Path, folders: Sequence[Path], classes: ClassNames, mapping: dict[str, int] | None, option: str
) -> dict[Path, int]:
    """The index of each class folder."""
    indices = {folder: find_class(folder.name, classes, mapping) for folder in folders}
    if unknown := [folder.name for folder, index in indices.items() if index is None]:
        raise InputError(
            f"{option}: {root}: no class is called {_name_list(unknown)}; nearest to {unknown[0]!r}: "
            f"{', '.join(nearest_classes(unknown[0], classes))}; a class folder begins with an index, or is a WordNet "
            "id or name of --names; --classes maps others"
        )
    found = {folder: index for folder, index in indices.items() if index is not None}
    if nameless := [(folder.name, index) for folder, index in found.items() if index not in classes.names]:
        raise InputError(
            f"`classes`: {nameless[0][0]!r} is mapped to class {nameless[0][1]}, which has no name in --names"
        )
    return found


def warnings(photos: Sequence[Photo], classes: ClassNames) -> list[str]:
    """Notes for the user about classes with one group only, and about folders whose number and name disagree."""
    groups: dict[str, set[str]] = {}
    indices: dict[str, int] = {}
    for photo in photos:
        folder = photo.path.partition("/")[0]
        groups.setdefault(folder, set()).add(photo.group)
        indices[folder] = photo.class_index
    found = []
    for folder, index in indices.items():
        for group in sorted(set(GROUPS) - groups[folder]):
            found.append(f"{folder!r} has no {group} photos and does not count in that group's accuracy")
        number, _, name = folder.partition(" ")
        if number.isdigit() and name and find_class(name, classes) != index:
            found.append(f"{folder!r} is taken for class {index}, {classes.names[index]!r}, by its number")
    return found


def _name_list(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def differences(photos: Sequence[Photo], classes: pd.DataFrame) -> list[str]:
    """Compare the numbers of photos and the backgrounds with those of Fig. 3.

    A folder counts as CounterAnimal if most of its classes have their published background. There is no note for
    another set of photos.

    Args:
        photos: the folder's photos.
        classes: the published table of classes.
    """
    published = classes.astype({"imagenet_index": int}).set_index("imagenet_index")
    backgrounds: dict[tuple[int, str], set[str]] = {}
    for photo in photos:
        backgrounds.setdefault((photo.class_index, photo.group), set()).add(photo.background)
    alike = {
        index
        for index, group in backgrounds
        if index in published.index and published.at[index, f"{group}_background"] in backgrounds[index, group]
    }
    if 2 * len(alike) <= len({index for index, _ in backgrounds}):
        return []
    counted = Counter((photo.class_index, photo.group) for photo in photos)
    found = []
    for index, row in published.iterrows():
        label = str(row["label"]).partition(",")[0]
        if not any((index, group) in backgrounds for group in GROUPS):
            found.append(f"{label!r} ({index}) of CounterAnimal is not there")
            continue
        for group in GROUPS:
            here, there = counted[int(str(index)), group], int(row[f"{group}_photos"])
            if here != there:
                found.append(f"{label!r} ({index}) has {here} {group} photos, where {there} are published")
            other = backgrounds.get((int(str(index)), group), set()) - {row[f"{group}_background"]}
            if other:
                found.append(
                    f"{label!r} ({index}) has {group} photos on {', '.join(sorted(other))}, where "
                    f"{row[f'{group}_background']} is published"
                )
    return found
