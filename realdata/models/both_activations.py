"""A CLIP with GELU and with QuickGELU at once, for checkpoints that may have been trained with either.

Some files do not say QuickGELU although the weights were trained with it: the accuracies look plausible and are some
points too low.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from pretrained.checkpoint import Checkpoint
from pretrained.config import Overrides
from pretrained.weights import same_weights
from realdata.models.clip import ZeroShot, read_checkpoint
from realdata.models.model import Question
from realdata.models.registry import Loading
from workbench.errors import InputError

ACTIVATIONS = ("gelu", "quick_gelu")


def load(name: str, question: Question, loading: Loading) -> "BothActivations":
    """Load a CLIP once, and build two models from its weights; arguments as in `realdata.models.clip.load`.

    Raises:
        InputError: there is no such CLIP, it cannot be read, or it has a third activation.
    """
    checkpoint, commit = read_checkpoint(name, loading)
    own = checkpoint.config.vision.transformer.activation
    if own not in ACTIVATIONS:
        raise InputError(f"`activation`: both are {' and '.join(ACTIVATIONS)}, {name} has {own}")
    other = next(each for each in ACTIVATIONS if each != own)
    return BothActivations(
        {
            own: ZeroShot(checkpoint, question, commit),
            other: ZeroShot(_replace_activation(checkpoint, other), question, commit),
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
