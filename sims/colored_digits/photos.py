"""Coloured digits as photos: bytes, captions in words, and the folders of CounterAnimal's layout."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from sims.colored_digits.colours import COLOURS, palette
from sims.colored_digits.design import SPURIOUS
from sims.colored_digits.digits import Split

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PROMPT = "A photo of {}."  # the paper's


class Photo(NamedTuple):
    """A test photo: which picture of a digit, on which colour, and where it belongs."""

    picture: int
    class_index: int
    group: str
    background: int
    path: str


def caption(label: int, colour: int, names_object: bool, names_background: bool) -> str:
    """What a caption says."""
    thing = NAMES[label] if names_object else "something"
    return f"A photo of {thing}" + (f" on {COLOURS[colour].name}." if names_background else ".")


def painted(
    digits: Float[np.ndarray, "size height width"], colours: Int[np.ndarray, " size"]
) -> UInt8[np.ndarray, "size height width 3"]:
    """White digits on their colours, as bytes."""
    ink = digits[..., None]
    backgrounds = palette(len(COLOURS))[colours][:, None, None, :]
    return np.rint(255.0 * (ink + (1.0 - ink) * backgrounds)).astype(np.uint8)


def counter_colour(label: int, classes: int) -> int:
    """The background of a class's counter photos: of 0 and 1 each other's colour, of the others the next one's."""
    if label in SPURIOUS:
        return 1 - label
    others = classes - len(SPURIOUS)
    return 0 if others == 1 else 2 + (label - 1) % others


def test_photos(digits: Split, classes: int, each: int) -> list[Photo]:
    """Up to `each` photos of every class in both groups, the same pictures in both.

    From four classes on, those above 1 are a control: neither of their two backgrounds tells of any class.
    """
    photos = []
    for label in range(classes):
        pictures = np.flatnonzero(digits.labels == label)[:each]
        backgrounds = {"common": label, "counter": counter_colour(label, classes)}
        for group, colour in backgrounds.items():
            folder = f"{label} {NAMES[label]}/{group}-{COLOURS[colour].name}"
            photos += [
                Photo(int(picture), label, group, colour, f"{folder}/{place:04d}.png")
                for place, picture in enumerate(pictures)
            ]
    return photos
