"""Training every learner on the same coloured digits, all runs at once, and asking each of every digit on every colour.

Images stay on the device as grey digits. Each epoch goes through a run's training set in an order of its own; all
random numbers come from the seed, the run and the step, so that a training that was stopped ends with the same bits.
"""

import functools
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.digits import Digits
from sims.colored_digits.steps import State, Steps
from sims.training.checkpoints import Checkpoints
from sims.training.loop import Loop, OnProgress, no_progress
from workbench.errors import RunError


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
    program = Steps(config, digits)
    images, labels = jnp.asarray(digits.train.images), jnp.asarray(digits.train.labels)
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(config.seed)))(jnp.arange(config.seeds))
    states, sample = program.split_runs(program.initial, shared=1)(keys, labels)
    with Loop(checkpoints, on_progress) as loop:
        kept = loop.restore(states)
        if kept is not None:
            states, _ = kept
        zero = jnp.zeros((), jnp.int32)
        split = program.split_runs(program.segment, shared=3, donate_argnums=0)
        segment = split.lower(states, keys, sample, images, zero, zero).compile()
        compiled = time.perf_counter()
        loop.report_start()

        def take_steps(begin: int, until: int) -> None:
            nonlocal states
            states = segment(states, keys, sample, images, jnp.int32(begin), jnp.int32(until))
            _check_finite(states, config)

        loop.advance(config.steps, take_steps, lambda: (states, {}), lambda: loop.step == config.steps)
    on_progress(config.steps, "testing")
    answer = program.split_runs(program.answers, shared=1)
    answers = jax.device_get(answer(states, jnp.asarray(digits.test.images)))
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
