"""Zero-shot accuracy on fresh data, group by group."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.models import Classifier
from sims.synthetic.sampler import Bases, sample_batch
from theory.model import SpuriousModel
from theory.statements.zero_shot import latent_prompt

SAMPLED_GROUPS = ("aligned", "conflicting")
PIECE = 1024  # images at a time, so that what an encoder makes of them stays small


class EvaluationSet(NamedTuple):
    """Images and labels of each group of `SAMPLED_GROUPS`, drawn independently of the training data."""

    images: Float[Array, "groups size image_dim"]
    labels: Float[Array, "groups size"]


def sample_evaluation_set(key: Key[Array, ""], model: SpuriousModel, bases: Bases, size: int) -> EvaluationSet:
    """Draw `size` images for each group."""
    # One draw for both groups: drawing each under its own key takes several times as long to compile.
    batch = sample_batch(key, model, bases, 2 * size, jnp.repeat(jnp.array([1.0, 0.0]), size))
    return EvaluationSet(batch.images.reshape(2, size, -1), batch.labels.reshape(2, size))


def split_evaluation_set(evaluation_set: EvaluationSet, size: int) -> tuple[EvaluationSet, EvaluationSet]:
    """The first `size` images of each group, and the rest."""
    return EvaluationSet(*(part[:, :size] for part in evaluation_set)), EvaluationSet(
        *(part[:, size:] for part in evaluation_set)
    )


def class_prompts(model: SpuriousModel, bases: Bases, prompts: tuple[str, ...]) -> Float[Array, "prompts 2 text_dim"]:
    """Prompt texts p_y = y D_T q of the classes (-1, +1), for each named prompt."""
    positive = jnp.stack([bases.text @ latent_prompt(model, prompt) for prompt in prompts])
    return jnp.stack([-positive, positive], axis=1)


def zero_shot_accuracies(
    classifier: Classifier, evaluation_set: EvaluationSet, prompts: Float[Array, "prompts 2 text_dim"]
) -> Float[Array, "prompts groups"]:
    """Share of images whose own class scores highest, for each prompt and group."""

    def accuracy(texts: Float[Array, "2 text_dim"], piece: EvaluationSet) -> Float[Array, ""]:
        scores = classifier.class_scores(piece.images, texts)
        predictions = 2.0 * jnp.argmax(scores, axis=1) - 1.0
        return jnp.mean(predictions == piece.labels)

    over_groups = jax.vmap(accuracy, in_axes=(None, 0))
    over_prompts = jax.vmap(over_groups, in_axes=(0, None))
    groups, size = evaluation_set.labels.shape
    if size <= PIECE or size % PIECE:
        return over_prompts(prompts, evaluation_set)
    pieces = jax.tree.map(
        lambda part: jnp.moveaxis(part.reshape(groups, -1, PIECE, *part.shape[2:]), 1, 0), evaluation_set
    )
    return jnp.mean(jax.lax.map(functools.partial(over_prompts, prompts), pieces), axis=0)
