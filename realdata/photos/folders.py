"""The folder of photos: which photo shows which class, in which group, on which background.

Its photos are counted against the published numbers of CounterAnimal.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from realdata.photos.class_names import ClassNames, find_class
from workbench.conventions import GROUPS
from workbench.errors import InputError

# What a group's folder may begin with: the paper's two versions.
PREFIXES = {"common": "common", "easy": "common", "counter": "counter", "hard": "counter"}
UNCURATED = ""  # the group of photos that are of none yet
ENDINGS = (".jpg", ".jpeg", ".png")


class Photo(NamedTuple):
    """One photo: its path within the folder, with `/`, and what its folders say of it."""

    path: str
    class_index: int
    group: str
    background: str


def find_photos(root: Path, classes: ClassNames, mapping: dict[str, int] | None = None) -> tuple[Path, list[Photo]]:
    """All photos under a folder, in the order of their paths.

    Args:
        root: the folder of the class folders, or one that holds it and nothing else (such as the archive's).
        classes: the classes that there are.
        mapping: class folder to index, for other names.

    Returns:
        The folder of the class folders, and the photos.

    Raises:
        InputError: there is no such folder, no photo, only one of the groups, or a folder of no class or group.
    """
    root, indices = class_folders(root, classes, mapping)
    photos = []
    for folder, index in indices.items():
        for group in subfolders(folder):
            prefix, _, background = group.name.partition("-")
            if prefix not in PREFIXES:
                raise InputError(
                    f"`data`: {folder}: holds the folder {group.name}; a group begins with "
                    f"{', '.join(f'{word}-' for word in PREFIXES)}"
                )
            for path in photo_files(group):
                photos.append(Photo(path.relative_to(root).as_posix(), index, PREFIXES[prefix], background))
    if not photos:
        raise InputError(f"`data`: {root}: holds no photo in folders like '100 black swan/common-water'")
    missing = set(GROUPS) - {photo.group for photo in photos}
    if missing:
        raise InputError(f"`data`: {root}: holds no {' and no '.join(sorted(missing))} photos")
    return root, photos


def find_uncurated(
    root: Path, classes: ClassNames, mapping: dict[str, int] | None = None, option: str = "`data`"
) -> tuple[Path, list[Photo]]:
    """All photos in folders of class and background, of no group yet; as `find_photos` otherwise.

    A background's folder may have a group before its name, as in a released set, which is not heeded.

    Raises:
        InputError: there is no such folder, no photo, or a folder of no class.
    """
    root, indices = class_folders(root, classes, mapping, option)
    photos = []
    for folder, index in indices.items():
        for background in subfolders(folder):
            group, _, behind = background.name.partition("-")
            name = behind if group in PREFIXES and behind else background.name
            photos += [
                Photo(path.relative_to(root).as_posix(), index, UNCURATED, name) for path in photo_files(background)
            ]
    if not photos:
        raise InputError(f"{option}: {root}: holds no photo in folders like '100 black swan/water'")
    return root, photos


def class_folders(
    root: Path, classes: ClassNames, mapping: dict[str, int] | None = None, option: str = "`data`"
) -> tuple[Path, dict[Path, int]]:
    """The class folders of a folder; arguments as in `find_photos`, and the option that names the folder.

    Returns:
        The folder that holds them, and the index of each.

    Raises:
        InputError: there is no such folder, or one in it is of no class.
    """
    if not root.is_dir():
        raise InputError(f"{option}: {root} is no directory")
    folders = subfolders(root)
    if len(folders) == 1 and find_class(folders[0].name, classes, mapping) is None:
        root, folders = folders[0], subfolders(folders[0])
    indices = {folder: find_class(folder.name, classes, mapping) for folder in folders}
    if unknown := [folder.name for folder, index in indices.items() if index is None]:
        raise InputError(
            f"{option}: {root}: no class is called {_listed(unknown)}; a class folder begins with an index, or is a "
            "WordNet id or name of --names; --classes maps others"
        )
    return root, {folder: index for folder, index in indices.items() if index is not None}


def warnings(photos: Sequence[Photo], classes: ClassNames) -> list[str]:
    """What a person should know of a folder that is read all the same: lone groups, and names that do not fit."""
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


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, by name, but for hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def photo_files(folder: Path) -> list[Path]:
    """The photos in a folder, by name, but for hidden ones."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def differences(photos: Sequence[Photo], classes: pd.DataFrame) -> list[str]:
    """Where a folder's photos are not as many as Fig. 3 says, or on another background; nothing for another set.

    A folder is taken for CounterAnimal if most of its classes are, with a background that is published for them.

    Args:
        photos: of the folder.
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
