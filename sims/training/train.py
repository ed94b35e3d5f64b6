"""Training several objectives on the same data, many runs at once, until they have converged.

Each run has its own bases, data and initial weights. At every step all objectives take a step on the same batch, so
that learners are compared on the same images. Adam's learning rate falls as 1 / (1 + step / `DECAY_STEPS`), and
what is evaluated is the average of the weights over the last doubling of the training (Polyak averaging), which
removes most of the noise that single steps leave.

Convergence. Phases end at `steps`, a half of it, a quarter, and so on. A learner has converged at the end of a phase,
not before half of `steps`, when this last doubling of its training changed no accuracy (of any group, with any
prompt, averaged over the runs) by more than `record.TOLERANCE`. Its result is taken there, whatever other learners are
trained beside it; training ends when all have converged, or at `steps`.
"""

import dataclasses
import time
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from sims.training.checkpoints import Checkpoints
from sims.training.config import ContrastiveConfig
from sims.training.devices import on_every_device, training_mesh, using
from sims.training.loop import Loop, OnProgress, no_progress
from sims.training.record import Record, Stop, Trained, stops
from sims.training.runs import Runs
from sims.training.steps import States, steps_of
from workbench.errors import RunError


@dataclasses.dataclass(frozen=True)
class Training:
    """All learners, and the seconds that it took.

    Attributes:
        learners: name to result.
        seconds: `compile` and `train`.
    """

    learners: dict[str, Trained]
    seconds: dict[str, float]


def train(
    config: ContrastiveConfig,
    on_progress: OnProgress = no_progress,
    checkpoints: Checkpoints | None = None,
) -> Training:
    """Train all learners of a configuration and evaluate them on fresh data.

    Args:
        config: what to train, and how.
        on_progress: called with the step reached and a word on how it goes.
        checkpoints: where to keep a long training, and to go on from.

    Raises:
        RunError: weights stopped being finite; the message names the objective, the step and the run.
        KeyboardInterrupt: it was interrupted; what was done is kept in the checkpoints, if there are any.
    """
    started = time.perf_counter()
    on_progress(0, "compiling")
    mesh = training_mesh(config)
    with using(mesh), Loop(checkpoints, on_progress) as loop:
        training = _MainJob(config, mesh, loop)
        compiled = time.perf_counter()
        loop.report_start()
        for stop in stops(config.steps):
            if stop.step > loop.step and training.record.training:
                training.advance(stop)
    on_progress(config.steps, "done")
    learners = {name: training.record.finished[name] for name in config.learners}
    return Training(learners, {"compile": compiled - started, "train": time.perf_counter() - compiled})


class _MainJob:
    """A training on its way: the compiled program, what is on the devices, and what has been recorded."""

    def __init__(self, config: ContrastiveConfig, mesh: Mesh | None, loop: Loop):
        self.config, self.mesh, self.loop = config, mesh, loop
        self.program = steps_of(config, self.mesh)
        self.runs: Runs = self.program.draw(config.seed)
        self.states: States
        self.states, self.order = self.program.initial(self.runs)
        self.record = Record(tuple(config.learners), config.steps)
        kept = loop.restore((self.states, self.order))
        if kept is not None:
            (self.states, self.order), record = kept
            self.record = Record.from_json(tuple(config.learners), config.steps, record)
        zero = on_every_device(self.mesh, 0)
        lowered = self.program.compiled_segment.lower(self.states, self.order, self.runs, zero, zero, zero)
        self._segment = lowered.compile()

    def advance(self, stop: Stop) -> None:
        """Train to the stop and record what is found there."""
        self.loop.advance(
            stop.step,
            lambda begin, until: self._take_steps(begin, until, stop),
            lambda: ((self.states, self.order), self.record.to_json()),
            lambda: not self.record.training,
            lambda: self.record.status,
        )

    def _take_steps(self, begin: int, until: int, stop: Stop) -> None:
        # Whatever crosses between host and devices does so in these lines.
        numbers = [on_every_device(self.mesh, number) for number in (begin, until, stop.phase_start)]
        with jax.transfer_guard("disallow"):
            found = self._segment(self.states, self.order, self.runs, *numbers)
        self.states, self.order, checks = found
        checks = jax.device_get(checks)
        for name, checked in checks.items():
            _check_finite(name, checked.diverged, self.config)
        if until == stop.step:
            self._note(stop, checks)

    def _note(self, stop: Stop, checks: Any) -> None:
        training = self.record.training
        self.record.add(stop.step, {name: checked.now for name, checked in checks.items()})
        if not stop.ends_phase:
            return
        over = [name for name in training if self.record.end_phase(name, stop.step, checks[name].averaged)]
        if over:
            length = stop.step - stop.phase_start
            totals = {name: self.states[name].total for name in over}
            for name, accuracies in self.program.compiled_result(totals, length, self.runs).items():
                self.record.finish(name, stop.step, np.asarray(accuracies))


def _check_finite(name: str, diverged: np.ndarray, config: ContrastiveConfig) -> None:
    if diverged.any():
        run = int(np.argmax(diverged > 0))
        raise RunError(
            f"{name} diverged at step {diverged[run]} in run {run} of {config.seeds}: its loss or its weights are not "
            f"finite; a `learning_rate` smaller than {config.learning_rate:g} may help"
        )
