"""Training every learner on the same coloured digits, all runs at once, and asking each of every digit on every colour.

Images stay on the device as grey digits. Which digit, label and colour a batch shows is drawn there, and it is painted
within the step, once for all learners. Each epoch goes through a run's training set in an order of its own; all random
numbers come from the seed, the run and the step, so that a training that was stopped ends with the same bits.
"""

import dataclasses
import functools
import inspect
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, Key

from sims.colored_digits.config import SAMPLES_A_CLASS, DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.digits import SCIKIT_LEARN, Digits
from sims.colored_digits.learners import LEARNERS, Painted
from sims.colored_digits.painting import Sample, captions, draw_sample, paint, palette, prompts, shift
from sims.encoders import Architecture
from sims.encoders.encoder import default_dtype
from sims.training.checkpoints import Checkpoints
from sims.training.devices import RUNS
from sims.training.loop import Loop, OnProgress, no_progress
from sims.training.step import DigitsRole, first_divergence, take_step
from workbench.compilation import jit
from workbench.errors import ParameterError, RunError

_PIECE = 1024  # test images at a time
_LONG_TRAINING = 1000  # steps, of all runs together, from which on a training runs for longer than it compiles


class State(NamedTuple):
    """One learner's weights in all runs, on their way."""

    weights: Any
    optimiser: Any
    diverged: Int[Array, " runs"]  # the step at which a weight stopped being finite; 0 if none did


class Steps:
    """The compiled parts of a training; what is drawn before it, by the design, the captions and the seed, is none.

    Args:
        config: what to train.
        height, width: of a digit's image.
        samples: size of each run's training set.

    Raises:
        ParameterError: images that the image encoder cannot read.
    """

    def __init__(self, config: DigitsConfig, height: int, width: int, samples: int):
        self.config, self.samples = config, samples
        self.classes = config.design.classes
        self.architecture = Architecture(
            height * width * 3,
            2 * self.classes + 1,
            config.embed_dim,
            config.image_encoder,
            config.text_encoder,
            shape=(height, width, 3),
        )
        self.learners = {name: LEARNERS[name] for name in LEARNERS if name in config.objective}
        self.graphs = {
            name: nnx.graphdef(nnx.eval_shape(functools.partial(self.create, name, 0))) for name in self.learners
        }
        self.optimiser = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps))
        self.palette = jnp.asarray(palette(self.classes))

    def split_runs(self, function: Callable[..., Any], shared: int, **options: Any) -> Any:
        """The function, jitted, its runs split over as many devices as share them evenly.

        Args:
            function: whose arguments and results have a leading axis for the runs.
            shared: how many of its last arguments do not, and are the same for all.
            options: of `jit`.
        """
        devices = jax.devices()[: math.gcd(self.config.seeds, jax.device_count())]
        mesh, runs = Mesh(np.array(devices), (RUNS,)), PartitionSpec(RUNS)
        split = len(inspect.signature(function).parameters) - shared
        places = (runs,) * split + (PartitionSpec(),) * shared
        return jit(jax.shard_map(function, mesh=mesh, in_specs=places, out_specs=runs, check_vma=False), **options)

    def create(self, name: str, key: Key[Array, ""] | int) -> nnx.Module:
        """A learner's model with initial weights."""
        return self.learners[name].create(self.architecture, self.classes, nnx.Rngs(key))

    def initial(
        self, config: DigitsConfig, keys: Key[Array, " runs"], labels: Int[Array, " images"]
    ) -> tuple[dict[str, State], Sample]:
        """Initial states of all learners and the training sets, each with a leading axis for the runs."""

        def initial(name: str, key: Key[Array, ""]) -> State:
            weights = nnx.state(self.create(name, jax.random.fold_in(key, DigitsRole.WEIGHTS)), nnx.Param)
            return State(weights, self.optimiser.init(weights), jnp.zeros((), jnp.int32))

        mentions = config.mention_inv, config.mention_spu
        states = {name: jax.vmap(functools.partial(initial, name))(keys) for name in self.learners}
        draw = functools.partial(draw_sample, design=config.design, digits=labels, size=self.samples, mentions=mentions)
        return states, jax.vmap(lambda key: draw(jax.random.fold_in(key, DigitsRole.DATA)))(keys)

    @functools.cached_property
    def compiled_segment(self) -> Any:
        """`segment`, jitted; it reuses the memory of the states."""
        long = self.config.steps * self.config.seeds >= _LONG_TRAINING
        return self.split_runs(self.segment, shared=3, long=long, donate_argnums=0)

    @functools.cached_property
    def compiled_answers(self) -> Any:
        """`answers`, jitted."""
        return self.split_runs(self.answers, shared=1)

    def segment(
        self,
        states: dict[str, State],
        keys: Key[Array, " runs"],
        sample: Sample,
        images: Float[Array, "images height width"],
        begin: Int[Array, ""],
        stop: Int[Array, ""],
    ) -> dict[str, State]:
        """Steps `begin` (exclusive) to `stop` of all runs."""
        batches = self.samples // self.config.batch_size

        def orders(epoch: Int[Array, ""]) -> Int[Array, "runs samples"]:
            def order(key: Key[Array, ""]) -> Int[Array, " samples"]:
                key = jax.random.fold_in(jax.random.fold_in(key, DigitsRole.ORDER), epoch)
                return jax.random.permutation(key, self.samples)

            return jax.vmap(order)(keys)

        def one_step(index: Int[Array, ""], carry: Any) -> Any:
            states, order = carry
            order = jax.lax.cond(index % batches == 0, lambda: orders(index // batches), lambda: order)
            start = index % batches * self.config.batch_size
            rows = jax.lax.dynamic_slice_in_dim(order, start, self.config.batch_size, axis=1)
            step = functools.partial(self.step, images, index)
            return jax.vmap(step)(states, keys, sample, rows), order

        return jax.lax.fori_loop(begin, stop, one_step, (states, orders(begin // batches)))[0]

    def step(
        self,
        images: Float[Array, "images height width"],
        index: Int[Array, ""],
        states: dict[str, State],
        key: Key[Array, ""],
        sample: Sample,
        rows: Int[Array, " size"],
    ) -> dict[str, State]:
        """One optimiser step of one run, all learners on the same images."""
        shown, labels, colours, mentions = (column[rows] for column in sample)
        key = jax.random.fold_in(jax.random.fold_in(key, DigitsRole.SHIFT), index)
        ink = shift(key, images[shown], self.config.shift)
        texts = captions(labels, colours, mentions, self.classes)
        batch = Painted(paint(ink, self.palette[colours]), texts, labels, colours)
        updated = {}
        for name, state in states.items():
            loss = functools.partial(self.loss, name, batch=batch)
            weights, optimiser = take_step(self.optimiser, loss, state.weights, state.optimiser)
            updated[name] = State(weights, optimiser, first_divergence(state.diverged, weights, index))
        return updated

    def loss(self, name: str, weights: Any, batch: Painted) -> Float[Array, ""]:
        """A learner's loss as a function of its weights."""
        return self.learners[name].loss(nnx.merge(self.graphs[name], weights), batch)

    def answers(
        self, states: dict[str, State], images: Float[Array, "images height width"]
    ) -> dict[str, Int[Array, "runs images colours"]]:
        """The class that each learner gives to every digit on every colour."""
        words = prompts(self.classes)

        def answer(name: str, weights: Any) -> Int[Array, "images colours"]:
            model: Any = nnx.merge(self.graphs[name], weights)

            def on_every_colour(digit: Float[Array, "height width"]) -> Int[Array, " colours"]:
                painted = paint(jnp.broadcast_to(digit, (self.classes, *digit.shape)), self.palette)
                return jnp.argmax(model.class_scores(painted, words), axis=1)

            return jax.lax.map(on_every_colour, images, batch_size=max(1, _PIECE // self.classes))

        return {name: jax.vmap(functools.partial(answer, name))(state.weights) for name, state in states.items()}


def _steps_of(config: DigitsConfig, digits: Digits) -> Steps:
    """`Steps`, and those of an earlier training that differs in nothing that is compiled, as rows of Table 8 do not."""
    classes = config.design.classes
    every_digit = len(digits.train.labels)
    standard = SAMPLES_A_CLASS * classes if digits.source == SCIKIT_LEARN else every_digit
    samples = config.samples or standard
    if config.batch_size > samples:
        raise ParameterError("batch_size", f"at most the {samples} images there are", config.batch_size)
    alike = dataclasses.replace(config, design=Design(classes), mention_inv=1.0, mention_spu=1.0, seed=0)
    return _kept(alike, *digits.train.images.shape[1:], samples, default_dtype())


@functools.lru_cache(maxsize=4)
def _kept(config: DigitsConfig, height: int, width: int, samples: int, precision: jnp.dtype) -> Steps:
    return Steps(config, height, width, samples)


class Trained(NamedTuple):
    """What is left of a training.

    Attributes:
        weights: learner to weights, a leading axis for the runs.
        answers: learner to the class that it gives to every test digit on every colour, shape (seeds, images, colours).
        seconds: `compile` and `train`.
    """

    weights: dict[str, Any]
    answers: dict[str, np.ndarray]
    seconds: dict[str, float]


def train(
    config: DigitsConfig,
    digits: Digits,
    on_progress: OnProgress = no_progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train all learners of a configuration.

    Args:
        config: what to train, and how.
        digits: the digits to paint.
        on_progress: called with the step reached and a word on how it goes.
        checkpoints: where to keep a long training, and to go on from.

    Raises:
        ParameterError: images that the image encoder cannot read, or fewer images than a batch.
        RunError: weights stopped being finite.
        KeyboardInterrupt: it was interrupted; what was done is kept in the checkpoints, if there are any.
    """
    began = time.perf_counter()
    on_progress(0, "compiling")
    program = _steps_of(config, digits)
    images, labels = jnp.asarray(digits.train.images), jnp.asarray(digits.train.labels)
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(config.seed)))(jnp.arange(config.seeds))
    states, sample = program.split_runs(functools.partial(program.initial, config), shared=1)(keys, labels)
    with Loop(checkpoints, on_progress) as loop:
        kept = loop.restore(states)
        if kept is not None:
            states, _ = kept
        zero = jnp.zeros((), jnp.int32)
        segment = program.compiled_segment.lower(states, keys, sample, images, zero, zero).compile()
        compiled = time.perf_counter()
        loop.report_start()

        def take_steps(begin: int, until: int) -> None:
            nonlocal states
            states = segment(states, keys, sample, images, jnp.int32(begin), jnp.int32(until))
            _check_finite(states, config)

        loop.advance(config.steps, take_steps, lambda: (states, {}), lambda: loop.step == config.steps)
    on_progress(config.steps, "testing")
    answers = jax.device_get(program.compiled_answers(states, jnp.asarray(digits.test.images)))
    seconds = {"compile": compiled - began, "train": time.perf_counter() - compiled}
    return Trained({name: state.weights for name, state in states.items()}, answers, seconds)


def _check_finite(states: dict[str, State], config: DigitsConfig) -> None:
    for name, state in states.items():
        diverged = np.asarray(state.diverged)
        if diverged.any():
            run = int(np.argmax(diverged > 0))
            raise RunError(
                f"{name} diverged at step {diverged[run]} in run {run} of {config.seeds}; a `learning_rate` smaller "
                f"than {config.learning_rate:g} may help"
            )
