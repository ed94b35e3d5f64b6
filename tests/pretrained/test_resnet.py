"""CLIP's ResNet against its definition in PyTorch's functions, written here from OpenCLIP's `modified_resnet.py`.

The package open_clip_torch is not among the tests'. With its class, the same weights gave the same embeddings, to 7e-7.
"""

import functools

import jax
import numpy as np
import pytest
import torch

from pretrained.load import load
from pretrained.overrides import Overrides
from tests.pretrained import openclip_folders
from tests.pretrained.embeddings import embed_images, embed_texts, random_texts
from tests.pretrained.openclip_folders import EMBED_DIM, Draws, pictures, unit
from workbench.errors import InputError

F = torch.nn.functional
LAYERS, WIDTH, SIDE, HEADS = [2, 1, 3, 2], 8, 64, 4
VISION = {"layers": LAYERS, "width": WIDTH, "head_width": 32 * WIDTH // HEADS, "image_size": SIDE, "patch_size": None}

PICTURES = pictures(SIDE)


@functools.cache
def draws():
    made = Draws()
    for number, (before, after) in enumerate(((3, WIDTH // 2), (WIDTH // 2, WIDTH // 2), (WIDTH // 2, WIDTH)), 1):
        made.normed_convolution(f"conv{number}", f"bn{number}", after, before, 3, 3)
    before = WIDTH
    for stage, number in enumerate(LAYERS):
        width = WIDTH * 2**stage
        for block in range(number):
            key = f"layer{stage + 1}.{block}"
            for part, *shape in ((1, width, before, 1, 1), (2, width, width, 3, 3), (3, 4 * width, width, 1, 1)):
                made.normed_convolution(f"{key}.conv{part}", f"{key}.bn{part}", *shape)
            if block == 0:
                made.normed_convolution(f"{key}.downsample.0", f"{key}.downsample.1", 4 * width, before, 1, 1)
            before = 4 * width
    # As large as the features, which grow from block to block, and logits of single digits.
    made.normal("attnpool.positional_embedding", (SIDE // 32) ** 2 + 1, before, deviation=10)
    for part, gain in (("q_proj", 0.07), ("k_proj", 0.07), ("v_proj", 1.0)):
        made.layer(f"attnpool.{part}", before, before, gain=gain)
    made.layer("attnpool.c_proj", EMBED_DIM, before)
    return made


def make(folder):
    """A random checkpoint."""
    openclip_folders.write(folder, VISION, draws().weights)


@pytest.fixture
def folder(tmp_path):
    make(tmp_path)
    return tmp_path


def reference(weights, images):
    """Embeddings of unit length."""

    def normed(x, convolution, norm, **how):
        statistics = (weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(F.conv2d(x, weights[f"{convolution}.weight"], **how), *statistics, training=False, eps=1e-5)

    x = torch.tensor(images.transpose(0, 3, 1, 2))
    for number, how in ((1, {"stride": 2, "padding": 1}), (2, {"padding": 1}), (3, {"padding": 1})):
        x = F.relu(normed(x, f"conv{number}", f"bn{number}", **how))
    x = F.avg_pool2d(x, 2)
    for stage, number in enumerate(LAYERS):
        for block in range(number):
            key, pool = f"layer{stage + 1}.{block}.", 2 if stage and not block else 1
            inner = F.relu(normed(x, f"{key}conv1", f"{key}bn1"))
            inner = F.avg_pool2d(F.relu(normed(inner, f"{key}conv2", f"{key}bn2", padding=1)), pool)
            inner = normed(inner, f"{key}conv3", f"{key}bn3")
            if block == 0:
                x = normed(F.avg_pool2d(x, pool), f"{key}downsample.0", f"{key}downsample.1")
            x = F.relu(inner + x)
    x = x.flatten(2).permute(2, 0, 1)
    x = torch.cat([x.mean(dim=0, keepdim=True), x]) + weights["attnpool.positional_embedding"][:, None]
    parts = {f"{part}_weight": weights[f"attnpool.{part}.weight"] for part in ("q_proj", "k_proj", "v_proj")}
    biases = torch.cat([weights[f"attnpool.{part}.bias"] for part in ("q_proj", "k_proj", "v_proj")])
    out = (weights["attnpool.c_proj.weight"], weights["attnpool.c_proj.bias"])
    pooled, _ = F.multi_head_attention_forward(
        *(x[:1], x, x, x.shape[-1], HEADS, None, biases, None, None, False, 0.0, *out),
        training=False,
        use_separate_proj_weight=True,
        **parts,
    )
    return unit(pooled[0])


def test_embeddings_are_those_of_the_definition(folder):
    wanted = reference(draws().tensors(), PICTURES)
    assert np.abs(wanted[0] - wanted[1]).max() > 0.03  # the pictures are told apart
    # Single precision through 30 layers.
    np.testing.assert_allclose(embed_images(load(folder).model, PICTURES), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["running_mean", "running_var", "bn3.bias", "positional_embedding", "q_proj.bias"])
def test_every_kind_of_weight_counts(folder, kind):
    """The power of the test above: a kind of weight at its initial value changes what it sees."""
    weights = draws().tensors()
    for key in weights:
        if key.endswith(kind):
            weights[key] = torch.ones_like(weights[key]) if kind == "running_var" else torch.zeros_like(weights[key])
    assert np.abs(reference(weights, PICTURES) - embed_images(load(folder).model, PICTURES)).max() > 1e-2


def test_files_with_a_text_tower_of_its_own_and_in_other_shapes(tmp_path):
    openclip_folders.write(tmp_path, VISION, draws().weights, text_prefix="text.")
    assert embed_texts(load(tmp_path).model, random_texts(16, 99)).shape == (4, EMBED_DIM)
    openclip_folders.say(tmp_path, VISION | {"layers": [2, 1, 3, 1]})
    with pytest.raises(InputError, match=r"holds 15 weights .* first visual\.layer4\.1\.bn1\.bias of shape \(64,\)"):
        load(tmp_path)


def test_bfloat16_agrees_and_is_what_is_computed_with(folder):
    half = load(folder, dtype="bfloat16").model
    wanted, found = embed_images(load(folder).model, PICTURES), embed_images(half, PICTURES)
    # Eight bits of a number, through 30 layers.
    assert 1e-6 < (1 - (found * wanted).sum(axis=1)).max() < 1e-2
    jaxpr = str(jax.make_jaxpr(half.embed_images)(jax.ShapeDtypeStruct((2, SIDE, SIDE, 3), np.float32)))
    lines = [line for line in jaxpr.splitlines() if " conv_general_dilated[" in line or " dot_general[" in line]
    assert len(lines) > 20 and all(":bf16[" in line.partition(" = ")[0] for line in lines)
    statistics = half.vision.stages[2].first.convolution1.norm
    assert statistics.mean[...].dtype == statistics.variance[...].dtype == np.float32


def test_the_activation_is_that_of_the_texts(folder):
    texts = random_texts(16, 99)
    plain, quick = (load(folder, overrides=Overrides(activation=name)).model for name in ("gelu", "quick_gelu"))
    np.testing.assert_array_equal(embed_images(plain, PICTURES), embed_images(quick, PICTURES))
    assert np.abs(embed_texts(plain, texts) - embed_texts(quick, texts)).max() > 1e-4
    openclip_folders.say(folder, VISION, quick_gelu=True)
    np.testing.assert_array_equal(embed_texts(load(folder).model, texts), embed_texts(quick, texts))


def test_a_summary_tells_the_tower(folder):
    found = load(folder).description()["image_tower"]
    assert found == {"kind": "ResNet", "layers": LAYERS, "width": WIDTH, "heads": HEADS, "image_size": SIDE}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": [2, 1, 3]}, r"a ResNet's stages must be given by four whole numbers, got \[2, 1, 3\]"),
        ({"layers": [2, 0, 3, 2]}, r"a ResNet's stages must be from 1 to \d+, got \[2, 0, 3, 2\]"),
        ({"width": 9}, "a ResNet's width must be even, got 9"),
        ({"head_width": 90, "width": 10}, "features must be a multiple of its 3 heads, got 320"),
        ({"image_size": 72}, "a ResNet's image_size must be a multiple of 32, got 72"),
        ({"image_size": 96}, r"positional_embedding has shape \(5, 256\), its configuration asks for \(10, 256\)"),
        ({"attentional_pool": True}, "asks for attentional_pool True, which is not known here; --model open_clip"),
        ({"norm_kwargs": {"eps": 1e-3}}, "asks for norm_kwargs {'eps': 0.001}, which is not known here"),
    ],
)
def test_other_towers_are_told(folder, change, words):
    openclip_folders.say(folder, VISION | change)
    with pytest.raises(InputError, match=words):
        load(folder)


def test_another_size_is_refused_for_want_of_positions(folder):
    with pytest.raises(InputError, match=r"^image_size must be 64, the only size that this ResNet pools, got 96$"):
        load(folder, overrides=Overrides(image_size=96))
    assert load(folder, overrides=Overrides(image_size=SIDE)).config.vision.image_size == SIDE
