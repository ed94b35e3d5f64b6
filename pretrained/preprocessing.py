"""From a photo's file to what an image tower reads: decoded and resized by Pillow, cropped, normalised."""

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from PIL import Image

from workbench.errors import InputError

# Pillow's numbers, which Hugging Face's files use, by name.
INTERPOLATIONS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """What is done to a photo.

    Attributes:
        resize: length of the shorter side, in pixels.
        crop: side of the square that is cut from the centre.
        interpolation: a name of `INTERPOLATIONS`.
        mean: taken from each channel, of values from 0 to 1.
        deviation: by which each channel is then divided.
        library: whose way to centre the square: `transformers` rounds half a pixel up and left, `torchvision` to the
            even one.

    Raises:
        InputError: another interpolation.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    library: str = "transformers"

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(f"the interpolation must be among {', '.join(INTERPOLATIONS)}, got {self.interpolation}")


def read_photo(path: Path, preprocessing: Preprocessing) -> UInt8[np.ndarray, "side side 3"]:
    """Decode a photo, convert it to RGB, resize its shorter side and cut the centre.

    As transformers and torchvision do it: the longer side is cut to whole pixels.

    Raises:
        OSError: it cannot be decoded.
    """
    with Image.open(path) as image:
        photo = image.convert("RGB")
    width, height = photo.size
    short = preprocessing.resize
    if min(width, height) != short:
        size = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
        photo = photo.resize(size, Image.Resampling(INTERPOLATIONS[preprocessing.interpolation]))
    return _centre(np.asarray(photo), preprocessing.crop, preprocessing.library == "torchvision")


def _centre(photo: UInt8[np.ndarray, "height width 3"], side: int, to_even: bool) -> UInt8[np.ndarray, "side side 3"]:
    height, width, _ = photo.shape
    missing = max(0, side - height), max(0, side - width)
    if any(missing):  # black borders, as transformers adds them
        above, left = (-(-gap // 2) for gap in missing)
        photo = np.pad(photo, ((above, missing[0] - above), (left, missing[1] - left), (0, 0)))
        height, width, _ = photo.shape
    top, left = (round(margin / 2) if to_even else margin // 2 for margin in (height - side, width - side))
    return photo[top : top + side, left : left + side]


def prepare(photos: UInt8[Array, "size side side 3"], preprocessing: Preprocessing) -> Float[Array, "size side side 3"]:
    """Channels from 0 to 1, less the mean, over the deviation, in single precision; on the device, jitted or not."""
    mean, deviation = (jnp.asarray(part, jnp.float32) for part in (preprocessing.mean, preprocessing.deviation))
    return (photos.astype(jnp.float32) / 255.0 - mean[None, None, None]) / deviation[None, None, None]
