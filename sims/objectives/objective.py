"""What an objective is: a model to train and a loss to train it with."""

import dataclasses
from collections.abc import Callable
from typing import Any

from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture
from sims.synthetic.sampler import Batch


@dataclasses.dataclass(frozen=True)
class Objective:
    """A training objective.

    Attributes:
        name: as on the command line and in results.
        contrastive: whether it pairs images with texts (evaluated with prompts) or images with labels.
        create: (architecture, rngs) -> the model, a `sims.models.Classifier`.
        loss: (model, batch) -> the loss on one batch.
    """

    name: str
    contrastive: bool
    create: Callable[[Architecture, nnx.Rngs], nnx.Module]
    loss: Callable[[Any, Batch], Float[Array, ""]]
