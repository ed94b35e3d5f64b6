"""CLIP's ConvNeXt against its definition in PyTorch's functions, written here from timm's `convnext.py`.

The packages open_clip_torch and timm are not among the tests'. With their classes, the same weights gave the same
embeddings, to 3e-7.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from pretrained import openclip
from pretrained.convnext import in_groups, sum_of_shifts
from pretrained.load import load
from pretrained.overrides import Overrides
from tests.pretrained import openclip_folders
from tests.pretrained.embeddings import embed_images, embed_texts, random_texts
from tests.pretrained.openclip_folders import EMBED_DIM, Draws, pictures, unit
from workbench.errors import InputError

F = torch.nn.functional
LAYERS, WIDTHS, SIDE = (2, 1, 3, 1), (8, 16, 32, 64), 66
EPSILON = 3e-3  # larger than any model's, so that a lost one is seen
VISION = {"timm_model_name": "convnext_test", "timm_pool": "", "timm_proj": "linear", "image_size": SIDE}
VISION |= {"timm_model_pretrained": False, "timm_drop": 0.0, "timm_drop_path": 0.1}
PICTURES = pictures(SIDE)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """One more of timm's models, a small one."""
    monkeypatch.setitem(openclip._CONVNEXTS, "convnext_test", (LAYERS, WIDTHS[0], EPSILON))


@functools.cache
def draws():
    made = Draws()
    made.layer("trunk.stem.0", WIDTHS[0], 3, 4, 4)
    made.norm("trunk.stem.1", WIDTHS[0])
    for stage, (number, width) in enumerate(zip(LAYERS, WIDTHS, strict=True)):
        key = f"trunk.stages.{stage}"
        if stage:
            made.norm(f"{key}.downsample.0", WIDTHS[stage - 1])
            made.layer(f"{key}.downsample.1", width, WIDTHS[stage - 1], 2, 2)
        for block in range(number):
            inner = f"{key}.blocks.{block}"
            made.layer(f"{inner}.conv_dw", width, 1, 7, 7)
            made.norm(f"{inner}.norm", width)
            made.layer(f"{inner}.mlp.fc1", 4 * width, width)
            made.layer(f"{inner}.mlp.fc2", width, 4 * width)
            made.normal(f"{inner}.gamma", width)
    made.norm("trunk.head.norm", WIDTHS[-1])
    made.layer("head.proj", EMBED_DIM, WIDTHS[-1], bias=False)
    return made


def make(folder):
    """A random checkpoint."""
    openclip_folders.write(folder, VISION, draws().weights)


@pytest.fixture
def folder(tmp_path):
    make(tmp_path)
    return tmp_path


def trunk(weights, images):
    """Vectors of images, before the head."""

    def normed(x, key):  # channels last
        return F.layer_norm(x, x.shape[-1:], weights[f"{key}.weight"], weights[f"{key}.bias"], EPSILON)

    def normed_places(x, key):
        return normed(x.permute(0, 2, 3, 1), key).permute(0, 3, 1, 2)

    def convolved(x, key, **how):
        return F.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"], **how)

    def linear(x, key):
        return F.linear(x, weights[f"{key}.weight"], weights[f"{key}.bias"])

    x = torch.tensor(images.transpose(0, 3, 1, 2))
    x = normed_places(convolved(x, "trunk.stem.0", stride=4), "trunk.stem.1")
    for stage, number in enumerate(LAYERS):
        key = f"trunk.stages.{stage}"
        if stage:
            x = convolved(normed_places(x, f"{key}.downsample.0"), f"{key}.downsample.1", stride=2)
        for block in range(number):
            inner = f"{key}.blocks.{block}"
            hidden = convolved(x, f"{inner}.conv_dw", padding=3, groups=x.shape[1]).permute(0, 2, 3, 1)
            hidden = linear(F.gelu(linear(normed(hidden, f"{inner}.norm"), f"{inner}.mlp.fc1")), f"{inner}.mlp.fc2")
            x = x + (weights[f"{inner}.gamma"] * hidden).permute(0, 3, 1, 2)
    return normed(x.mean(dim=(2, 3)), "trunk.head.norm")


def test_embeddings_are_those_of_the_definition(folder):
    weights = draws().tensors()
    wanted = unit(F.linear(trunk(weights, PICTURES), weights["head.proj.weight"]))
    assert np.abs(wanted[0] - wanted[1]).max() > 0.03  # the pictures are told apart
    # Single precision through some dozen layers.
    np.testing.assert_allclose(embed_images(load(folder).model, PICTURES), wanted, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_a_head_with_a_hidden_layer(tmp_path, bias):
    made = Draws(1)
    made.weights |= {key: part for key, part in draws().weights.items() if key.startswith("trunk.")}
    made.layer("head.mlp.fc1", 2 * EMBED_DIM, WIDTHS[-1])
    made.layer("head.mlp.fc2", EMBED_DIM, 2 * EMBED_DIM, bias=bias)
    vision = VISION | {"timm_proj": "mlp", "timm_proj_bias": bias, "timm_pool": "avg"}
    openclip_folders.write(tmp_path, vision, made.weights)
    weights = made.tensors()
    hidden = F.gelu(F.linear(trunk(weights, PICTURES), weights["head.mlp.fc1.weight"], weights["head.mlp.fc1.bias"]))
    wanted = unit(F.linear(hidden, weights["head.mlp.fc2.weight"], weights.get("head.mlp.fc2.bias")))
    np.testing.assert_allclose(embed_images(load(tmp_path).model, PICTURES), wanted, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (3, 9), (1, 1)])
def test_both_ways_to_convolve_each_channel_are_the_convolution(rows, columns):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(2, rows, columns, 5)).astype(np.float32)
    kernel = generator.normal(size=(7, 7, 1, 5)).astype(np.float32)
    tensors = torch.tensor(features.transpose(0, 3, 1, 2)), torch.tensor(kernel.transpose(3, 2, 0, 1))
    wanted = F.conv2d(*tensors, padding=3, groups=5).numpy().transpose(0, 2, 3, 1)
    for convolve in (sum_of_shifts, in_groups):
        found = jax.jit(convolve)(jnp.asarray(features), jnp.asarray(kernel))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    half = jax.jit(sum_of_shifts)(*(part.astype(jnp.bfloat16) for part in (features, kernel)))
    assert half.dtype == jnp.bfloat16  # summed in single precision: what is left is the rounding of 2 x 49 numbers
    np.testing.assert_allclose(half.astype(jnp.float32), wanted, atol=0.2, rtol=2e-2)


def test_bfloat16_agrees_and_is_what_is_computed_with(folder):
    half = load(folder, dtype="bfloat16").model
    wanted, found = embed_images(load(folder).model, PICTURES), embed_images(half, PICTURES)
    # Eight bits of a number, through some dozen layers.
    assert 1e-6 < (1 - (found * wanted).sum(axis=1)).max() < 1e-2
    jaxpr = str(jax.make_jaxpr(half.embed_images)(jax.ShapeDtypeStruct((2, SIDE, SIDE, 3), np.float32)))
    lines = [line for line in jaxpr.splitlines() if " conv_general_dilated[" in line or " dot_general[" in line]
    assert len(lines) > 10 and all(":bf16[" in line.partition(" = ")[0] for line in lines)


def test_other_sizes_need_no_other_weights(folder):
    weights, larger = draws().tensors(), pictures(100)
    wanted = unit(F.linear(trunk(weights, larger), weights["head.proj.weight"]))
    checkpoint = load(folder, overrides=Overrides(image_size=100))
    assert checkpoint.config.vision.image_size == checkpoint.preprocessing.crop == 100
    np.testing.assert_allclose(embed_images(checkpoint.model, larger), wanted, atol=1e-5)
    with pytest.raises(InputError, match=r"^image_size must be at least 32, got 31$"):
        load(folder, overrides=Overrides(image_size=31))


@pytest.mark.slow
def test_overrides_are_for_what_the_towers_have(folder):
    """The activation is the texts', since timm's ConvNeXts have GELU whatever the files say; the epsilon is both's."""
    plain, texts = load(folder), random_texts(16, 99)
    for change, images_too in (({"activation": "quick_gelu"}, False), ({"norm_epsilon": 0.1}, True)):
        other = load(folder, overrides=Overrides(**change))
        gaps = np.abs(embed_images(other.model, PICTURES) - embed_images(plain.model, PICTURES))
        assert gaps.max() > 1e-3 if images_too else not gaps.any()
        assert np.abs(embed_texts(other.model, texts) - embed_texts(plain.model, texts)).max() > 1e-4


def test_a_summary_tells_the_tower(folder):
    assert load(folder).description()["image_tower"] == {
        "kind": "ConvNeXt",
        "layers": list(LAYERS),
        "widths": list(WIDTHS),
        "image_size": SIDE,
        "norm_epsilon": EPSILON,
        "projection": "linear",
        "projection_bias": False,
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"timm_model_name": "vit_base_patch16_224"},
            "timm_model_name 'vit_base_patch16_224'.* --model open_clip:NAME",
        ),
        ({"timm_pool": "rot_attn"}, "timm_pool 'rot_attn', not known here; --model open_clip:NAME"),
        ({"timm_proj": "none"}, "the projection must be among linear, mlp, got none"),
        ({"timm_proj_bias": True}, r"lacks 1 weights .* first visual\.head\.proj\.bias"),
        ({"image_size": 16}, "a ConvNeXt's image_size must be at least 32, got 16"),
        ({"attentional_pool": True}, "asks for attentional_pool True, which is not known here"),
    ],
)
def test_other_towers_are_told(folder, change, words):
    openclip_folders.say(folder, VISION | change)
    with pytest.raises(InputError, match=words):
        load(folder)
