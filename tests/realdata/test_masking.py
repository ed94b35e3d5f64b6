"""What a mask leaves of a photo."""

import numpy as np
import pytest
from PIL import Image

from realdata.photos.folders import Photo
from realdata.photos.masking import check_masks, replace_background
from workbench.errors import InputError


@pytest.fixture
def photo():
    """Red above and blue below, 40 x 20 pixels."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:10, :, 0], pixels[10:, :, 2] = 200, 100
    return Image.fromarray(pixels)


@pytest.fixture
def mask():
    """The left half is kept."""
    pixels = np.zeros((20, 40), np.uint8)
    pixels[:, :20] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("fill", ["grey", "mean", "blur"])
def test_what_is_light_in_the_mask_is_kept_to_the_bit(photo, mask, fill):
    found, before = np.asarray(replace_background(photo, mask, fill)), np.asarray(photo)
    np.testing.assert_array_equal(found[:, :20], before[:, :20])
    assert (found[:, 20:] != before[:, 20:]).any()
    everything = Image.new("L", photo.size, 255)
    np.testing.assert_array_equal(np.asarray(replace_background(photo, everything, fill)), before)


def test_what_stands_in_the_backgrounds_place(photo, mask):
    right = {fill: np.asarray(replace_background(photo, mask, fill))[:, 20:] for fill in ("grey", "mean", "blur")}
    assert (right["grey"] == 128).all()
    assert (right["mean"] == [100, 0, 50]).all()  # of ten rows of each colour, and not of the half that is kept
    # Out of focus: each colour far from the edge, less red from above it to below.
    assert right["blur"][0, 10, 0] > 190 and right["blur"][19, 10, 2] > 95
    assert 0 < right["blur"][10, 10, 0] < 100 < right["blur"][9, 10, 0] < 200


def test_a_mean_is_of_the_background_alone(mask):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20], pixels[:, 20:] = 250, 10
    found = np.asarray(replace_background(Image.fromarray(pixels), mask, "mean"))
    assert (found[:, 20:] == 10).all()


def test_masks_of_another_size_or_of_two_photos_are_refused(photo, tmp_path):
    with pytest.raises(ValueError, match="its mask has 4 x 4 pixels, the photo 40 x 20"):
        replace_background(photo, Image.new("L", (4, 4)), "grey")
    photos = [Photo(f"0 a/common-b/1.{kind}", 0, "common", "b") for kind in ("jpg", "png")]
    place = tmp_path / "0 a" / "common-b" / "1.png"
    place.parent.mkdir(parents=True)
    photo.save(place)
    with pytest.raises(InputError, match=r"1 masks belong to several photos, the first 0 a/common-b/1\.png"):
        check_masks(tmp_path, photos)
    check_masks(tmp_path, photos[:1])
