"""The files of a folder: which are photos, which are left out, and which belong to a system or program.

The processes that decode photos import this module, so it imports little.
"""

import functools
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from pretrained.preprocessing import formats, open_photo

# From macOS's archives, Windows, disk stations such as Synology's, and file systems; hidden files begin with a dot.
_LEFT_BEHIND = frozenset(
    (
        *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "#recycle", "#snapshot", "lost+found", "__pycache__"),
    )
)
# Cameras' raw photos begin like TIFF, and Pillow would read their thumbnail.
_RAW = frozenset((".3fr", ".arw", ".cr2", ".dng", ".erf", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw"))
_SHOWN = 8  # endings


class Listing(NamedTuple):
    """A folder's contents, sorted by name.

    Attributes:
        folders: its folders.
        photos: files that Pillow reads, or whose ending says so.
        others: all other files.
        left_behind: hidden files and folders, and those that systems make.
    """

    folders: list[Path]
    photos: list[Path]
    others: list[Path]
    left_behind: list[Path]


def list_folder(folder: Path) -> Listing:
    """List a folder, without the contents of its folders.

    Raises:
        OSError: the folder cannot be read.
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
    """Whether a file is a photo, by its ending (so that damaged photos are reported) or else by its content."""
    ending = path.suffix.lower()
    return ending in _endings() or (ending not in _RAW and _holds_photo(path))


@functools.cache
def _endings() -> frozenset[str]:
    known = formats()  # this call also makes Pillow register all endings
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in (*known, "MPO"))


def _holds_photo(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large photos are reported when they are decoded
            open_photo(path).close()
    except Image.DecompressionBombError:  # a photo, which decoding will refuse
        return True
    except Exception:  # Pillow raises a dozen kinds on other files
        return False
    return True


def photos_below(folders: Iterable[Path]) -> Iterator[Path]:
    """All photos in folders and in the folders inside them."""
    for folder in folders:
        inside = list_folder(folder)
        yield from inside.photos
        yield from photos_below(each for each in inside.folders if not each.is_symlink())  # links may form a loop


def notes_on_files(
    root: Path, others: Sequence[Path], elsewhere: Sequence[Path], left_behind: Sequence[Path]
) -> list[str]:
    """Notes for the user about files that do not count.

    Args:
        root: the folder.
        others: files that are not photos.
        elsewhere: photos outside the folders that are read.
        left_behind: hidden files and folders, and those that systems make.
    """
    found = []

    def first(paths: Sequence[Path]) -> str:
        return f"the first: {paths[0].relative_to(root).as_posix()}"

    if others:
        counts = Counter(path.suffix.lower() or "without ending" for path in others).most_common()
        kinds = ", ".join(f"{number} {ending}" for ending, number in counts[:_SHOWN])
        kinds += f" and {len(counts) - _SHOWN} more endings" if len(counts) > _SHOWN else ""
        found.append(f"left out, not photos that can be read here: {kinds}; {first(others)}")
    if elsewhere:
        number = f"{len(elsewhere)} photo" + ("s" if len(elsewhere) > 1 else "")
        found.append(f"left out, not directly in a folder that is read: {number}; {first(elsewhere)}")
    if left_behind:
        found.append(f"ignored, hidden or left behind by a system: {len(left_behind)}; {first(left_behind)}")
    return found


_ORIENTATION = 0x0112  # EXIF's
_UPRIGHT = 1


class Inspection(NamedTuple):
    """The properties of a photo.

    Attributes:
        mode: Pillow's word for its colours: RGB, L (grey), P (palette), RGBA, CMYK, I;16 and so on.
        turned: whether its EXIF data say that viewers must turn it; CLIP's libraries do not.
        file: digest of the file's bytes.
        image: digest of its size and of its pixels in RGB.
    """

    mode: str
    turned: bool
    file: str
    image: str


def inspect(path: Path) -> Inspection:
    """Decode a photo and describe it.

    Raises:
        OSError: the photo cannot be decoded.
    """
    with open_photo(path) as opened:
        mode, turned = opened.mode, opened.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
        pixels = opened.convert("RGB")
    image = hashlib.sha256(repr(pixels.size).encode() + pixels.tobytes())
    return Inspection(mode, turned, hashlib.sha256(path.read_bytes()).hexdigest(), image.hexdigest())
