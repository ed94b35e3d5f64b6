"""The embeddings of the candidates' prompts, computed once and kept in the user's cache folder."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from pretrained.checkpoint import Checkpoint
from pretrained.config import TextConfig
from realdata.models.alike import check_embeddings, first_alike_rows
from realdata.models.model import Question
from workbench import terminal
from workbench.compilation import jit
from workbench.kept import cache_folder, write_kept

TEXTS = 256  # in a batch
_KEPT = 16_384  # in a file of the cache
_STEP = 8  # texts are cut to a multiple of this number of tokens, so that few lengths are compiled


class Prompts(NamedTuple):
    """The embedded prompts of all candidates.

    Attributes:
        embeddings: for each name, the normalised mean over the templates of the normalised embeddings.
        firsts: for each candidate, the first one that the CLIP cannot tell from it, which may be itself.
        number: the number of prompts.
        cut: how many prompts are longer than the context.
    """

    embeddings: Float[np.ndarray, "names embed_dim"]
    firsts: Int[np.ndarray, " names"]
    number: int
    cut: int


def embed_prompts(checkpoint: Checkpoint, question: Question) -> Prompts:
    """Embed the prompts of all names.

    The embeddings are kept in the user's cache folder, under a digest of the text tower's weights and the tokens, and
    are read from there the next time.

    Args:
        checkpoint: the CLIP.
        question: the candidates' names and the templates.

    Raises:
        RunError: an embedding is not finite.
    """
    texts = [template.replace("{}", name) for name in question.names for template in question.templates]
    whole, cut = checkpoint.tokenizer.encode(texts)
    tokens = whole[:, : _length(checkpoint.config.text, whole)]
    depends_on = repr((checkpoint.config.text, jax.__version__)).encode() + _weights_digest(checkpoint)
    of_texts = embed_once(tokens, texts, depends_on, functools.partial(_embed, checkpoint), checkpoint.dtype)
    embeddings = mean_over_templates(of_texts, question, checkpoint.dtype)
    firsts = first_alike_rows(whole.reshape(len(question.names), -1), embeddings)
    return Prompts(embeddings, firsts, len(texts), cut)


def mean_over_templates(
    of_texts: Float[np.ndarray, "texts embed_dim"], question: Question, dtype: str
) -> Float[np.ndarray, "names embed_dim"]:
    """The mean of each name's embedded prompts, of unit length again.

    Raises:
        RunError: a mean has no direction, as that of opposite vectors.
    """
    means = of_texts.reshape(len(question.names), len(question.templates), -1).mean(axis=1)
    with np.errstate(invalid="ignore"):
        embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    check_embeddings(embeddings, question.names, dtype)
    return embeddings


def embed_once(
    tokens: Int[np.ndarray, "texts length"],
    texts: Sequence[str],
    depends_on: bytes,
    embed: Callable[[Int[np.ndarray, "part length"]], Float[np.ndarray, "part embed_dim"]],
    dtype: str,
) -> Float[np.ndarray, "texts embed_dim"]:
    """The texts' embeddings, from the cache folder or for it; in parts, so that a stopped run keeps the finished.

    Args:
        tokens: of the texts.
        texts: the texts, for messages.
        depends_on: what else decides the embeddings: weights, sizes and versions.
        embed: embeds some of the texts.
        dtype: the model's floating-point type.

    Raises:
        RunError: an embedding is not finite.
    """
    folder = cache_folder()
    found = []
    for start in range(0, len(tokens), _KEPT):
        part = tokens[start : start + _KEPT]
        place = None if folder is None else folder / "prompts" / f"{_fingerprint(depends_on, part)}.npy"
        cached = None if place is None else _read_embeddings(place)
        embedded = embed(part) if cached is None else cached
        check_embeddings(embedded, texts[start : start + _KEPT], dtype)
        if cached is None and place is not None:
            write_kept(place, functools.partial(np.save, arr=embedded))
        found.append(embedded)
    return np.concatenate(found)


def _length(text: TextConfig, tokens: Int[np.ndarray, "texts context"]) -> int:
    """How many tokens the embeddings depend on: in a causal tower, none after the token that is read."""
    if not text.causal or text.pooling == "last":
        return text.context
    ends = np.argmax(tokens if text.pooling == "argmax" else tokens == text.end_token, axis=1)
    return min(text.context, -(-(int(ends.max()) + 1) // _STEP) * _STEP)


@functools.partial(jit, static_argnums=0)
def _embed_texts(graph: Any, weights: Any, tokens: Int[Array, "texts length"]) -> Float[Array, "texts embed_dim"]:
    return nnx.merge(graph, weights).embed_texts(tokens)


def _embed(checkpoint: Checkpoint, tokens: np.ndarray) -> np.ndarray:
    graph, weights = nnx.split(checkpoint.model)

    def embed(part: np.ndarray) -> np.ndarray:
        padded = np.pad(part, ((0, min(TEXTS, len(tokens)) - len(part)), (0, 0)), mode="edge")  # one shape
        return np.asarray(_embed_texts(graph, weights, padded), np.float32)[: len(part)]

    return in_batches(tokens, embed)


def in_batches(
    tokens: Int[np.ndarray, "texts length"], embed: Callable[[np.ndarray], np.ndarray]
) -> Float[np.ndarray, "texts embed_dim"]:
    """The embeddings of texts, `TEXTS` at a time, with progress on a terminal."""
    found = []
    with terminal.progress(unit="texts") as display:
        bar = display.add_task("prompts", total=len(tokens), status="")
        for start in range(0, len(tokens), TEXTS):
            found.append(embed(tokens[start : start + TEXTS]))
            display.advance(bar, len(found[-1]))
    return np.concatenate(found)


def _fingerprint(depends_on: bytes, tokens: np.ndarray) -> str:
    digest = hashlib.sha256(depends_on + repr((tokens.shape, str(tokens.dtype))).encode())
    digest.update(np.ascontiguousarray(tokens).data)
    return digest.hexdigest()[:32]


def _weights_digest(checkpoint: Checkpoint) -> bytes:
    digest = hashlib.sha256()
    for path, weight in sorted(
        nnx.to_flat_state(nnx.state(checkpoint.model.text, nnx.Param)), key=lambda pair: pair[0]
    ):
        array = np.asarray(weight[...])
        digest.update(repr((path, array.shape, str(array.dtype))).encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()


def _read_embeddings(place: Path) -> np.ndarray | None:
    try:
        return np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # missing or incomplete: computed again
        return None
