"""Photos whose background is taken away: a mask beside each photo says what is kept."""

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from pretrained.preprocessing import open_photo
from realdata.photos.folders import Photo
from workbench.errors import InputError

FILLS = ("grey", "blur", "mean")
_GREY = 128
_KEPT = 128  # a mask's least value, of 255, where the photo is kept
_BLUR = 0.05  # of the shorter side: the deviation of the blur


def mask_name(photo: str) -> str:
    """Where a photo's mask lies in the folder of masks: at the photo's own path, as PNG."""
    return PurePosixPath(photo).with_suffix(".png").as_posix()


def check_masks(folder: Path, photos: Sequence[Photo]) -> None:
    """Refuse masks that are not one for each photo.

    Args:
        folder: of the masks.
        photos: all of them.

    Raises:
        InputError: a photo has no mask, or a mask no photo, or two photos share one; the first is named.
    """
    if not folder.is_dir():
        raise InputError(f"`mask`: {folder} is no directory")
    wanted = Counter(mask_name(photo.path) for photo in photos)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    for names, words in (
        (wanted.keys() - there, "photos have no mask, the first"),
        (there - wanted.keys(), "masks have no photo, the first"),
        ({name for name, number in wanted.items() if number > 1}, "masks are of several photos, the first"),
    ):
        if names:
            raise InputError(f"`mask`: {folder}: {len(names)} {words} {min(names)}")


def take_background_away(photo: Image.Image, mask: Image.Image, fill: str) -> Image.Image:
    """A photo with what its mask leaves out replaced.

    Args:
        photo: in any mode.
        mask: of the same size; its light pixels are kept.
        fill: `grey`, half of white; `mean`, the background's own mean colour, which keeps what colour tells; `blur`,
            the photo out of focus, which keeps colour and coarse shapes.

    Raises:
        ValueError: the sizes differ.
    """
    if photo.size != mask.size:
        raise ValueError(
            f"its mask has {mask.size[0]} x {mask.size[1]} pixels, the photo {photo.size[0]} x {photo.size[1]}"
        )
    photo = photo.convert("RGB")
    kept = np.asarray(mask.convert("L")) >= _KEPT
    pixels = np.asarray(photo)
    if fill == "grey" or kept.all():
        other = np.full_like(pixels, _GREY)
    elif fill == "mean":
        other = np.broadcast_to(np.rint(pixels[~kept].mean(axis=0)).astype(np.uint8), pixels.shape)
    else:
        other = np.asarray(photo.filter(ImageFilter.GaussianBlur(_BLUR * min(photo.size))))
    return Image.fromarray(np.where(kept[..., None], pixels, other))


@dataclasses.dataclass(frozen=True)
class MaskedRead:
    """Reads photos without their background, as a model reads photos; picklable where the model's reader is.

    Attributes:
        read: the model's.
        root: the folder that the photos' paths start from.
        masks: the folder of masks.
        fill: what stands in the background's place.
    """

    read: Callable[[Path], Any]
    root: Path
    masks: Path
    fill: str

    def __call__(self, path: Path) -> Any:
        """What the model makes of the photo without its background.

        Raises:
            OSError: the photo or its mask cannot be decoded.
            ValueError: they differ in size.
        """
        place = self.masks / mask_name(path.relative_to(self.root).as_posix())
        with open_photo(path) as photo, open_photo(place) as mask, tempfile.TemporaryDirectory() as folder:
            # A file, since models read files; without loss.
            masked = Path(folder) / "masked.png"
            take_background_away(photo, mask, self.fill).save(masked)
            return self.read(masked)
