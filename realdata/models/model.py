"""What the evaluator asks of a model, whatever it is made of."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool


class Question(NamedTuple):
    """What a model chooses among.

    Attributes:
        indices: of the candidate classes, which are ImageNet's where a model knows no other.
        names: of the candidates, as prompts use them.
        templates: texts with `{}` in the name's place, for models that read.
    """

    indices: list[int]
    names: list[str]
    templates: list[str]


@runtime_checkable  # so that the tests can check it where a function says that it returns one
class Model(Protocol):
    """A model that scores candidates.

    Attributes:
        description: what `summary.json` says of it: at least `kind`, `preprocessing` and what its answers depend on.
        read: a photo's file to an array, or an error; called in worker processes, so that it must be picklable and
            should need no framework.
        texts: whether it reads prompts.
        batch_size: how many photos at a time are fast and fit into memory.
    """

    description: Mapping[str, Any]
    read: Callable[[Path], np.ndarray]
    texts: bool
    batch_size: int

    def score(self, images: Sequence[np.ndarray], among: Bool[np.ndarray, "size candidates"]) -> Any:
        """A score for each candidate, the higher the likelier; what is not among the candidates need not be scored.

        Args:
            images: what `read` made of some photos, one after the other.
            among: the candidates of each.

        Returns:
            What `np.asarray` makes an array of shape (size, candidates) of; it may be still on its way from the device.
        """
        ...
