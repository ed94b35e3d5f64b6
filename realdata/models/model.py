"""What every model gives the evaluator: a description, a way to read photos, and scores of the candidates.

A model that embeds photos and prompts gives these as well, for repairs.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int


class Question(NamedTuple):
    """What a model chooses among.

    Attributes:
        indices: class indices of the candidates; ImageNet's for models that know only those.
        names: names of the candidates, as prompts use them.
        templates: texts with `{}` in place of the name, for models that read prompts.
    """

    indices: list[int]
    names: list[str]
    templates: list[str]


@runtime_checkable  # so that the tests can check it where a function says that it returns one
class Model(Protocol):
    """A model that scores candidates.

    Attributes:
        description: what `summary.json` says of it: at least `kind`, `preprocessing` and what its answers depend on.
        read: turns a photo's file into an array, or raises; it runs in worker processes, so it must be picklable and
            should need no framework.
        texts: whether the model reads prompts.
        batch_size: a number of photos at a time that is fast and fits into memory.
    """

    description: Mapping[str, Any]
    read: Callable[[Path], np.ndarray]
    texts: bool
    batch_size: int

    def score(self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]) -> Any:
        """A score for each candidate: the higher, the likelier. The scores of all others may be anything.

        Args:
            images: photos, as `read` returns them.
            among: for each photo, which classes are its candidates.

        Returns:
            An array of shape (size, candidates), for `np.asarray`; the device may still be computing it.
        """
        ...


@runtime_checkable
class EmbeddingModel(Model, Protocol):
    """A CLIP that gives its embeddings, all of unit length.

    Attributes:
        firsts: for each candidate, the first one that the model cannot tell from it, which may be itself.
        scale: the factor of cosine similarities in its training.
    """

    firsts: Int[np.ndarray, " candidates"]
    scale: float

    def embed_images(self, images: Sequence[np.ndarray]) -> Any:
        """An array of shape (size, embed_dim), for `np.asarray`, of photos as `read` returns them."""
        ...

    def embed_names(self, names: Sequence[str], templates: Sequence[str]) -> Float[np.ndarray, "names embed_dim"]:
        """The prompts of names: the mean over the templates, of unit length again.

        Raises:
            RunError: an embedding is not finite.
        """
        ...
