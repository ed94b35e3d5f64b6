"""Prompts and candidates: templates from every source, and what a photo is classified among."""

import sys

import numpy as np
import pandas as pd
import pytest

from published.directory import DIRECTORY
from realdata.evaluate.candidates import allowed_candidates, published_lists, read_templates
from realdata.models.model import Question
from realdata.models.prompt_embeddings import embed_prompts
from sims.clip.model import tiny_clip
from workbench.errors import InputError


def test_templates_come_from_the_command_line_or_a_file(tmp_path):
    assert read_templates("A photo of {}.") == ["A photo of {}."]
    (tmp_path / "prompts.txt").write_text("a {} in the wild\n\na drawing of {}\n")
    assert read_templates(str(tmp_path / "prompts.txt")) == ["a {} in the wild", "a drawing of {}"]


def test_openais_templates_are_read_and_not_imported(tmp_path, monkeypatch):
    """From a package whose import would fail, in the form that OpenCLIP has."""
    package = tmp_path / "open_clip"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    listed = ["a bad photo of a {c}.", "a photo of the {c}.", "a photo of {c}, close up."]
    lines = "".join(f"    lambda c: f'{template}',\n" for template in listed)
    (package / "zero_shot_metadata.py").write_text(f"\nOPENAI_IMAGENET_TEMPLATES = (\n{lines})\n\nOTHER = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert read_templates("openai80") == [template.replace("{c}", "{}") for template in listed]
    assert "open_clip" not in sys.modules
    (package / "zero_shot_metadata.py").write_text("TEMPLATES = ()\n")
    with pytest.raises(InputError, match="holds no list OPENAI_IMAGENET_TEMPLATES"):
        read_templates("openai80")


@pytest.mark.parametrize(
    ("content", "words"),
    [("a photo\n", "line 1: must hold {}"), ("\n", "holds no templates"), (None, "openai80, or a file")],
)
def test_wrong_prompts_are_told(tmp_path, content, words):
    path = tmp_path / "prompts.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_templates(str(path))


def test_several_templates_make_the_normalised_mean_of_normalised_embeddings():
    checkpoint = tiny_clip(8, ["a photo of a dog", "a drawing of a cat"], 0)
    names, templates = ["dog", "cat", "bird"], ["a photo of a {}", "a drawing of a {}"]
    one = [embed_prompts(checkpoint, Question([0, 1, 2], names, [template])).embeddings for template in templates]
    both = embed_prompts(checkpoint, Question([0, 1, 2], names, templates)).embeddings
    mean = sum(one) / 2
    np.testing.assert_allclose(both, mean / np.linalg.norm(mean, axis=1, keepdims=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(one[0], axis=1), 1.0, rtol=1e-5)


def test_candidates_are_all_or_the_published_twenty():
    candidates, classes = np.arange(1000), np.array([9, 10, 100])
    assert allowed_candidates(None, candidates, classes).all()
    allowed = allowed_candidates(published_lists(), candidates, classes)
    table = pd.read_csv(DIRECTORY / "candidates_1v20.csv")
    for row, index in zip(allowed, classes, strict=True):
        assert set(np.flatnonzero(row)) == set(table[table.imagenet_index == index].candidate_index)
    # In another order of the candidates they are the same ones.
    np.testing.assert_array_equal(allowed_candidates(published_lists(), candidates[::-1], classes), allowed[:, ::-1])


def test_what_has_no_twenty_candidates_is_told():
    with pytest.raises(InputError, match="no published list for the class 0; use 1v1000, or `candidates_from`"):
        allowed_candidates(published_lists(), np.arange(1000), np.array([0, 9]))
    with pytest.raises(InputError, match="names classes that `names` lacks"):
        allowed_candidates(published_lists(), np.arange(10), np.array([9]))
