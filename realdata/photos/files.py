"""Which files under a folder are photos, which are left out, and which a system or program has left behind."""

import functools
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from pretrained.preprocessing import formats, open_photo

# By macOS's archives, Windows, Synology's and other disk stations, and disks; hidden ones are known by their dot.
_LEFT_BEHIND = frozenset(
    (
        *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "#recycle", "#snapshot", "lost+found", "__pycache__"),
    )
)
# Raw photos of cameras begin as TIFF does; Pillow would read their thumbnail.
_RAW = frozenset((".3fr", ".arw", ".cr2", ".dng", ".erf", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw"))
_SHOWN = 8  # endings


class Listing(NamedTuple):
    """What a folder holds, each by name.

    Attributes:
        folders: that may hold something.
        photos: files that Pillow reads, or that are called as such.
        others: all other files.
        left_behind: hidden files and folders, and those that systems leave.
    """

    folders: list[Path]
    photos: list[Path]
    others: list[Path]
    left_behind: list[Path]


def list_folder(folder: Path) -> Listing:
    """What a folder holds, without what its folders hold.

    Raises:
        OSError: it cannot be read.
    """
    found = Listing([], [], [], [])
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower() in _LEFT_BEHIND:
            found.left_behind.append(path)
        elif path.is_dir():
            found.folders.append(path)
        else:
            (found.photos if is_photo(path) else found.others).append(path)
    return found


def is_photo(path: Path) -> bool:
    """Whether a file is a photo: by its ending, so that a damaged one is told as such, or else by what it holds."""
    ending = path.suffix.lower()
    return ending in _endings() or (ending not in _RAW and _holds_photo(path))


@functools.cache
def _endings() -> frozenset[str]:
    known = formats()  # which has Pillow learn all endings
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in (*known, "MPO"))


def _holds_photo(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a large photo, which is told when it is decoded
            open_photo(path).close()
    except Image.DecompressionBombError:  # a photo, and refused when it is decoded
        return True
    except Exception:  # Pillow raises a dozen kinds on what is none
        return False
    return True


def photos_below(folders: Iterable[Path]) -> Iterator[Path]:
    """All photos in folders and in theirs."""
    for folder in folders:
        inside = list_folder(folder)
        yield from inside.photos
        yield from photos_below(each for each in inside.folders if not each.is_symlink())  # which may lead back


def notes_on_files(
    root: Path, others: Sequence[Path], elsewhere: Sequence[Path], left_behind: Sequence[Path]
) -> list[str]:
    """What a person should know of files under a folder that do not count.

    Args:
        root: the folder.
        others: files that are no photos.
        elsewhere: photos outside of the folders that are read.
        left_behind: hidden files and folders, and those that systems leave.
    """
    found = []

    def first(paths: Sequence[Path]) -> str:
        return f"the first: {paths[0].relative_to(root).as_posix()}"

    if others:
        counts = Counter(path.suffix.lower() or "without ending" for path in others).most_common()
        kinds = ", ".join(f"{number} {ending}" for ending, number in counts[:_SHOWN])
        kinds += f" and {len(counts) - _SHOWN} more endings" if len(counts) > _SHOWN else ""
        found.append(f"left out, no photos that can be read here: {kinds}; {first(others)}")
    if elsewhere:
        number = f"{len(elsewhere)} photo" + ("s" if len(elsewhere) > 1 else "")
        found.append(f"left out, not directly in a folder that is read: {number}; {first(elsewhere)}")
    if left_behind:
        found.append(f"ignored, hidden or left behind by a system: {len(left_behind)}; {first(left_behind)}")
    return found
