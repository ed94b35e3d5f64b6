"""Candidates that a model cannot tell apart: told where they are few, refused where the answers mean nothing."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from pretrained import huggingface
from realdata.models.alike import first_alike_rows
from realdata.models.clip import ZeroShot
from realdata.models.model import Question
from realdata.models.prompt_embeddings import embed_prompts
from sims.clip.model import tiny_clip
from tests.realdata.made import made_photos
from workbench.errors import RunError
from workbench.results import write_files

LAYOUT = {"0 cat": ("sofa", "snow"), "1 dog": ("grass", "sea"), "2 fox": ("wood", "town")}


@pytest.fixture(scope="module")
def clip():
    return tiny_clip(12, ["a photo of a cat", "a photo of a dog"], 0)


@pytest.fixture(scope="module")
def made(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    made_photos(folder / "photos", LAYOUT, 4)
    write_files(folder / "model", huggingface.files(clip))
    return folder


@pytest.fixture
def evaluate(made, call_program, tmp_path, undrawn):
    def run(names, *more):
        (tmp_path / "names.txt").write_text("\n".join(names))
        command = ("--data", made / "photos", "--model", made / "model", "--names", "names.txt", "--workers", 0)
        return call_program("realdata.evaluate", *command, "--json", "-", *more)

    return run


def test_a_prompt_that_is_cut_before_the_name_is_refused(evaluate, tmp_path):
    """Every text is the same, and every photo would be a cat."""
    done = evaluate(["cat", "dog", "fox"], "--prompt", "word " * 100 + "{}")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    for words in ("--prompt: 3 of 3 candidates have the same text", "'cat' and 'dog'", "3 of 3 prompts are too long"):
        assert words in done.stderr
    assert not (tmp_path / "results").exists()


def test_one_name_of_two_classes_is_told(evaluate, tmp_path):
    """In upper or lower case: this model reads no difference. Both get one score, so that neither is ever right."""
    done = evaluate(["cat", "dog", "fox", "Dog", "cow"])
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    found = pd.read_csv(tmp_path / "results" / "evaluate" / "predictions.csv")
    assert content["indistinguishable"] == [[1, 3]] and content["prompts_cut"] == 0
    taken = found.predicted_index.isin([1, 3])
    (note,) = (each for each in content["warnings"] if "same text" in each)
    assert note.startswith("'dog' (1) and 'Dog' (3)")
    assert f"8 photos show these classes, and {taken.sum()} get these labels" in note
    assert (found.tied == 1 + taken).all()
    assert found.correct[found.class_index == 1].sum() == 0 and content["ties"]["photos"] == taken.sum()


def test_prompts_that_are_cut_and_names_said_twice_are_told(evaluate):
    """24 tokens are read; names that differ before the cut are told apart all the same."""
    done = evaluate(["cat", "dog", "fox of the far northern tundra"], "--prompt", "{} {}")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["prompts"] == 3 and content["prompts_cut"] == 1 and content["indistinguishable"] == []
    assert any(note.startswith("1 of 3 prompts are too long for the text tower") for note in content["warnings"])
    assert any("'{} {}' repeats the name 2 times" in note for note in content["warnings"])


def test_doubles_have_one_score_to_the_last_bit(clip):
    """Also with candidates enough that they lie in several batches of texts and tiles of a product."""
    names = [f"thing {index % 200}" for index in range(600)]
    model = ZeroShot(clip, Question([*range(600)], names, ["a {}"]))
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
    scores = np.asarray(model.score([*images], np.ones((3, 600), bool)))
    np.testing.assert_array_equal(scores[:, :200], scores[:, 200:400])
    np.testing.assert_array_equal(scores[:, :200], scores[:, 400:])
    assert [len(group) for group in model.description["indistinguishable"]] == [3] * 200


def test_equal_tokens_or_equal_embeddings_are_alike():
    tokens = np.array([[1, 2], [1, 3], [1, 2], [4, 4], [5, 5]])
    embeddings = np.array([[0.5, 0.0], [0.6, 0.0], [np.nextafter(0.5, 1), 0.0], [0.6, -0.0], [0.7, 0.0]])
    assert first_alike_rows(tokens, embeddings).tolist() == [0, 1, 0, 1, 4]


def test_embeddings_that_are_not_finite_are_told_by_their_text(clip, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    checkpoint = clip._replace(model=nnx.clone(clip.model))
    question = Question([0, 1], ["dog", "zebra"], ["a {}"])
    (token,) = {int(each) for each in checkpoint.tokenizer(["z"])[0]} - {int(e) for e in checkpoint.tokenizer([""])[0]}
    weight = checkpoint.model.text.tokens
    weight[...] = weight[...].at[token].set(np.inf)
    with pytest.raises(RunError, match=r"embedding of 'a zebra' is not finite, or 0, as are 1 of 2$"):
        embed_prompts(checkpoint, question)
    assert not list((tmp_path / "sober-clip" / "prompts").glob("*"))  # nothing to be read again


def test_a_weight_that_is_no_number_ends_the_run_at_once(tmp_path, made, call_program):
    shutil.copytree(made / "model", tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    weights = load_file(path)
    key = "vision_model.encoder.layers.1.mlp.fc1.weight"
    weights[key][3, 2] = np.nan
    save_file(weights, path)
    (tmp_path / "names.txt").write_text("cat\ndog\nfox")
    command = ("realdata.evaluate", "--data", made / "photos", "--model", "model", "--names", "names.txt")
    done = call_program(*command)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert f"{key} holds 1 values that are not finite, in the file itself" in done.stderr
    weights[key][3, 2] = np.finfo(np.float32).max  # rounds up to infinity in eight bits
    save_file(weights, path)
    done = call_program(*command, "--dtype", "bfloat16")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"{key} holds 1 values that overflow in bfloat16; --dtype float32 holds them" in done.stderr
