"""The folder that `make` writes, read back: bytes of each split, with objects and backgrounds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8

from pretrained.preprocessing import Preprocessing, read_photo
from published.tables import read_table
from sims.colored_coco.design import CLASSES, SPLITS
from sims.colored_coco.make import TABLE
from workbench.errors import InputError


class Images(NamedTuple):
    """The images of one split; labels are places among the classes that the folder shows."""

    images: UInt8[np.ndarray, "images side side 3"]
    labels: Int[np.ndarray, " images"]
    backgrounds: list[str]


def read_index(folder: Path) -> pd.DataFrame:
    """The table of a folder's images.

    Raises:
        InputError: the folder was not made by `make`, or a split is missing.
    """
    if not (folder / TABLE).exists():
        raise InputError(f"--data: {folder} holds no {TABLE}; `python -m sims.colored_coco make` writes such a folder")
    table = read_table(folder / TABLE, {"split": SPLITS, "path": None, "object": CLASSES, "background": None})
    missing = set(SPLITS) - set(table["split"])
    if missing:
        raise InputError(f"`data`: {folder / TABLE}: lists no image of the split {sorted(missing)[0]!r}")
    return table


def shown_classes(table: pd.DataFrame) -> list[str]:
    """The classes that a folder shows, in the design's order."""
    return [name for name in CLASSES if name in set(table["object"])]


def read_images(
    folder: Path,
    table: pd.DataFrame,
    split: str,
    preprocessing: Preprocessing,
    on_image: Callable[[], object] = lambda: None,
) -> Images:
    """The images of one split, resized and cropped for a model.

    Raises:
        InputError: an image is missing or cannot be decoded.
    """
    rows = table[table["split"] == split]

    def read(path: str) -> np.ndarray:
        try:
            photo = read_photo(folder / path, preprocessing)
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`data`: {folder / path}: cannot be read ({error})") from error
        on_image()
        return photo

    with ThreadPoolExecutor() as pool:
        images = np.stack(list(pool.map(read, rows["path"])))
    labels = rows["object"].map(shown_classes(table).index).to_numpy(np.int32)
    return Images(images, labels, rows["background"].tolist())
