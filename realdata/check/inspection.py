"""One photo looked at: whether it decodes, what kind of image it is, and what makes it the same as another.

The processes that decode photos import this module, so it imports little.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from pretrained.preprocessing import open_photo

_ORIENTATION = 0x0112  # EXIF's
_UPRIGHT = 1


class Inspection(NamedTuple):
    """What a photo is.

    Attributes:
        mode: Pillow's word for its colours: RGB, L (grey), P (palette), RGBA, CMYK, I;16 and so on.
        turned: whether its EXIF data say that it must be turned to be seen upright; CLIP's libraries do not turn it.
        file: digest of its bytes.
        image: digest of its size and of its pixels in RGB.
    """

    mode: str
    turned: bool
    file: str
    image: str


def inspect(path: Path) -> Inspection:
    """Look at a photo.

    Raises:
        OSError: it cannot be decoded.
    """
    with open_photo(path) as opened:
        mode, turned = opened.mode, opened.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
        pixels = opened.convert("RGB")
    image = hashlib.sha256(repr(pixels.size).encode() + pixels.tobytes())
    return Inspection(mode, turned, hashlib.sha256(path.read_bytes()).hexdigest(), image.hexdigest())
