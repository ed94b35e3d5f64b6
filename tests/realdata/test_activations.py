"""GELU and QuickGELU on the same photos in one pass: which one fits, and what a checkpoint's name says of it."""

import hashlib
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from flax import nnx
from PIL import Image

from pretrained.huggingface import files
from pretrained.load import load
from pretrained.overrides import Overrides
from pretrained.preprocessing import read_photo
from published.directory import DIRECTORY
from realdata.evaluate.activations import activation_notes, compare_activations, comparison_note
from realdata.evaluate.program import main as evaluate
from realdata.models import clip, imagenet
from realdata.models.loading import Loading
from realdata.models.model import Question
from realdata.models.registry import load_model, recognise_weights, trained_activation
from sims.clip.model import tiny_clip
from workbench.errors import InputError
from workbench.results import write_files

NAMES = dict(enumerate(("zero", "one", "two", "three", "four", "five")))
QUESTION = Question(list(NAMES), list(NAMES.values()), ["A photo of {}."])
SIDE = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkpoint, and photos of which QuickGELU is right, and surer, on all: labels and photos are chosen so."""
    folder = tmp_path_factory.mktemp("both")
    checkpoint = tiny_clip(SIDE, ["A photo of zero one two three four five."], 1)
    generator = np.random.default_rng(1)
    weights = nnx.state(checkpoint.model, nnx.Param)  # far from the first ones, so that answers differ
    noisy = jax.tree.map(lambda part: part + 0.1 * generator.normal(size=part.shape).astype(np.float32), weights)
    nnx.update(checkpoint.model, noisy)
    write_files(folder / "model", files(checkpoint))
    photos = generator.integers(0, 256, (400, SIDE, SIDE, 3), dtype=np.uint8)
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(folder / f"{number}.png")
    scores = {}
    for activation in ("quick_gelu", "gelu"):
        model = load_model(str(folder / "model"), QUESTION, Loading(overrides=Overrides(activation=activation)))
        images = [model.read(folder / f"{number}.png") for number in range(len(photos))]
        scores[activation] = np.asarray(model.score(images, np.ones((len(photos), len(NAMES)), bool)))
    quick, plain = scores["quick_gelu"], scores["gelu"]
    kept = []
    for label in NAMES:
        of_class = np.flatnonzero((quick.argmax(axis=1) == label) & (quick.max(axis=1) > plain.max(axis=1)))
        # Those on which GELU is wrong come first.
        kept += of_class[np.argsort(plain[of_class].argmax(axis=1) == label, kind="stable")][:8].tolist()
    for turn, number in enumerate(kept):
        label = int(quick[number].argmax())
        place = folder / "photos" / f"{label} {NAMES[label]}" / ("common-red" if turn % 2 else "counter-blue")
        place.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").rename(place / f"{number}.png")
    (folder / "names.txt").write_text("".join(f"{index}\t{name}\n" for index, name in NAMES.items()))
    return folder, {activation: values[kept] for activation, values in scores.items()}


def say(folder, activation):
    """Write another activation into the configuration."""
    path = folder / "model" / "config.json"
    content = json.loads(path.read_text())
    for tower in ("text_config", "vision_config"):
        content[tower]["hidden_act"] = activation
    path.write_text(json.dumps(content))


def test_both_are_evaluated_in_one_pass_and_the_fitting_one_is_said(made, tmp_path, monkeypatch, capsys, undrawn):
    folder, scores = made
    say(folder, "gelu")
    seen = []

    def read(path, preprocessing):
        seen.append(path)
        return read_photo(path, preprocessing)

    monkeypatch.setattr(clip, "read_photo", read)
    monkeypatch.chdir(folder)
    words = ["--data", "photos", "--model", "model", "--names", "names.txt", "--workers", "0", "--json", "-"]
    assert evaluate([*words, "--activation", "both", "--out", str(tmp_path / "out")]) == 0
    content = json.loads(capsys.readouterr().out)
    number = len(scores["gelu"])
    assert len(seen) == len(set(seen)) == number >= 8
    labels = scores["quick_gelu"].argmax(axis=1)
    compared = content["activations"]
    assert (compared["used"], compared["fits"]) == ("gelu", "quick_gelu")
    for activation, values in scores.items():
        row, right = compared["each"][activation], values.argmax(axis=1) == labels
        assert row["photos"] == number and row["accuracy_unbalanced"] == pytest.approx(100 * right.mean())
        # Single precision, in batches of another size.
        assert row["mean_top_similarity"] == pytest.approx(values.max(axis=1).mean(), abs=1e-5)
    shares = [compared["each"][activation]["accuracy_unbalanced"] for activation in ("gelu", "quick_gelu")]
    assert shares[0] < shares[1] == 100
    # All other numbers are of what the files say, not of what was right more often.
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert 100 * predictions.correct.mean() == pytest.approx(shares[0])
    assert content["image_tower"]["activation"] == "gelu"
    (told,) = (warning for warning in content["warnings"] if warning.startswith("activations:"))
    assert "quick_gelu fits, but the results are with gelu" in told and told.endswith("--activation quick_gelu")


def test_both_share_their_weights_and_differ_in_both_towers(made):
    folder, scores = made
    say(folder, "quick_gelu")
    model = load_model(str(folder / "model"), QUESTION, Loading(both_activations=True))
    first, second = model.models.values()
    assert list(model.models) == model.description["activations"] == ["quick_gelu", "gelu"]
    towers = [
        (each.description["image_tower"]["activation"], each.description["text_tower"]["activation"])
        for each in (first, second)
    ]
    assert towers == [("quick_gelu", "quick_gelu"), ("gelu", "gelu")]
    places = [
        [leaf.addressable_data(0).unsafe_buffer_pointer() for leaf in jax.tree.leaves(each._weights)]
        for each in (first, second)
    ]
    assert places[0] == places[1]
    assert np.abs(np.asarray(first.prompts) - np.asarray(second.prompts)).max() > 1e-4
    assert np.abs(scores["quick_gelu"] - scores["gelu"]).max() > 1e-3


def frame(right, top):
    return pd.DataFrame({"correct": right, "score": top, "group": ["common", "counter"] * (len(right) // 2)})


@pytest.mark.parametrize(
    ("quick", "fits"),
    [
        (frame([1, 1, 1, 0], [0.3] * 4), "quick_gelu"),
        (frame([1, 0, 0, 0], [0.1] * 4), "gelu"),
        (frame([1, 1, 1, 0], [0.1] * 4), None),  # right more often, less sure
        (frame([0, 1, 1, 0], [0.3] * 4), None),  # as often
    ],
)
def test_one_fits_by_both_measures_or_none_does(quick, fits):
    content = compare_activations({"gelu": frame([1, 1, 0, 0], [0.2] * 4), "quick_gelu": quick})
    assert content["fits"] == fits and content["used"] == "gelu"
    assert content["each"]["gelu"]["common_accuracy_unbalanced"] == 50.0
    assert ("neither fits" in comparison_note(content)) == (fits is None)
    assert ("run again with --activation quick_gelu" in comparison_note(content)) == (fits == "quick_gelu")


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("openai/clip-vit-base-patch32", "quick_gelu"),
        ("openai/clip-vit-base-patch32@main", "quick_gelu"),
        ("timm/vit_base_patch32_clip_224.laion400m_e31", "quick_gelu"),
        ("laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K", "gelu"),
        ("someone/clip", None),
        ("openai", None),
    ],
)
def test_a_hub_id_says_what_a_checkpoint_was_trained_with(name, activation):
    assert trained_activation(name) == activation


def test_a_folder_s_name_says_it_too(tmp_path):
    cached = tmp_path / "models--timm--vit_base_patch32_clip_224.laion400m_e31" / "snapshots" / "0123"
    for folder in (cached, tmp_path / "ViT-B-32-OpenAI", tmp_path / "clip-vit-base-patch32"):
        folder.mkdir(parents=True)
        assert trained_activation(str(folder)) == "quick_gelu"
    assert trained_activation(str(tmp_path)) is None


def test_a_known_checkpoint_whose_files_say_otherwise_is_told():
    name = "timm/vit_base_patch32_clip_224.laion400m_e31"

    def notes(activation, model=name, overridden=()):
        return activation_notes(model, {"text_tower": {"activation": activation}, "overridden": list(overridden)})

    (told,) = notes("gelu")
    assert "was trained with quick_gelu" in told and "by its configuration" in told
    assert "--activation quick_gelu sets it right" in told
    assert "by --activation:" in notes("gelu", overridden=["activation"])[0]
    assert notes("quick_gelu") == notes("gelu", model="someone/clip") == []
    assert notes("gelu", model="paper:ViT/B/32-LAION400M") == []  # which is run as it was trained
    assert activation_notes(name, {"kind": "open_clip"}) == []


def test_a_known_folder_is_told_by_the_program(made, tmp_path, monkeypatch, capsys, undrawn):
    folder, _ = made
    say(folder, "gelu")
    monkeypatch.chdir(folder)
    known = tmp_path / "clip-vit-base-patch32"
    known.mkdir()
    for path in (folder / "model").iterdir():
        (known / path.name).write_bytes(path.read_bytes())
    words = ["--data", "photos", "--model", str(known), "--names", "names.txt", "--workers", "0", "--json", "-"]
    assert evaluate([*words, "--out", str(tmp_path / "out")]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert any("was trained with quick_gelu, by its name" in warning for warning in warnings)


def test_weights_are_recognised_by_their_hash_under_any_name(tmp_path):
    folder, content = tmp_path / "renamed", bytes(range(256))
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(content)
    table = tmp_path / "weights.csv"
    digest = hashlib.sha256(content).hexdigest()
    table.write_text(f"hub_id,bytes,sha256\nopenai/clip-vit-base-patch32,256,{digest}\n")
    assert recognise_weights(folder, table) == "openai/clip-vit-base-patch32"
    (folder / "model.safetensors").write_bytes(content[:-1] + b"0")  # of the same size
    assert recognise_weights(folder, table) is None
    assert recognise_weights(folder) is None


def test_every_known_file_of_weights_is_of_a_clip_whose_training_is_known():
    table = pd.read_csv(DIRECTORY / "weights.csv")
    assert len(table) >= 6 and table.sha256.is_unique and table.bytes.is_unique
    assert table.sha256.str.fullmatch("[0-9a-f]{64}").all()
    assert {trained_activation(hub_id) for hub_id in table.hub_id} == {"quick_gelu"}


def test_recognised_weights_whose_files_say_otherwise_are_told(made, tmp_path, monkeypatch):
    folder, _ = made
    say(folder, "gelu")
    monkeypatch.setattr(clip, "recognise_weights", lambda folder: "openai/clip-vit-large-patch14")
    description = load_model(str(folder / "model"), QUESTION, Loading()).description
    (told,) = activation_notes(str(folder / "model"), description)
    assert (
        "with quick_gelu, by its weights, which are those of openai/clip-vit-large-patch14, and runs with gelu" in told
    )
    named = tmp_path / "clip-vit-base-patch32"
    shutil.copytree(folder / "model", named)
    assert load_model(str(named), QUESTION, Loading()).description["known_weights"] is None  # the name says it


@pytest.mark.parametrize(
    ("setting", "loading"),
    [
        ("activation", Loading(overrides=Overrides(activation="gelu"))),
        ("image_size", Loading(overrides=Overrides(image_size=64))),
        ("mean", Loading(overrides=Overrides(mean=(0.5, 0.5, 0.5)))),
        ("tokenizer", Loading(tokenizer=Path("folder"))),
    ],
)
def test_a_setting_that_another_library_would_ignore_is_refused(setting, loading):
    for name in ("open_clip:ViT-B-32/openai", "torchvision:resnet50", "timm:resnet50.a1_in1k", "lvlm:owner/name"):
        with pytest.raises(InputError, match=f"`{setting}`: it can be set for CLIPs that run in JAX, not for {name}"):
            load_model(name, QUESTION, loading)


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("RN50-OpenAI", None, r"timm/resnet50_clip\.openai with quick_gelu"),
        ("RN50-OpenAI", "gelu", r"timm/resnet50_clip\.openai with gelu"),
        ("ConvNext/BW-LAION2B", None, "laion/CLIP-convnext_base_w-laion2B-s13B-b82K with gelu"),
    ],
)
def test_a_published_clip_runs_as_it_was_trained(monkeypatch, name, asked, words):
    def reach(name, _, loading):
        raise InputError(f"{name} with {loading.overrides.activation}")

    monkeypatch.setattr(clip, "load", reach)
    with pytest.raises(InputError, match=words):
        load_model(f"paper:{name}", QUESTION, Loading(overrides=Overrides(activation=asked)))


def test_a_published_model_that_is_no_clip_brings_no_setting_that_is_refused(monkeypatch):
    def reach(name, *_):
        raise InputError(f"a classifier is asked for: {name}")

    monkeypatch.setattr(imagenet, "load", reach)
    with pytest.raises(InputError, match="a classifier is asked for: resnet50"):
        load_model("paper:RN50-ImageNet1K", QUESTION, Loading())


def test_what_has_no_two_activations_is_refused(tmp_path):
    loading = Loading(both_activations=True)
    with pytest.raises(InputError, match="`activation`: it can be set for CLIPs that run in JAX"):
        load_model("open_clip:ViT-B-32/openai", QUESTION, loading)
    checkpoint = tiny_clip(SIDE, ["A photo of zero one two."], 0)
    write_files(tmp_path / "model", files(checkpoint))
    say(tmp_path, "gelu_pytorch_tanh")
    with pytest.raises(InputError, match=r"both are gelu and quick_gelu, .* has gelu_pytorch_tanh"):
        load_model(str(tmp_path / "model"), QUESTION, loading)
    assert load(Path(tmp_path / "model")).config.vision.transformer.activation == "gelu_pytorch_tanh"
