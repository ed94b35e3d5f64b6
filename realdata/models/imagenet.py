"""torchvision's classifiers in JAX, from torchvision's files, without torchvision; see `pretrained.imagenet`."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, UInt8

from pretrained.imagenet import load as files
from pretrained.preprocessing import Preprocessing, read_photo
from pretrained.transformer import prepare
from realdata.models.batches import Batches
from realdata.models.classifier import WEIGHTS, check_classes
from realdata.models.imagenet_files import find_file, published_files
from realdata.models.loading import FloatType
from realdata.models.model import Model, Question
from realdata.names import AT
from workbench.compilation import jit

# The means and deviations of all of torchvision's classifiers.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_PHOTOS_ON_CPU, _PHOTOS = 32, 256


def is_here(name: str) -> bool:
    """Whether a classifier runs here, given the part of its name after `torchvision:`; others are torchvision's."""
    architecture, _, weights = name.partition(AT)[0].partition("/")
    return architecture in files.ARCHITECTURES and weights in ("", WEIGHTS)


def load(name: str, question: Question, dtype: FloatType = "float32", allow_pickle: bool = False) -> Model:
    """Load a classifier.

    Args:
        name: torchvision's name, for which `is_here` holds; with `@PLACE`, a file, or the folder that has it.
        question: the candidates.
        dtype: its floating-point type.
        allow_pickle: whether to read a pickled file that is not torchvision's own.

    Raises:
        InputError: the file cannot be found, downloaded or read, or a candidate is not among the classes.
        RunError: a weight is not finite.
    """
    own, _, place = name.partition(AT)
    architecture = own.partition("/")[0]
    config, published = files.ARCHITECTURES[architecture], published_files()[architecture]
    check_classes(f"torchvision:{name}", config.classes, question)
    path = find_file(architecture, place, allow_pickle)
    preprocessing = Preprocessing(published.resize, published.crop, "bilinear", _MEAN, _DEVIATION, "torchvision")
    description = {
        "kind": "torchvision",
        "name": f"{architecture}/{WEIGHTS}",
        "run_by": "jax",
        "file": path.name,
        "file_bytes": path.stat().st_size,
    }
    return JaxClassifier(description, files.load(path, config, dtype), question.indices, preprocessing, dtype)


class JaxClassifier:
    """A classifier in JAX, which scores candidates by its logits; see `Model`.

    The photos of a batch are split over this process's devices.

    Args:
        description: see `Model`.
        module: takes preprocessed images, and gives logits.
        indices: the candidates' indices among its classes.
        preprocessing: how photos become its images.
        dtype: its floating-point type.
    """

    texts = False

    def __init__(
        self,
        description: Mapping[str, Any],
        module: Any,
        indices: Sequence[int],
        preprocessing: Preprocessing,
        dtype: FloatType,
    ):
        self.description: Mapping[str, Any] = {
            **description,
            "preprocessing": dataclasses.asdict(preprocessing),
            "dtype": dtype,
        }
        self.read: Callable[[Path], np.ndarray] = functools.partial(read_photo, preprocessing=preprocessing)
        self._batches, self._preprocessing = Batches(), preprocessing
        self._graph, weights = nnx.split(module)
        self._weights = self._batches.keep(weights)
        self._indices = np.asarray(indices)
        on_cpu = jax.default_backend() == "cpu"
        self.batch_size = _PHOTOS_ON_CPU if on_cpu else _PHOTOS * self._batches.devices

    def score(
        self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]
    ) -> Float[Array, "size candidates"]:
        """The logits of all candidates."""
        batch = self._batches.batch(images)
        return _logits(self._graph, self._preprocessing, self._weights, batch, self._indices)[: len(images)]


# Compiled once for all classifiers of the same sizes.
@functools.partial(jit, static_argnums=(0, 1))
def _logits(
    graph: Any,
    preprocessing: Preprocessing,
    weights: Any,
    images: UInt8[Array, "size side side 3"],
    indices: Int[Array, " candidates"],
) -> Float[Array, "size candidates"]:
    return nnx.merge(graph, weights)(prepare(images, preprocessing)).astype("float32")[:, indices]
