"""What the theory says of each row of the main job's table: the accuracies of the optimum, or why there are none."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sims.training.config import ContrastiveConfig
from theory.model import SpuriousModel
from theory.names import CONTRASTIVE, DIRECTIONS, GROUPS
from theory.predictions import BATCH_FREE, predict
from theory.report import report
from theory.statements.group_accuracy import group_accuracies
from theory.statements.unit_length import LOSSES, optimum
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

# S20 is tested for embeddings of this width, and images and texts of more dimensions.
_SHOWN_WIDTH = 8
_NOT_LINEAR = "they are known of linear encoders"
_NOT_FRESH = "known for fresh samples at every step"
_ENDLESS = "known for batches without end: python -m theory"


def batch_free(config: ContrastiveConfig) -> dict[str, Any]:
    """`theory.report.report` of the learners whose optimum is that of any batch."""
    return report(config.model, config.embed_dim, config.prompt, learners=BATCH_FREE)


def of_batches(config: ContrastiveConfig) -> list[dict[str, Any]]:
    """A row for each prompt and each other learner, at the configuration's size of batch: S20, S21, or a note.

    Keys: `learner`, `prompt`, `accuracy` (by group, or None) and `note` (why it is None).
    """
    rows = []
    for name in (name for name in config.learners if name not in BATCH_FREE):
        if name in LOSSES:
            rows += _unit_length(config, name)
        elif name in DIRECTIONS:
            rows += _bilinear(config, name)
        else:
            rows += _unknown(config, name, _ENDLESS if name in CONTRASTIVE else "none is known of this loss")
    return rows


def without(config: ContrastiveConfig) -> list[dict[str, Any]]:
    """The same for encoders that are not linear, of all learners: nothing is known."""
    return [row for name in config.learners for row in _unknown(config, name, _NOT_LINEAR)]


def _row(name: str, prompt: str | None, accuracy: dict[str, float] | None, note: str | None) -> dict[str, Any]:
    return {"learner": name, "prompt": prompt, "accuracy": accuracy, "note": note}


def _unknown(config: ContrastiveConfig, name: str, note: str) -> list[dict[str, Any]]:
    prompts = config.prompt if config.learners[name].contrastive else (None,)
    return [_row(name, prompt, None, note) for prompt in prompts]


def _bilinear(config: ContrastiveConfig, name: str) -> list[dict[str, Any]]:
    """What S21 says of a loss on plain inner products."""
    if config.samples:
        return _unknown(config, name, _NOT_FRESH)
    found = predict(config.model, config.embed_dim, config.prompt, learners=(name,), batch_size=config.batch_size)
    return [_row(row.learner, row.prompt, row.accuracy, row.note) for row in found]


def _unit_length(config: ContrastiveConfig, name: str) -> list[dict[str, Any]]:
    """What S20 says of a loss on embeddings of unit length, where it is shown to hold."""
    model, unknown = config.model, functools.partial(_unknown, config, name)
    if config.samples:
        return unknown(_NOT_FRESH)
    if min(config.embed_dim, int(model.image_dim), int(model.text_dim)) < _SHOWN_WIDTH:
        return unknown(f"known for an embedding, images and texts of {_SHOWN_WIDTH} dimensions or more")
    if float(model.class_prior) != 0.5:
        return unknown("known for equally frequent classes")
    found = optimum(model, name, config.batch_size)
    if found is None:
        return unknown("no minimum was found, or captions tell images apart too well for the quadrature")
    with jax.enable_x64(True):  # of this thread
        accuracies = np.asarray(_accuracies(model, found.encoders.critic, tuple(config.prompt)))
    named = (dict(zip(GROUPS, of_prompt, strict=True)) for of_prompt in accuracies.tolist())
    return [_row(name, prompt, accuracy, None) for prompt, accuracy in zip(config.prompt, named, strict=True)]


@functools.partial(jit, quick=True, static_argnums=2)
def _accuracies(
    model: SpuriousModel, critic: Float[Array, "2 2"], prompts: tuple[str, ...]
) -> Float[Array, "prompts groups"]:
    directions = [critic @ latent_prompt(model, prompt) for prompt in prompts]
    return jnp.stack([group_accuracies(model, direction) for direction in directions])
