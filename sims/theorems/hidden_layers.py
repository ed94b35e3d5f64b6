"""Small encoders with one hidden layer, or none, trained on fresh batches: what S24 and S27 simulate networks with."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from sims.objectives.infonce import symmetric_cross_entropy
from sims.synthetic.sampler import Bases, Batch, sample_batch
from sims.training.step import take_step
from theory.model import SpuriousModel

Encoder: TypeAlias = dict[str, Float[Array, "..."]]
EMBEDDING = 8  # width of the embedding
# Adam's learning rate falls from the first on as 1 / (1 + step / _DECAY).
_RATE, _DECAY = 0.03, 150


def initial_encoder(key: Key[Array, ""], inputs: int, hidden: int, outputs: int = EMBEDDING) -> Encoder:
    """Weights of an encoder with `hidden` units, or linear without any; entries of variance 1 / fan-in, biases 0."""
    first_key, last_key = jax.random.split(key)
    if not hidden:
        return {"last": jax.random.normal(last_key, (inputs, outputs)) / jnp.sqrt(inputs)}
    return {
        "first": jax.random.normal(first_key, (inputs, hidden)) / jnp.sqrt(inputs),
        "bias": jnp.zeros(hidden),
        "last": jax.random.normal(last_key, (hidden, outputs)) / jnp.sqrt(hidden),
    }


def initial_encoders(key: Key[Array, ""], model: SpuriousModel, hidden: tuple[int, int]) -> tuple[Encoder, Encoder]:
    """Those of images and of texts, with so many hidden units."""
    image_key, text_key = jax.random.split(key)
    return (
        initial_encoder(image_key, int(model.image_dim), hidden[0]),
        initial_encoder(text_key, int(model.text_dim), hidden[1]),
    )


def embed(encoder: Encoder, points: Float[Array, "size dim"]) -> Float[Array, "size outputs"]:
    """Embeddings of points; the hidden units are GELUs."""
    if "first" in encoder:
        points = jax.nn.gelu(points @ encoder["first"] + encoder["bias"][None, :])
    return points @ encoder["last"]


def infonce(encoders: tuple[Encoder, Encoder], batch: Batch) -> Float[Array, ""]:
    """CLIP's loss on plain inner products, of one batch."""
    return symmetric_cross_entropy(embed(encoders[0], batch.images), embed(encoders[1], batch.texts))


# What captions of words can say, as label and attribute, 0 for a background that is not named.
_SAID = np.array([[y, a] for y in (1.0, -1.0) for a in (0.0, 1.0, -1.0)])


def infonce_on_words(
    encoders: tuple[Encoder, Encoder], batch: Batch, text_basis: Float[Array, "text_dim 2"]
) -> Float[Array, ""]:
    """The same loss of captions of words that name the class: those that say the same are counted, not repeated.

    Args:
        encoders: of images and of texts.
        batch: its texts are D_T t exactly.
        text_basis: D_T.
    """
    said = jnp.asarray(_SAID, batch.texts.dtype)
    distance = jnp.sum(jnp.abs((batch.texts @ text_basis)[:, None, :] - said[None]), axis=2)
    own = jnp.where(distance < 0.5, 1.0, 0.0)
    counts, size = jnp.sum(own, axis=0), batch.images.shape[0]
    scores = embed(encoders[0], batch.images) @ embed(encoders[1], said @ text_basis.T).T
    # A caption that the batch lacks adds nothing to either sum.
    rows = jax.nn.logsumexp(scores, axis=1, b=counts[None, :])
    columns = jax.nn.logsumexp(scores, axis=0)
    return (jnp.sum(rows) + jnp.sum(counts * columns)) / (2.0 * size) - jnp.sum(own * scores) / size


def logistic(encoder: Encoder, batch: Batch) -> Float[Array, ""]:
    """The supervised cross-entropy of one batch, with one output as the margin of class +1."""
    return jnp.mean(jax.nn.softplus(-batch.labels * embed(encoder, batch.images)[:, 0]))


def train(
    loss: Callable[[Any, Batch], Float[Array, ""]],
    weights: Any,
    sample: Callable[[Key[Array, ""]], Batch],
    key: Key[Array, ""],
    steps: int,
) -> Any:
    """Weights after `steps` of Adam on fresh batches, averaged over the last half of them."""
    optimiser = optax.adam(lambda step: _RATE / (1.0 + step / _DECAY))
    half = steps // 2

    def step(index: Int[Array, ""] | int, carry: Any) -> Any:
        weights, state, total = carry
        batch = sample(jax.random.fold_in(key, index))
        weights, state = take_step(optimiser, lambda weights: loss(weights, batch), weights, state)
        keep = jnp.where(jnp.asarray(index) >= half, 1.0, 0.0)
        return weights, state, jax.tree.map(lambda sum_, now: sum_ + keep * now, total, weights)

    start = weights, optimiser.init(weights), jax.tree.map(jnp.zeros_like, weights)
    return jax.tree.map(lambda sum_: sum_ / (steps - half), jax.lax.fori_loop(0, steps, step, start)[2])


def rightly_decided(
    key: Key[Array, ""],
    model: SpuriousModel,
    bases: Bases,
    margins: Callable[[Float[Array, "size image_dim"]], Float[Array, " size"]],
    count: int,
) -> Float[Array, "2"]:
    """Shares of `count` fresh aligned and of as many conflicting images whose margin has the sign of the label."""
    ratios = jnp.where(jnp.arange(2 * count) < count, 1.0, 0.0)
    batch = sample_batch(key, model, bases, 2 * count, ratios)
    right = jnp.where(margins(batch.images) * batch.labels > 0, 1.0, 0.0)
    return jnp.mean(right.reshape(2, count), axis=1)


def zero_shot_margins(
    encoders: tuple[Encoder, Encoder], prompt: Float[Array, " text_dim"]
) -> Callable[[Float[Array, "size image_dim"]], Float[Array, " size"]]:
    """The difference of the scores of a prompt and its opposite, as a function of images."""
    ends = embed(encoders[1], jnp.stack([prompt, -prompt]))
    return lambda images: embed(encoders[0], images) @ (ends[0] - ends[1])
