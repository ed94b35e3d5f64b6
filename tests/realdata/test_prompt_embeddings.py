"""Prompts are embedded once: kept by what they depend on, cut to the tokens that count."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from realdata.models import prompt_embeddings
from realdata.models.model import Question
from realdata.models.prompt_embeddings import embed_prompts
from sims.clip.model import tiny_clip

QUESTION = Question([0, 1], ["dog", "cat"], ["a photo of a {}", "a {}"])


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tiny_clip(8, ["a photo of a dog", "a drawing of a cat"], 0)


def test_they_are_computed_once(checkpoint, tmp_path, monkeypatch):
    first = embed_prompts(checkpoint, QUESTION).embeddings
    assert len(list((tmp_path / "sober-clip" / "prompts").iterdir())) == 1
    computed = []
    inner = prompt_embeddings._embed
    monkeypatch.setattr(prompt_embeddings, "_embed", lambda *given: computed.append(1) or inner(*given))
    np.testing.assert_array_equal(embed_prompts(checkpoint, QUESTION).embeddings, first)
    assert computed == []
    # Whatever they depend on, changed, is computed anew: a text, its weights, how it is read.
    embed_prompts(checkpoint, QUESTION._replace(names=["dog", "bird"]))
    weight = checkpoint.model.text.positions
    weight[...] = weight[...].at[1, 0].add(0.5)
    again = embed_prompts(checkpoint, QUESTION).embeddings
    assert len(computed) == 2 and np.abs(again - first).max() > 1e-3


def test_what_is_kept_but_broken_is_computed_again(checkpoint, tmp_path):
    first = embed_prompts(checkpoint, QUESTION).embeddings
    (path,) = (tmp_path / "sober-clip" / "prompts").iterdir()
    path.write_bytes(path.read_bytes()[:60])
    np.testing.assert_array_equal(embed_prompts(checkpoint, QUESTION).embeddings, first)


def test_a_cache_that_cannot_be_written_is_done_without(checkpoint, tmp_path, monkeypatch):
    first = embed_prompts(checkpoint, QUESTION).embeddings
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    np.testing.assert_array_equal(embed_prompts(checkpoint, QUESTION).embeddings, first)


def test_tokens_after_the_end_are_cut_and_change_nothing(checkpoint):
    texts = [template.replace("{}", name) for name in QUESTION.names for template in QUESTION.templates]
    tokens = checkpoint.tokenizer(texts)
    length = prompt_embeddings._length(checkpoint.config.text, tokens)
    assert length <= tokens.shape[1]
    whole = nnx.jit(lambda model, tokens: model.embed_texts(tokens))(checkpoint.model, jnp.asarray(tokens))
    means = np.asarray(whole).reshape(2, 2, -1).mean(axis=1)
    wanted = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(embed_prompts(checkpoint, QUESTION).embeddings, wanted, atol=1e-6)  # single precision
