"""Photos twice as wide as high, and twice as high as wide, with a border: what a square photo cannot show.

Every kind of model is compared pixel for pixel with its library: transformers' own processors, and torchvision's
transforms, which OpenCLIP and timm build on, written out with Pillow.
"""

import json

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pretrained.huggingface import read_preprocessing
from pretrained.openclip import _preprocessing as openclip_preprocessing
from pretrained.preprocessing import INTERPOLATIONS, Preprocessing, read_photo
from pretrained.transformer import prepare
from realdata.models.open_clip_model import _preprocessing as installed_openclip_preprocessing
from realdata.models.torch_common import as_preprocessing

SIDE, BORDER = 24, 4
HALF = (0.5, 0.5, 0.5)
RED = (255, 0, 0)
SHAPES = {"twice as wide": (48, 96), "twice as high": (96, 48), "small and wide": (16, 32), "small and high": (32, 16)}
MODES = ("RGB", "L", "P", "CMYK")


@pytest.fixture(params=SHAPES)
def photo(request, tmp_path):
    """A photo of fine grain, grey, in a red border; its file by its mode."""
    height, width = SHAPES[request.param]
    grain = np.random.default_rng(0).integers(60, 200, (height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    border = BORDER * min(height, width) // 48 or 1
    pixels = np.full((height, width, 3), RED, np.uint8)
    pixels[border:-border, border:-border] = grain[border:-border, border:-border]
    whole = Image.fromarray(pixels)
    paths = {}
    for mode in MODES:
        paths[mode] = tmp_path / f"{mode}.{'tif' if mode == 'CMYK' else 'png'}"
        (whole.quantize(16) if mode == "P" else whole.convert(mode)).save(paths[mode])
    return paths


def seen(path, preprocessing):
    """What a model sees, from -1 to 1."""
    return np.asarray(prepare(jnp.asarray(read_photo(path, preprocessing))[None], preprocessing)[0])


def torchvisions(path, resize, crop, resampling, converted_first, squash=False):
    """Its Resize, CenterCrop, ToTensor and Normalize on a photo that Pillow opened."""
    with Image.open(path) as image:
        found = image.convert("RGB") if converted_first else image
        width, height = found.size
        if squash:
            size = (resize, resize)
        elif width <= height:
            size = (resize, int(resize * height / width))
        else:
            size = (int(resize * width / height), resize)
        found = found.resize(size, resampling)
        left, top = round((size[0] - crop) / 2.0), round((size[1] - crop) / 2.0)
        found = found.crop((left, top, left + crop, top + crop)).convert("RGB")
        return np.asarray(found, np.float32) / 127.5 - 1


def transformers_clip(folder, path, name):
    """Its processor's file and what that processor makes of the photo."""
    square = {"height": SIDE, "width": SIDE}
    own = {"size": {"shortest_edge": SIDE}, "crop_size": square, "resample": INTERPOLATIONS[name]}
    return _processor(folder, path, "clip", CLIPImageProcessorPil(image_mean=HALF, image_std=HALF, **own))


def transformers_siglip(folder, path, name):
    size = {"height": SIDE, "width": SIDE}
    return _processor(folder, path, "siglip", SiglipImageProcessorPil(size=size, resample=INTERPOLATIONS[name]))


def _processor(folder, path, kind, processor):
    processor.save_pretrained(folder)
    with Image.open(path) as image:
        theirs = processor(image.convert("RGB"), return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    return read_preprocessing(folder, kind), theirs


def openclip(mode):
    def both(folder, path, name):
        said = {"resize_mode": mode, "interpolation": name, "mean": HALF, "std": HALF, "size": SIDE}
        ours = openclip_preprocessing(said, SIDE)
        # By the package itself, the same but for Pillow's other interpolations, which it does not know.
        assert name not in ("bicubic", "bilinear") or installed_openclip_preprocessing("x", said) == ours
        return ours, torchvisions(path, SIDE, SIDE, INTERPOLATIONS[name], False, mode == "squash")

    return both


def classifier(fit, resize):
    def both(folder, path, name):
        ours = as_preprocessing("x", "torchvision", fit, resize, SIDE, name, HALF, HALF)
        return ours, torchvisions(path, resize, SIDE, INTERPOLATIONS[name], True, fit == "squash")

    return both


KINDS = {
    "transformers' CLIP": transformers_clip,
    "transformers' SigLIP": transformers_siglip,
    "OpenCLIP": openclip("shortest"),
    "OpenCLIP, squashed": openclip("squash"),
    "torchvision, from 27 to 24": classifier("shortest", 27),
    "timm, squashed to 27": classifier("squash", 27),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_sees_what_its_library_shows_it(photo, tmp_path, kind):
    for mode in MODES:
        for name in ("bicubic", "bilinear", "lanczos"):
            ours, theirs = KINDS[kind](tmp_path, photo[mode], name)
            # A step of one in 255 is 0.008.
            np.testing.assert_allclose(seen(photo[mode], ours), theirs, atol=1e-5, err_msg=f"{mode} {name}")


def red(image):
    """Which pixels are more red than grey."""
    return image[..., 0] - image[..., 1:].max(axis=-1) > 0.5


@pytest.mark.parametrize("kind", list(KINDS)[:4])  # the others cut a rim off, and most of the border with it
def test_the_border_is_cut_with_the_ends_and_seen_all_around_where_photos_are_squashed(photo, tmp_path, kind):
    """Independent of any library: which sides of the border are left."""
    ours, _ = KINDS[kind](tmp_path, photo["RGB"], "bilinear")
    with Image.open(photo["RGB"]) as image:
        wide = image.width > image.height
    shown = red(seen(photo["RGB"], ours))
    long, short = shown[[0, -1], 6:-6], shown[6:-6, [0, -1]]
    long, short = (long, short) if wide else (short, long)
    assert long.all() and (short.all() if ours.fit == "squash" else not short.any())


def faulty(path, fault):
    """The CLIP's square by a plausible mistake."""
    preprocessing = Preprocessing(SIDE, SIDE, "bicubic", HALF, HALF)
    if fault == "no antialiasing":
        with Image.open(path) as image:
            pixels = torch.tensor(np.asarray(image.convert("RGB"), np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        height, width = pixels.shape[2:]
        size = (SIDE * height // min(height, width), SIDE * width // min(height, width))
        resized = torch.nn.functional.interpolate(pixels, size, mode="bicubic", antialias=False)[0].permute(1, 2, 0)
        top, left = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
        return resized[top : top + SIDE, left : left + SIDE].clamp(-1, 1).numpy()
    if fault == "cut before it is resized":
        with Image.open(path) as image:
            left, top = ((length - SIDE) // 2 for length in image.size)
            return np.asarray(image.crop((left, top, left + SIDE, top + SIDE)).convert("RGB"), np.float32) / 127.5 - 1
    changes = {"squash": {"fit": "squash"}, "bilinear": {"interpolation": "bilinear"}}
    changes["larger before the crop"] = {"resize": 27}
    return seen(path, Preprocessing(**(vars(preprocessing) | changes[fault])))


@pytest.mark.parametrize(
    "fault", ["squash", "bilinear", "larger before the crop", "no antialiasing", "cut before it is resized"]
)
def test_each_mistake_is_seen(photo, fault):
    """The power of the comparison, whose tolerance is a thousandth of a step: each moves a pixel by 6 steps of 255."""
    right = seen(photo["RGB"], Preprocessing(SIDE, SIDE, "bicubic", HALF, HALF))
    assert np.abs(faulty(photo["RGB"], fault) - right).max() > 0.05


def test_a_square_photo_cannot_show_squashing(tmp_path):
    """Why these photos: on a square one, squashing and cutting are the same, pixel for pixel."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "square.png")
    cut, squashed = (
        seen(tmp_path / "square.png", Preprocessing(SIDE, SIDE, "bicubic", HALF, HALF, fit=fit))
        for fit in ("shortest", "squash")
    )
    np.testing.assert_array_equal(cut, squashed)


def test_the_order_of_conversion_and_resizing_shows_where_a_photo_has_a_palette(photo):
    orders = [
        seen(photo["P"], Preprocessing(SIDE, SIDE, "bicubic", HALF, HALF, library))
        for library in ("open_clip", "torchvision")
    ]
    assert np.abs(orders[0] - orders[1]).max() > 0.1


def test_a_file_that_asks_for_a_rectangle_is_told(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"crop_size": {"height": 24, "width": 48}}))
    with pytest.raises(Exception, match="height and width must be the same, got 24 and 48"):
        read_preprocessing(tmp_path, "clip")
