"""The design of ColoredCOCO: nine classes, their own colours, ten more in training, and two out-of-distribution tests.

In training and in the in-distribution test an object stands on its class's own colour with probability 80%, else on one
of ten others, which no class owns. Out of distribution it stands

- `unseen`: on one of eight colours that no training picture has;
- `swapped`: on one of the eight colours that the other classes own.

Table 7 says of its test only that its eight colours are not tied to the class. Its accuracies, 0.2% to 21%, are for the
most part far below the 11% of guessing among nine classes, which a model that leans on the background reaches where the
background points to another class, and not where it says nothing new.

`read_pictures` reads back the folder that `make` writes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8

from pretrained.preprocessing import Preprocessing, read_photo
from published.tables import read_table
from sims.colored_coco.make import TABLE
from workbench.errors import InputError

# After Ahmed et al. (ICLR 2021), whose images the paper's are made like.
CLASSES = ("boat", "airplane", "truck", "dog", "zebra", "horse", "bird", "train", "bus")
OWN_SHARE = 0.8
# As Table 7's percentages, multiples of 1/900, say for the test.
TRAIN_OBJECTS, TEST_OBJECTS = 800, 100  # of a class


class Background(NamedTuple):
    """A colour by its name in CSS: red, green and blue."""

    name: str
    rgb: tuple[int, int, int]


OWN = (
    Background("dark green", (0, 100, 0)),
    Background("rosy brown", (188, 143, 143)),
    Background("red", (255, 0, 0)),
    Background("gold", (255, 215, 0)),
    Background("lime", (0, 255, 0)),
    Background("royal blue", (65, 105, 225)),
    Background("orchid", (218, 112, 214)),
    Background("cyan", (0, 255, 255)),
    Background("dark orange", (255, 140, 0)),
)
OTHERS = (
    Background("maroon", (128, 0, 0)),
    Background("olive", (128, 128, 0)),
    Background("navy", (0, 0, 128)),
    Background("khaki", (240, 230, 140)),
    Background("sienna", (160, 82, 45)),
    Background("plum", (221, 160, 221)),
    Background("silver", (192, 192, 192)),
    Background("indigo", (75, 0, 130)),
    Background("salmon", (250, 128, 114)),
    Background("turquoise", (64, 224, 208)),
)
UNSEEN = (
    Background("white", (255, 255, 255)),
    Background("black", (0, 0, 0)),
    Background("hot pink", (255, 105, 180)),
    Background("chocolate", (210, 105, 30)),
    Background("sky blue", (135, 206, 235)),
    Background("sea green", (46, 139, 87)),
    Background("lavender", (230, 230, 250)),
    Background("slate gray", (112, 128, 144)),
)
SPLITS = ("train", "in_distribution", "unseen", "swapped")


class Pictures(NamedTuple):
    """The pictures of one split."""

    images: UInt8[np.ndarray, "pictures side side 3"]
    labels: Int[np.ndarray, " pictures"]
    backgrounds: list[str]


def read_index(folder: Path) -> pd.DataFrame:
    """The table of a folder's pictures.

    Raises:
        InputError: the folder was not made by `make`, or a split is missing.
    """
    if not (folder / TABLE).exists():
        raise InputError(f"--data: {folder} holds no {TABLE}; `python -m sims.colored_coco make` writes such a folder")
    table = read_table(folder / TABLE, {"split": SPLITS, "path": None, "object": CLASSES, "background": None})
    missing = set(SPLITS) - set(table["split"])
    if missing:
        raise InputError(f"`data`: {folder / TABLE}: lists no picture of the split {sorted(missing)[0]!r}")
    return table


def read_pictures(
    folder: Path,
    table: pd.DataFrame,
    split: str,
    preprocessing: Preprocessing,
    on_picture: Callable[[], object] = lambda: None,
) -> Pictures:
    """The pictures of one split, resized and cropped for a model.

    Raises:
        InputError: a picture is missing or cannot be decoded.
    """
    rows = table[table["split"] == split]

    def read(path: str) -> np.ndarray:
        try:
            photo = read_photo(folder / path, preprocessing)
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`data`: {folder / path}: cannot be read ({error})") from error
        on_picture()
        return photo

    with ThreadPoolExecutor() as pool:
        images = np.stack(list(pool.map(read, rows["path"])))
    labels = rows["object"].map(CLASSES.index).to_numpy(np.int32)
    return Pictures(images, labels, rows["background"].tolist())
