"""A CLIP in JAX as a zero-shot classifier: the answer is the candidate with the most similar prompt.

`BothActivations` runs a checkpoint with GELU and with QuickGELU. Some files do not say QuickGELU although the weights
were trained with it: the accuracies look plausible and are some points too low.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, UInt8

from pretrained.checkpoint import Checkpoint
from pretrained.hub import find
from pretrained.load import load as load_checkpoint
from pretrained.overrides import Overrides
from pretrained.preprocessing import Preprocessing, read_photo
from pretrained.transformer import prepare
from pretrained.weights import same_weights
from realdata.models.alike import alike_description
from realdata.models.batches import Batches
from realdata.models.loading import Loading
from realdata.models.model import Question
from realdata.models.prompt_embeddings import embed_prompts
from realdata.models.registry import recognise_weights, trained_activation
from workbench import hosts
from workbench.compilation import jit
from workbench.errors import InputError

_PHOTOS_ON_CPU = 64  # in a batch: larger ones are no faster on two cores
_MOST_PHOTOS = 1024


class Origin(NamedTuple):
    """Where a checkpoint comes from.

    Attributes:
        commit: of the repository that it was downloaded from; None for a folder.
        known_weights: the hub id that its weights were published under, by their hash; None if they are not known, or
            if the checkpoint's name says how it was trained, so that gigabytes need not be read for it.
    """

    commit: str | None = None
    known_weights: str | None = None


def load(name: str, question: Question, loading: Loading) -> "ZeroShot":
    """Load a CLIP or SigLIP.

    Args:
        name: a folder, or a Hugging Face id, whose files are downloaded unless they are in the cache.
        question: the candidates and the prompts' templates.
        loading: data type, tokenizer and overrides.

    Raises:
        InputError: there is no such checkpoint, or it cannot be read.
    """
    checkpoint, origin = _read(name, loading)
    return ZeroShot(checkpoint, question, origin)


def _read(name: str, loading: Loading) -> tuple[Checkpoint, Origin]:
    found = find(name, loading.allow_pickle)
    checkpoint = load_checkpoint(
        found.folder, loading.tokenizer, loading.overrides, loading.dtype, loading.allow_pickle
    )
    known_weights = None if trained_activation(name) else recognise_weights(found.folder)
    return checkpoint, Origin(found.commit, known_weights)


class ZeroShot:
    """A CLIP that scores candidates by the cosine similarity of photo and prompt.

    The photos of a batch are split over this process's devices.

    Args:
        checkpoint: the CLIP.
        question: the candidates and the prompts' templates.
        origin: where the checkpoint comes from, if it comes from files.
    """

    texts = True

    def __init__(self, checkpoint: Checkpoint, question: Question, origin: Origin | None = None):
        prompts = embed_prompts(checkpoint, question)
        self.description: Mapping[str, Any] = {
            "kind": "jax",
            **(origin or Origin())._asdict(),
            **checkpoint.description(),
            **alike_description(question, prompts.firsts),
            "prompts": prompts.number,
            "prompts_cut": prompts.cut,
        }
        self.read: Callable[[Path], np.ndarray] = functools.partial(read_photo, preprocessing=checkpoint.preprocessing)
        self._batches = Batches()
        self._graph, weights = nnx.split(checkpoint.model)
        self._weights = self._batches.keep(weights)
        self.prompts = self._batches.keep(prompts.embeddings)
        self.batch_size = _largest_batch(checkpoint, self._batches.devices)
        self._checkpoint = checkpoint
        self.scale = float(np.exp(np.asarray(checkpoint.model.log_scale[...], np.float32)))
        self.firsts = prompts.firsts

    def score(self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]) -> Any:
        """Cosine similarities; see `Model.score`."""
        batch, preprocessing = self._batches.batch(images), self._checkpoint.preprocessing
        scores = _similarities(self._graph, preprocessing, self._weights, batch, self.prompts, self.firsts)
        return scores[: len(images)]

    def embed_images(self, images: Sequence[np.ndarray]) -> Any:
        """See `EmbeddingModel.embed_images`."""
        preprocessing = self._checkpoint.preprocessing
        return _embeddings(self._graph, preprocessing, self._weights, self._batches.batch(images))[: len(images)]

    def embed_names(self, names: Sequence[str], templates: Sequence[str]) -> Float[np.ndarray, "names embed_dim"]:
        """See `EmbeddingModel.embed_names`; they are kept in the user's cache folder."""
        return embed_prompts(self._checkpoint, Question([], list(names), list(templates))).embeddings


# Compiled once for all models of the same sizes and settings.
@functools.partial(jit, static_argnums=(0, 1))
def _embeddings(
    graph: Any, preprocessing: Preprocessing, weights: Any, images: UInt8[Array, "size side side 3"]
) -> Float[Array, "size embed_dim"]:
    return nnx.merge(graph, weights).embed_images(prepare(images, preprocessing))


@functools.partial(jit, static_argnums=(0, 1))
def _similarities(
    graph: Any,
    preprocessing: Preprocessing,
    weights: Any,
    images: UInt8[Array, "size side side 3"],
    prompts: Float[Array, "candidates embed_dim"],
    firsts: Int[Array, " candidates"],
) -> Float[Array, "size candidates"]:
    return (nnx.merge(graph, weights).embed_images(prepare(images, preprocessing)) @ prompts.T)[:, firsts]


def _largest_batch(checkpoint: Checkpoint, devices: int) -> int:
    """How many photos make a batch: as many as half of the free memory holds, up to a limit."""
    cpu = jax.default_backend() == "cpu"
    vision = checkpoint.config.vision
    each = 4 * (vision.floats_at_once + 4 * 3 * vision.image_size**2)
    fitting = int(hosts.available_bytes() / 2 / each)
    power = 1 << max(0, min(fitting, _PHOTOS_ON_CPU if cpu else _MOST_PHOTOS).bit_length() - 1)
    return power if cpu else power * devices  # the devices of a CPU share its memory


ACTIVATIONS = ("gelu", "quick_gelu")


def load_both_activations(name: str, question: Question, loading: Loading) -> "BothActivations":
    """Load a CLIP once, and build two models from its weights; arguments as in `realdata.models.clip.load`.

    Raises:
        InputError: there is no such CLIP, it cannot be read, or it has a third activation.
    """
    checkpoint, origin = _read(name, loading)
    own = checkpoint.config.text.transformer.activation
    if own not in ACTIVATIONS:
        raise InputError(f"`activation`: both are {' and '.join(ACTIVATIONS)}, {name} has {own}")
    other = next(each for each in ACTIVATIONS if each != own)
    return BothActivations(
        {
            own: ZeroShot(checkpoint, question, origin),
            other: ZeroShot(_replace_activation(checkpoint, other), question, origin),
        }
    )


def _replace_activation(checkpoint: Checkpoint, activation: str) -> Checkpoint:
    config = Overrides(activation=activation).config(checkpoint.config)
    return checkpoint._replace(model=same_weights(checkpoint.model, config), config=config)


class BothActivations:
    """Two models with one checkpoint's weights; the second's scores follow the first's. See `Model`.

    Args:
        models: activation to model; first the activation that the files, or the paper's table of checkpoints, name.
    """

    texts = True

    def __init__(self, models: Mapping[str, ZeroShot]):
        self.models = models
        first = next(iter(models.values()))
        self.description: Mapping[str, Any] = {**first.description, "activations": list(models)}
        self.read: Callable[[Path], np.ndarray] = first.read
        self.batch_size = first.batch_size

    def score(self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size both"]) -> Any:
        """The first model's cosine similarities, then the second's."""
        sides = np.split(among, len(self.models), axis=1)
        scores = [model.score(images, side) for model, side in zip(self.models.values(), sides, strict=True)]
        return jnp.concatenate(scores, axis=1)
