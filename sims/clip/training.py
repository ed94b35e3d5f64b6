"""Training a CLIP of `pretrained` on a set of images: contrastively with captions, or supervised with a linear head.

Images stay on the device as bytes; a batch is gathered and normalised within the compiled step.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, UInt8

from pretrained.clip import CLIP
from pretrained.preprocessing import Preprocessing
from pretrained.siglip import SigLIP
from pretrained.transformer import prepare
from sims.training.checkpoints import Checkpoints
from sims.training.loop import Loop, OnProgress, no_progress
from sims.training.step import all_finite, take_step
from workbench.compilation import jit
from workbench.errors import RunError

_PIECE = 256  # images at a time when they are only looked at
_LONG_TRAINING = 200  # steps from which on a training runs for longer than it compiles


class SupervisedCLIP(nnx.Module):
    """A CLIP's image tower with a linear head for the classes, which starts at 0.

    Args:
        model: whose image tower is used.
        classes: number of classes.
        width: of its embedding.
    """

    def __init__(self, model: CLIP, classes: int, width: int):
        self.model = model
        zeros = nnx.initializers.zeros
        self.head = nnx.Linear(width, classes, kernel_init=zeros, rngs=nnx.Rngs(0))

    def logits(self, images: Float[Array, "size side side 3"]) -> Float[Array, "size classes"]:
        """Logits of the classes."""
        return self.head(self.model.vision(images))


def supervised_loss(
    model: SupervisedCLIP, images: Float[Array, "size side side 3"], labels: Int[Array, " size"]
) -> Array:
    """Cross-entropy of the label."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(model.logits(images), labels))


def train_on(
    model: Any,
    loss: Callable[[Any, Array, Array], Array],
    images: UInt8[np.ndarray, "images side side 3"],
    targets: Int[np.ndarray, "images *rest"],
    preprocessing: Preprocessing,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    on_progress: OnProgress = no_progress,
    checkpoints: Checkpoints | None = None,
) -> Any:
    """Train a model with AdamW, the rate warmed up over a tenth of the steps and then down a cosine.

    Args:
        model: a `CLIP` or `SupervisedCLIP`.
        loss: (model, prepared images, targets) -> the loss of a batch.
        images: all of them, as bytes.
        targets: of each image: its caption's tokens, or its label.
        preprocessing: how images are normalised.
        steps: optimiser steps, at least 1.
        batch_size: images in a step; at most as many as there are.
        learning_rate: the highest.
        weight_decay: AdamW's, on every weight that is at least a matrix.
        seed: of the order in which images come, a new one each epoch.
        on_progress: called with the step reached.
        checkpoints: where to keep a long training, and to go on from.

    Returns:
        The trained model.

    Raises:
        RunError: its weights stopped being finite.
        KeyboardInterrupt: it was interrupted; what was done is kept in the checkpoints, if there are any.
    """
    graph, weights = nnx.split(model, nnx.Param)
    schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, max(1, steps // 10), max(2, steps))
    decayed = functools.partial(jax.tree.map, lambda leaf: leaf.ndim > 1)
    optimiser = optax.adamw(schedule, weight_decay=weight_decay, mask=decayed)
    # The steps reuse their memory, and the model given stays as it is.
    weights, state = jit(lambda weights: (jax.tree.map(jnp.copy, weights), optimiser.init(weights)), quick=True)(
        weights
    )
    data = jnp.asarray(images), jnp.asarray(targets)

    def step(weights: Any, state: Any, data: tuple[Array, Array], rows: Int[Array, " size"]) -> tuple[Any, Any]:
        def value(weights: Any) -> Array:
            merged = nnx.merge(graph, weights)
            return loss(merged, prepare(data[0][rows], preprocessing), data[1][rows])

        return take_step(optimiser, value, weights, state)

    compiled = jit(step, long=steps >= _LONG_TRAINING, donate_argnums=(0, 1))
    finite = jit(all_finite)
    with Loop(checkpoints, on_progress) as loop:
        kept = loop.restore((weights, state))
        if kept is not None:
            (weights, state), _ = kept
            loop.report_start()
        orders = itertools.islice(_orders(len(images), batch_size, seed), loop.step, None)

        def take_steps(begin: int, until: int) -> None:
            nonlocal weights, state
            for rows in itertools.islice(orders, until - begin):
                weights, state = compiled(weights, state, data, jnp.asarray(rows))
            if not bool(finite(weights)):
                raise RunError(f"training diverged by step {until}; a smaller `learning_rate` may help")

        loop.advance(steps, take_steps, lambda: ((weights, state), {}), lambda: loop.step == steps)
    return nnx.merge(graph, weights)


def _orders(number: int, batch_size: int, seed: int) -> Iterator[Int[np.ndarray, " size"]]:
    """Which images each step sees: all of them in every epoch, but for a rest that fills no batch."""
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(number).astype(np.int32)
        yield from (order[start : start + batch_size] for start in range(0, number - batch_size + 1, batch_size))


def zero_shot_answers(
    model: CLIP | SigLIP,
    images: UInt8[np.ndarray, "images side side 3"],
    prompts: Int[np.ndarray, "classes length"],
    preprocessing: Preprocessing,
) -> Int[np.ndarray, " images"]:
    """The class whose prompt is most similar to each image."""
    return _answers(model, _similarities, images, preprocessing, _of_prompts(*nnx.split(model), prompts))


def supervised_answers(
    model: SupervisedCLIP, images: UInt8[np.ndarray, "images side side 3"], preprocessing: Preprocessing
) -> Int[np.ndarray, " images"]:
    """The class with the highest logit for each image."""
    return _answers(model, _logits, images, preprocessing)


def _answers(
    model: Any, scores: Callable[..., Array], images: np.ndarray, preprocessing: Preprocessing, *known: Array
) -> np.ndarray:
    graph, weights = nnx.split(model)
    found = []
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE]
        padded = np.pad(piece, ((0, _PIECE - len(piece)), (0, 0), (0, 0), (0, 0)))  # one shape, one compilation
        found.append(np.asarray(_answer(scores, graph, preprocessing, weights, padded, *known))[: len(piece)])
    return np.concatenate(found) if found else np.zeros(0, np.int32)


# Compiled once for all models of the same sizes.
@functools.partial(jit, static_argnums=(0, 1, 2))
def _answer(
    scores: Callable[..., Array],
    graph: Any,
    preprocessing: Preprocessing,
    weights: Any,
    piece: UInt8[Array, "size side side 3"],
    *known: Array,
) -> Int[Array, " size"]:
    return jnp.argmax(scores(nnx.merge(graph, weights), prepare(piece, preprocessing), *known), axis=1)


@functools.partial(jit, static_argnums=0)
def _of_prompts(graph: Any, weights: Any, prompts: Int[Array, "classes length"]) -> Float[Array, "classes width"]:
    return nnx.merge(graph, weights).embed_texts(prompts)


def _similarities(model: Any, images: Array, texts: Float[Array, "classes width"]) -> Float[Array, "size classes"]:
    return model.embed_images(images) @ texts.T


def _logits(model: Any, images: Array) -> Float[Array, "size classes"]:
    return model.logits(images)
