"""What a trained CLIP makes of images and texts, as arrays on the host."""

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, UInt8

from pretrained.checkpoint import Checkpoint
from pretrained.preprocessing import Preprocessing
from pretrained.transformer import prepare
from workbench.compilation import jit

_PIECE = 256  # images at a time


# Compiled once for all models of the same sizes.
@functools.partial(jit, static_argnums=(0, 1))
def _of_images(
    graph: Any, preprocessing: Preprocessing, weights: Any, images: UInt8[Array, "size side side 3"]
) -> Float[Array, "size width"]:
    return nnx.merge(graph, weights).embed_images(prepare(images, preprocessing))


@functools.partial(jit, static_argnums=0)
def _of_texts(graph: Any, weights: Any, tokens: Int[Array, "texts length"]) -> Float[Array, "texts width"]:
    return nnx.merge(graph, weights).embed_texts(tokens)


def embed_images(
    checkpoint: Checkpoint, images: UInt8[np.ndarray, "images side side 3"]
) -> Float[np.ndarray, "images width"]:
    """Embeddings of images, of unit length."""
    graph, weights = nnx.split(checkpoint.model)
    found = []
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE]
        padded = np.pad(piece, ((0, _PIECE - len(piece)), (0, 0), (0, 0), (0, 0)))  # one shape, one compilation
        found.append(np.asarray(_of_images(graph, checkpoint.preprocessing, weights, padded))[: len(piece)])
    return np.concatenate(found)


def embed_texts(checkpoint: Checkpoint, texts: Sequence[str]) -> Float[np.ndarray, "texts width"]:
    """Embeddings of texts, of unit length."""
    graph, weights = nnx.split(checkpoint.model)
    return np.asarray(_of_texts(graph, weights, jnp.asarray(checkpoint.tokenizer(list(texts)))))


def scale_of(checkpoint: Checkpoint) -> float:
    """The trained factor of cosine similarities, as the evaluation of photos reads it."""
    return float(np.exp(np.asarray(checkpoint.model.log_scale[...], np.float32)))
