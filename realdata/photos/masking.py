"""Photos without their background: a mask for each photo says which pixels stay."""

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

_GREY = 128
_KEPT = 128  # from this value of a mask on, up to 255, the photo's pixel stays
_BLUR = 0.05  # standard deviation of the blur, as a share of the shorter side


def mask_name(photo: str) -> str:
    """The path of a photo's mask in the folder of masks: the photo's own path, as PNG."""
    return PurePosixPath(photo).with_suffix(".png").as_posix()


def check_masks(folder: Path, photos: Sequence[Photo]) -> None:
    """Check that there is just one mask for each photo.

    Args:
        folder: the folder of masks.
        photos: all photos.

    Raises:
        InputError: a photo has no mask, a mask has no photo, or two photos share one; the message names the first.
    """
    if not folder.is_dir():
        raise InputError(f"`mask`: {folder} is no directory")
    wanted = Counter(mask_name(photo.path) for photo in photos)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    for names, words in (
        (wanted.keys() - present, "photos have no mask, the first"),
        (present - wanted.keys(), "masks have no photo, the first"),
        ({name for name, number in wanted.items() if number > 1}, "masks belong to several photos, the first"),
    ):
        if names:
            raise InputError(f"`mask`: {folder}: {len(names)} {words} {min(names)}")


def replace_background(photo: Image.Image, mask: Image.Image, fill: str) -> Image.Image:
    """Replace the pixels of a photo where its mask is dark.

    Args:
        photo: a photo in any mode.
        mask: a mask of the same size; where it is light, the photo's pixels stay.
        fill: `grey`, half of white; `mean`, the background's mean colour, which keeps the information of colour;
            `blur`, the blurred photo, which keeps colour and coarse shapes.

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
    """Reads photos for a model, without their background; picklable if the model's reader is.

    Attributes:
        read: the model's reader.
        root: the folder of the class folders.
        masks: the folder of masks.
        fill: the background's replacement; see `replace_background`.
    """

    read: Callable[[Path], Any]
    root: Path
    masks: Path
    fill: str

    def __call__(self, path: Path) -> Any:
        """The model's input for the photo without its background.

        Raises:
            OSError: the photo or its mask cannot be decoded.
            ValueError: their sizes differ.
        """
        place = self.masks / mask_name(path.relative_to(self.root).as_posix())
        with open_photo(path) as photo, open_photo(place) as mask, tempfile.TemporaryDirectory() as folder:
            # Models read files, so the photo becomes one; PNG loses nothing.
            masked = Path(folder) / "masked.png"
            replace_background(photo, mask, self.fill).save(masked)
            return self.read(masked)
