"""What is trained on the same images: contrastive with perfect language (Eq. 10), with a text encoder, supervised."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int

from sims.encoders import Architecture
from sims.encoders.encoder import dense
from sims.objectives import OBJECTIVES
from sims.synthetic.sampler import Batch


class Painted(NamedTuple):
    """A batch of images with their captions, labels and colours."""

    images: Float[Array, "size image_dim"]
    texts: Float[Array, "size words"]
    labels: Int[Array, " size"]
    colours: Int[Array, " size"]


class Classifier(nnx.Module):
    """An image encoder with a linear head for each thing that is asked of it.

    Args:
        architecture: its image encoder is used.
        heads: number of classes of each head; the first is the label's.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, heads: tuple[int, ...], *, rngs: nnx.Rngs):
        self.image_encoder = architecture.encode_images(architecture.embed_dim, rngs)
        self.heads = nnx.List([dense(architecture.embed_dim, classes, rngs) for classes in heads])

    def logits(self, images: Float[Array, "size image_dim"]) -> list[Float[Array, "size _"]]:
        """Logits of each head."""
        embeddings = self.image_encoder(images)
        return [head(embeddings) for head in self.heads]

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes words"]
    ) -> Float[Array, "size classes"]:
        """Logits of the labels; the prompts are not read."""
        return self.logits(images)[0]


def _cross_entropy(model: Classifier, batch: Painted) -> Float[Array, ""]:
    (labels,) = model.logits(batch.images)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(labels, batch.labels))


def _perfect_language(model: Classifier, batch: Painted) -> Float[Array, ""]:
    """Equation 10: with one-hot captions of object and background CLIP's loss becomes a cross-entropy for each."""
    pairs = zip(model.logits(batch.images), (batch.labels, batch.colours), strict=True)
    return jnp.sum(jnp.stack([jnp.mean(optax.softmax_cross_entropy_with_integer_labels(*pair)) for pair in pairs]))


def _pairwise(objective: str) -> Callable[[Any, Painted], Float[Array, ""]]:
    def loss(model: Any, batch: Painted) -> Float[Array, ""]:
        known = batch.labels.astype(float), batch.colours.astype(float)
        return OBJECTIVES[objective].loss(model, Batch(batch.images, batch.texts, *known))

    return loss


@dataclasses.dataclass(frozen=True)
class Learner:
    """A way to learn from the images.

    Attributes:
        learner: the kind, as in results: `contrastive`, `contrastive_text` or `supervised`.
        objective: the loss.
        create: (architecture, number of classes, rngs) -> the model, with `class_scores(images, prompts)`.
        loss: (model, batch) -> its loss.
    """

    learner: str
    objective: str
    create: Callable[[Architecture, int, nnx.Rngs], nnx.Module]
    loss: Callable[[Any, Painted], Float[Array, ""]]


def _with_text(objective: str) -> Learner:
    return Learner(
        "contrastive_text",
        objective,
        lambda architecture, classes, rngs: OBJECTIVES[objective].create(architecture, rngs),
        _pairwise(objective),
    )


# By objective, in the order of results; this table is where a new one is added.
LEARNERS = {
    learner.objective: learner
    for learner in (
        Learner(
            "contrastive",
            "perfect_language",
            lambda architecture, classes, rngs: Classifier(architecture, (classes, classes), rngs=rngs),
            _perfect_language,
        ),
        _with_text("infonce"),
        _with_text("siglip"),
        Learner(
            "supervised",
            "cross_entropy",
            lambda architecture, classes, rngs: Classifier(architecture, (classes,), rngs=rngs),
            _cross_entropy,
        ),
    )
}
REFERENCE = "cross_entropy"  # what the others are compared with
