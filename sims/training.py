"""Training several objectives on the same data, many runs at once, until they have converged.

Each run has its own bases, data and initial weights. At every step all objectives take a step on the same batch, so
that learners are compared on the same images. Adam's learning rate falls as 1 / (1 + step / `DECAY_STEPS`), and
what is evaluated is the average of the weights over the last doubling of the training (Polyak averaging), which
removes most of the noise that single steps leave.

Convergence. Phases end at `steps`, a half of it, a quarter, and so on. A learner has converged at the end of a phase,
not before half of `steps`, when this last doubling of its training changed no accuracy (of any group, with any
prompt, averaged over the runs) by more than `TOLERANCE`. Its result is taken there, whatever other learners are
trained beside it; training ends when all have converged, or at `steps`.
"""

import dataclasses
import time
from collections.abc import Callable

import jax
import numpy as np

from sims.config import ContrastiveConfig
from sims.runs import prepare_runs
from sims.steps import Steps
from workbench.compilation import jit
from workbench.errors import RunError

TOLERANCE = 0.01  # in accuracy: one point
_SHORTEST_PHASE = 20  # steps
_POINTS_PER_DOUBLING = 3  # of the recorded trajectory


@dataclasses.dataclass(frozen=True)
class Trained:
    """What training one objective gave.

    Attributes:
        accuracies: on fresh data, shape (runs, prompts, groups); one "prompt" for a supervised learner.
        trajectory_steps: steps at which the accuracies were recorded, shape (points,).
        trajectory: accuracies of the weights at those steps, shape (points, runs, prompts, groups).
        steps: how many steps were taken.
        converged: by the rule above.
        last_change: largest change of a mean accuracy in the last doubling; None if there was none.
    """

    accuracies: np.ndarray
    trajectory_steps: np.ndarray
    trajectory: np.ndarray
    steps: int
    converged: bool
    last_change: float | None


@dataclasses.dataclass(frozen=True)
class Training:
    """All learners, and the seconds that it took.

    Attributes:
        learners: name to result.
        seconds: `compile` and `train`.
    """

    learners: dict[str, Trained]
    seconds: dict[str, float]


def phase_ends(steps: int) -> list[int]:
    """Ends of the phases: `steps` halved again and again, in rising order."""
    ends = [steps]
    while ends[0] // 2 >= _SHORTEST_PHASE:
        ends.insert(0, ends[0] // 2)
    return ends


def train(config: ContrastiveConfig, on_progress: Callable[[int, str], None] = lambda step, status: None) -> Training:
    """Train all learners of a configuration and evaluate them on fresh data.

    Args:
        config: what to train, and how.
        on_progress: called with the step reached and a word on how it goes.

    Raises:
        RunError: weights stopped being finite; the message names the objective, the steps and the run.
    """
    started = time.perf_counter()
    on_progress(0, "compiling")
    program = Steps(config)
    runs = prepare_runs(config)
    states, order = program.initial(runs)
    zero = np.int32(0)
    segment = jit(program.segment, donate_argnums=(0, 1))
    segment = segment.lower(states, order, runs, zero, zero, zero).compile()
    compiled = time.perf_counter()

    points: list[int] = []
    trajectory: dict[str, list[np.ndarray]] = {name: [] for name in config.learners}
    averages: dict[str, list[np.ndarray]] = {name: [] for name in config.learners}
    finished: dict[str, Trained] = {}
    start = 0
    for end in phase_ends(config.steps):
        for stop in _recorded_steps(start, end):
            begin = points[-1] if points else 0
            states, order, checks = segment(states, order, runs, np.int32(begin), np.int32(stop), np.int32(start))
            points.append(stop)
            for name, checked in checks.items():
                _check_finite(name, np.asarray(checked.finite), begin, stop)
                trajectory[name].append(np.asarray(checked.now))
            on_progress(stop, f"{len(finished)} of {len(trajectory)} learners have converged")
        for name in [name for name in config.learners if name not in finished]:
            averages[name].append(np.asarray(checks[name].averaged))
            changes = _changes(averages[name])
            converged = 2 * end >= config.steps and bool(changes) and changes[-1] <= TOLERANCE
            if converged or end == config.steps:
                average = jax.tree.map(lambda total, length=end - start: total / length, states[name].total)
                finished[name] = Trained(
                    accuracies=np.asarray(jit(program.evaluate, static_argnums=0)(name, average, runs, runs.test)),
                    trajectory_steps=np.array(points),
                    trajectory=np.stack(trajectory[name]),
                    steps=end,
                    converged=converged,
                    last_change=changes[-1] if changes else None,
                )
        if len(finished) == len(trajectory):
            break
        start = end
    on_progress(config.steps, "done")
    learners = {name: finished[name] for name in config.learners}
    return Training(learners, {"compile": compiled - started, "train": time.perf_counter() - compiled})


def _recorded_steps(start: int, end: int) -> list[int]:
    """Steps in (start, end] at which the trajectory is recorded, evenly spaced on a logarithmic axis."""
    count = _POINTS_PER_DOUBLING if start else 2 * _POINTS_PER_DOUBLING
    return sorted({round(step) for step in np.geomspace(max(start, 1), end, count + 1)} - {start})


def _changes(averages: list[np.ndarray]) -> list[float]:
    """Largest change of a mean accuracy in each doubling, from accuracies of shape (runs, prompts, groups)."""
    means = np.stack([np.mean(accuracies, axis=0) for accuracies in averages])
    return [float(change) for change in np.max(np.abs(np.diff(means, axis=0)), axis=(1, 2))]


def _check_finite(name: str, finite: np.ndarray, begin: int, stop: int) -> None:
    if not finite.all():
        raise RunError(
            f"{name} diverged between steps {begin} and {stop} in run {int(np.argmin(finite))}: its weights are no "
            "longer finite numbers; a smaller --learning-rate may help"
        )
