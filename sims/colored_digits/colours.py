"""The colours of backgrounds, by name: as many as there are digits, dark enough for white ink."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Colour(NamedTuple):
    """A colour: red, green and blue, 0 to 255."""

    name: str
    rgb: tuple[int, int, int]


# Two far apart first: they are the spurious ones.
COLOURS = (
    Colour("red", (200, 30, 30)),
    Colour("green", (20, 140, 40)),
    Colour("blue", (30, 60, 200)),
    Colour("purple", (125, 30, 160)),
    Colour("orange", (215, 115, 0)),
    Colour("teal", (0, 130, 130)),
    Colour("brown", (110, 65, 25)),
    Colour("pink", (215, 80, 150)),
    Colour("olive", (125, 125, 0)),
    Colour("black", (0, 0, 0)),
)


def palette(classes: int) -> Float[np.ndarray, "colours 3"]:
    """The first colours, each channel from 0 to 1."""
    return np.array([colour.rgb for colour in COLOURS[:classes]], np.float32) / 255.0
