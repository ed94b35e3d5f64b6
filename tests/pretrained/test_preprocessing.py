"""Photos of every odd kind are read as the reference pipelines read them, and without any framework."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from transformers.image_utils import load_image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from pretrained.preprocessing import Preprocessing, read_photo
from pretrained.transformer import prepare
from tests.conftest import ROOT

HALF = (0.5, 0.5, 0.5)
SIDE = 24
NOISE = np.random.default_rng(0).integers(0, 256, (37, 52, 4), dtype=np.uint8)
OPAQUE = Image.fromarray(NOISE[..., :3])


def save(folder, kind):
    """A photo of a kind; returns its path."""
    path = folder / f"photo.{'jpg' if kind in ('CMYK', 'turned', 'grey JPEG') else 'gif' if 'GIF' in kind else 'png'}"
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        OPAQUE.save(path, exif=exif)
    elif kind == "CMYK":
        OPAQUE.convert("CMYK").save(path)
    elif kind == "grey JPEG":
        OPAQUE.convert("L").save(path)
    elif kind == "16-bit grey":
        Image.fromarray(NOISE[..., :2].copy().view(np.uint16)[..., 0]).save(path)
    elif kind == "animated GIF":
        frames = [Image.fromarray(np.roll(NOISE[..., :3], shift, 1)).quantize(16) for shift in (0, 9)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "one bit":
        OPAQUE.convert("1").save(path)
    elif kind == "palette":
        OPAQUE.quantize(16).save(path)
    elif kind == "palette with a transparent colour":
        OPAQUE.quantize(16).save(path, transparency=3)
    elif kind == "grey with alpha":
        Image.fromarray(NOISE).convert("LA").save(path)
    elif kind == "RGB with a transparent colour":
        photo = OPAQUE.copy()
        photo.paste((10, 20, 30), (20, 10, 30, 20))
        photo.save(path, transparency=(10, 20, 30))
    elif kind == "alpha":
        Image.fromarray(NOISE).save(path)
    else:
        width, height = map(int, kind.split("x"))
        Image.fromarray(np.resize(NOISE[..., :3], (height, width, 3))).save(path)
    return path


OPAQUE_KINDS = ["turned", "CMYK", "grey JPEG", "16-bit grey", "animated GIF", "one bit", "palette"]
TRANSPARENT_KINDS = ["palette with a transparent colour", "grey with alpha", "RGB with a transparent colour", "alpha"]
SIZES = ["1x500", "500x1", "1x1", "24x24", "25x24", "23x400"]


def by_transformers(photo):
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, image_mean=HALF, image_std=HALF
    )
    return processor(photo, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)


def by_us(path, library="transformers"):
    preprocessing = Preprocessing(SIDE, SIDE, "bicubic", HALF, HALF, library)
    return np.asarray(prepare(jnp.asarray(read_photo(path, preprocessing))[None], preprocessing)[0])


@pytest.mark.parametrize("kind", OPAQUE_KINDS + SIZES)
def test_opaque_photos_are_those_of_transformers(tmp_path, kind):
    path = save(tmp_path, kind)
    with Image.open(path) as photo:
        np.testing.assert_allclose(by_us(path), by_transformers(photo), atol=1e-5)


@pytest.mark.parametrize("kind", TRANSPARENT_KINDS)
def test_transparency_is_dropped_where_transformers_5_lays_it_on_white(tmp_path, kind):
    """As OpenCLIP, and transformers before its version 5, with which the published numbers were measured."""
    path = save(tmp_path, kind)
    with Image.open(path) as photo:
        dropped = Image.fromarray(np.asarray(photo.convert("RGB")))
        np.testing.assert_allclose(by_us(path), by_transformers(dropped), atol=1e-5)
        assert np.abs(by_us(path) - by_transformers(photo)).max() > 0.1


def test_only_a_loader_of_transformers_turns_photos(tmp_path):
    """Its image processor and OpenCLIP leave a photo as it is stored; `load_image` turns it first."""
    path = save(tmp_path, "turned")
    assert np.abs(by_us(path) - by_transformers(load_image(str(path)))).max() > 0.1


@pytest.mark.parametrize("kind", OPAQUE_KINDS + TRANSPARENT_KINDS + SIZES)
def test_openclips_order_is_kept(tmp_path, kind):
    """OpenCLIP's transform, written out: resize the shorter side, cut the centre, and only then convert to RGB."""
    path = save(tmp_path, kind)
    with Image.open(path) as photo:
        width, height = photo.size
        size = (SIDE, int(SIDE * height / width)) if width <= height else (int(SIDE * width / height), SIDE)
        resized = photo.resize(size, Image.Resampling.BICUBIC) if size != photo.size else photo
        left, top = (int(round((length - SIDE) / 2.0)) for length in size)  # noqa: RUF046  as torchvision has it
        wanted = np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)).convert("RGB"), np.float32)
    np.testing.assert_allclose(by_us(path, "open_clip"), wanted / 127.5 - 1, atol=1e-5)


def test_the_order_matters_for_palettes(tmp_path):
    """The power of the test above: Pillow takes the nearest colour where it resizes a palette."""
    path = save(tmp_path, "palette")
    assert np.abs(by_us(path, "open_clip") - by_us(path)).max() > 0.1


def test_a_worker_that_only_decodes_needs_no_framework():
    program = (
        "import sys, pretrained.preprocessing\n"
        "heavy = {'jax', 'jaxlib', 'flax', 'torch', 'tokenizers', 'safetensors', 'huggingface_hub'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
