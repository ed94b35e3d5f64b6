"""The files of torchvision's classifiers: their names, where they lie on a machine, and how they are downloaded.

A file's name ends in the first digits of its SHA-256. A file with these digits is torchvision's own, and is read
although it is pickled; a reader that runs no code reads it. Other pickled files are refused unless they are asked for.
"""

import functools
import hashlib
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from pretrained.weights import PICKLED
from published.directory import DIRECTORY
from published.tables import read_table
from realdata.names import AT
from workbench import terminal
from workbench.errors import InputError

ADDRESS = "https://download.pytorch.org/models/"
_SECONDS = 60  # to wait for an answer


class Published(NamedTuple):
    """What torchvision says of the weights `IMAGENET1K_V1` of a classifier.

    Attributes:
        file: the file's name.
        resize: length of a photo's shorter side in pixels.
        crop: side of the square that is cut from its centre.
    """

    file: str
    resize: int
    crop: int

    @property
    def digits(self) -> str:
        """The first digits of the file's SHA-256."""
        return self.file.rpartition("-")[2].partition(".")[0]


@functools.cache
def published_files() -> dict[str, Published]:
    """The files of the paper's ImageNet models, by torchvision's names."""
    side: Any = (1, 1000)
    table = read_table(DIRECTORY / "torchvision_files.csv", {"model": None, "file": None, "resize": side, "crop": side})
    rows = table[["model", "file", "resize", "crop"]].itertuples(index=False)
    return {str(model): Published(str(file), int(resize), int(crop)) for model, file, resize, crop in rows}


def file_names(name: str) -> list[str]:
    """The names that a classifier's file may have, the safe format first."""
    return [f"{name}.safetensors", published_files()[name].file]


def find_file(name: str, place: str, allow_pickle: bool) -> Path:
    """Find a classifier's file, or download it into PyTorch's cache, where torchvision finds it too.

    Args:
        name: torchvision's name, such as `resnet50`.
        place: a file, or a folder with it; empty for PyTorch's cache.
        allow_pickle: whether to read a pickled file that is not torchvision's own.

    Raises:
        InputError: there is no such file, it cannot be downloaded, or is pickled and not torchvision's own.
    """
    folder = Path(place) if place else cache_folder()
    path = folder if folder.is_file() else next((folder / n for n in file_names(name) if (folder / n).is_file()), None)
    if path is None and place:
        raise InputError(f"{place} is no file, and holds neither {' nor '.join(file_names(name))}")
    if path is None:
        return _download(name, folder)
    if path.suffix in PICKLED and not allow_pickle:
        wanted, found = published_files()[name].digits, _digest(path)
        if not found.startswith(wanted):
            raise InputError(
                f"{path}: is not torchvision's file of {name}, whose SHA-256 begins with {wanted}, but {found[:8]}; "
                "`allow_pickle` reads pickled weights all the same, and runs no code in them"
            )
    return path


def cache_folder() -> Path:
    """The folder in which PyTorch keeps downloaded weights: under TORCH_HOME, or under XDG_CACHE_HOME or `~/.cache`."""
    above = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TORCH_HOME") or above / "torch") / "hub" / "checkpoints"


def _download(name: str, folder: Path) -> Path:
    published = published_files()[name]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as beside:
            part = Path(beside) / published.file
            with (
                terminal.spinner(f"downloading {published.file}"),
                urllib.request.urlopen(f"{ADDRESS}{published.file}", timeout=_SECONDS) as answer,
                part.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
            if not _digest(part).startswith(published.digits):
                raise InputError(f"{ADDRESS}{published.file}: the file that came is damaged, by its SHA-256; try again")
            return part.replace(folder / published.file)
    except OSError as error:  # the network's errors are OSErrors too
        safe, own = file_names(name)
        raise InputError(
            f"torchvision:{name}: {folder} holds neither {safe} nor {own}, which cannot be downloaded ({error}); "
            f"connect once, or name the file, torchvision:{name}{AT}FILE"
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
