"""What a user asks for instead of what the files say: it is used, it is told, and wrong values are refused."""

import json

import jax
import numpy as np
import pytest
import torch

from pretrained.load import load
from pretrained.overrides import Overrides
from pretrained.transformer import resize
from tests.pretrained import test_siglip
from tests.pretrained.embeddings import embed_texts, random_texts
from tests.pretrained.test_huggingface import END, make
from workbench.errors import InputError


@pytest.mark.parametrize(("own", "wanted"), [(7, 12), (12, 7), (7, 8), (16, 24), (4, 1)])
@pytest.mark.parametrize("class_token", [True, False])
def test_positions_are_resized_as_torch_resizes_them(own, wanted, class_token):
    """OpenCLIP's call: bicubic, antialias, without align_corners; without the antialias, smaller grids differ."""
    positions = np.random.default_rng(0).normal(size=(own**2 + class_token, 6)).astype(np.float32)
    grid = torch.tensor(positions[class_token:]).reshape(1, own, own, 6).permute(0, 3, 1, 2)

    def theirs(antialias):
        found = torch.nn.functional.interpolate(grid, (wanted, wanted), mode="bicubic", antialias=antialias)
        return found.permute(0, 2, 3, 1).reshape(wanted**2, 6).numpy()

    found = resize(positions, own, wanted)
    np.testing.assert_allclose(found[class_token:], theirs(True), atol=1e-5)
    np.testing.assert_array_equal(found[:class_token], positions[:class_token])
    assert np.abs(found[class_token:] - theirs(False)).max() > 1e-3


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_another_picture_size(tmp_path, kind):
    (make if kind == "clip" else test_siglip.make)(tmp_path)
    own, other = load(tmp_path), load(tmp_path, overrides=Overrides(image_size=50))
    start = 1 if kind == "clip" else 0
    positions = np.asarray(own.model.vision.positions[...])
    found = np.asarray(other.model.vision.positions[...])
    np.testing.assert_allclose(found, resize(positions, 4, 6), atol=1e-6)
    assert len(found) == 36 + start and other.config.vision.image_size == 50
    assert (other.preprocessing.resize, other.preprocessing.crop) == (50, 50)
    shape = jax.eval_shape(other.model.embed_images, jax.ShapeDtypeStruct((2, 50, 50, 3), "float32"))
    assert shape.shape == (2, own.config.embed_dim)


def test_the_size_before_the_crop_is_scaled_with_the_picture(tmp_path):
    make(tmp_path, size={"shortest_edge": 36})
    preprocessing = load(tmp_path, overrides=Overrides(image_size=64)).preprocessing
    assert (preprocessing.resize, preprocessing.crop) == (72, 64)


def test_each_pooling_reads_its_token(tmp_path):
    """Causal attention hides what follows the token that is read, and nothing that stands before."""
    make(tmp_path)
    tokens = random_texts(16, END)
    tokens[:, 12] = END  # a second end
    tokens[:, 14] = 200  # the highest
    first = np.argmax(tokens == END, axis=1)
    for pooling, places in (("eos", first), ("argmax", [14] * 4), ("last", [15] * 4)):
        model = load(tmp_path, overrides=Overrides(text_pooling=pooling)).model
        at, after = tokens.copy(), tokens.copy()
        for row, place in enumerate(places):
            at[row, place - 1] = 7
            after[row, place + 1 :] = 8
        whole = embed_texts(model, tokens)
        assert (np.abs(embed_texts(model, at) - whole).max(axis=1) > 1e-4).all()
        np.testing.assert_allclose(embed_texts(model, after), whole, atol=1e-6)


def test_a_summary_says_what_was_used(tmp_path):
    make(tmp_path)
    asked = Overrides("gelu", 1e-6, "last", 40, "bilinear", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    own, other = load(tmp_path).description(), load(tmp_path, overrides=asked, dtype="bfloat16").description()
    assert json.loads(json.dumps(other)) == other
    assert own["overridden"] == [] and own["dtype"] == "float32" and own["architecture"] == "CLIP"
    assert own["text_tower"]["text_pooling"] == "eos" and own["image_tower"]["norm_epsilon"] == 1e-3
    assert other["overridden"] == [
        *("activation", "norm_epsilon", "text_pooling", "image_size", "interpolation", "mean", "deviation")
    ]
    for tower in ("image_tower", "text_tower"):
        assert (other[tower]["activation"], other[tower]["norm_epsilon"]) == ("gelu", 1e-6)
    assert other["text_tower"]["text_pooling"] == "last" and other["dtype"] == "bfloat16"
    assert (other["image_tower"]["image_size"], other["image_tower"]["patch_size"]) == (40, 8)
    assert other["preprocessing"] == {
        "resize": 40,
        "crop": 40,
        "interpolation": "bilinear",
        "mean": [0.1, 0.2, 0.3],
        "deviation": [0.4, 0.5, 0.6],
        "library": "transformers",
        "fit": "shortest",
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"activation": "relu"}, "^activation must be among gelu, quick_gelu, gelu_pytorch_tanh, got relu$"),
        ({"norm_epsilon": 0.0}, "^norm_epsilon must be a positive number, got 0.0$"),
        ({"text_pooling": "first"}, "^text_pooling must be among argmax, eos, last, got first$"),
        ({"image_size": 0}, "^image_size must be at least 1, got 0$"),
        ({"interpolation": "best"}, "^interpolation must be among nearest, .*, got best$"),
        ({"mean": (0.5, 0.5)}, r"^mean must be three numbers, got \(0.5, 0.5\)$"),
        ({"deviation": (0.5, 0.0, 0.5)}, "^deviation must be three positive numbers"),
    ],
)
def test_values_that_are_not_allowed_are_told_by_their_name(asked, words):
    with pytest.raises(InputError, match=words):
        Overrides(**asked)


def test_options_of_loading_are_told(tmp_path):
    make(tmp_path)
    with pytest.raises(InputError, match="image_size must be at least a patch's side, 8, got 7"):
        load(tmp_path, overrides=Overrides(image_size=7))
    with pytest.raises(InputError, match="dtype must be among float32, bfloat16, got float16"):
        load(tmp_path, dtype="float16")
    with pytest.raises(InputError, match=r"tokenizer must be the folder .*nowhere, which is no directory"):
        load(tmp_path, tokenizer=tmp_path / "nowhere")


def test_the_tokenizer_of_another_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "words").mkdir()
    make(tmp_path / "model")
    plain = load(tmp_path / "model").tokenizer(["a photo"])
    (tmp_path / "model" / "tokenizer.json").rename(tmp_path / "words" / "tokenizer.json")
    with pytest.raises(InputError, match="--tokenizer DIR"):
        load(tmp_path / "model")
    found = load(tmp_path / "model", tokenizer=tmp_path / "words").tokenizer(["a photo"])
    np.testing.assert_array_equal(found, plain)
