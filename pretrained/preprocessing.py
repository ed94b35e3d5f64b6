"""From a photo's file to the bytes of an image tower's input: decoded, resized and cropped by Pillow alone."""

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from workbench.errors import InputError

# Pillow's numbers of interpolations, which Hugging Face's files use, by name.
INTERPOLATIONS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
FITS = ("shortest", "squash")
_LARGEST = 2**14  # side of an image, in pixels
# Used if a CLIP's files have none.
OPENAI_MEAN, OPENAI_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
# Pillow's readers of photos. Not among them: those that start another program (EPS), and those for formats without a
# signature, which accept other files. Pillow added the last of each row in later versions.
_FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF"),
    *("DDS", "ICNS", "ICO", "PCX", "PSD", "SGI", "SUN", "QOI"),
)


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes an image tower's input.

    Attributes:
        resize: length of the shorter side in pixels, or of both sides if photos are squashed.
        crop: side of the square that is cut from the centre, in pixels.
        interpolation: a name in `INTERPOLATIONS`.
        mean: subtracted from each channel, whose values are from 0 to 1.
        deviation: the divisor of each channel after that.
        library: the library whose steps are followed. `transformers` converts a photo to RGB before it resizes it, and
            rounds half a pixel of the margin up and left. `torchvision`, and timm, convert it first and round half a
            pixel to the even number. `open_clip`, which builds on torchvision, converts it after it resizes it.
        fit: how a photo becomes a square, in OpenCLIP's words: `shortest`, its shorter side is resized and the centre
            cut out; `squash`, both sides are resized.

    Raises:
        InputError: another interpolation or fit, or sides or channel values that are not valid numbers.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    library: str = "transformers"
    fit: str = "shortest"

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(f"the interpolation must be among {', '.join(INTERPOLATIONS)}, got {self.interpolation}")
        if self.fit not in FITS:
            raise InputError(f"the resize mode must be among {', '.join(FITS)}, got {self.fit}")
        for name in ("resize", "crop"):
            side = getattr(self, name)
            if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= _LARGEST:
                raise InputError(f"{name} must be a whole number of pixels from 1 to {_LARGEST}, got {side!r}")
        for name, least in (("mean", -math.inf), ("deviation", 0.0)):
            channels = getattr(self, name)
            if len(channels) != 3 or not all(_number(part) and least < part < math.inf for part in channels):
                kind = "three positive numbers" if least == 0 else "three numbers"
                raise InputError(f"the channels' {name} must be {kind}, got {list(channels)}")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@functools.cache
def formats() -> tuple[str, ...]:
    """The formats of photos that the installed Pillow can read."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def open_photo(path: Path) -> Image.Image:
    """Open a photo's file by its content, whatever its name; only the header is decoded yet.

    Raises:
        OSError: the file has none of the formats.
        PIL.Image.DecompressionBombError: it has more pixels than Pillow's limit allows.
    """
    return Image.open(path, formats=formats())


def read_photo(path: Path, preprocessing: Preprocessing) -> UInt8[np.ndarray, "side side 3"]:
    """Decode a photo, resize it, cut out the centre and convert it to RGB, as transformers and torchvision do.

    The longer side is rounded down to whole pixels. The EXIF orientation is ignored, as both libraries do with an open
    file. Transparency is dropped, as in OpenCLIP; transformers 5 puts white behind it. An animation gives its first
    image.

    Raises:
        OSError: the photo cannot be decoded.
    """
    with open_photo(path) as image:
        photo = image if preprocessing.library == "open_clip" else image.convert("RGB")
        size = _size(photo, preprocessing)
        if photo.size != size:
            photo = photo.resize(size, Image.Resampling(INTERPOLATIONS[preprocessing.interpolation]))
        return np.asarray(_centre(photo, preprocessing).convert("RGB"))


def _size(photo: Image.Image, preprocessing: Preprocessing) -> tuple[int, int]:
    short, (width, height) = preprocessing.resize, photo.size
    if preprocessing.fit == "squash":
        return short, short
    return (short, int(short * height / width)) if width <= height else (int(short * width / height), short)


def _centre(photo: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """The square in the middle; missing pixels are black, and an odd one of them is above or to the left."""
    side, to_even = preprocessing.crop, preprocessing.library != "transformers"
    left, top = (round((length - side) / 2) if to_even else (length - side) // 2 for length in photo.size)
    return photo.crop((left, top, left + side, top + side))
