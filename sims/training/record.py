"""What the host keeps of a training: recorded accuracies, and which learners have finished."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

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
        converged: whether the last doubling of the training changed no mean accuracy by more than `TOLERANCE`.
        last_change: largest change of a mean accuracy in the last doubling; None if there was none.
    """

    accuracies: np.ndarray
    trajectory_steps: np.ndarray
    trajectory: np.ndarray
    steps: int
    converged: bool
    last_change: float | None


class Stop(NamedTuple):
    """A step at which accuracies are recorded.

    Attributes:
        step: the step.
        phase_start: where its phase began.
        ends_phase: whether it is the phase's last.
    """

    step: int
    phase_start: int
    ends_phase: bool


def stops(steps: int) -> list[Stop]:
    """Where a training of that many steps is recorded, in rising order; evenly spaced on a logarithmic axis."""
    found, start = [], 0
    for end in phase_ends(steps):
        count = _POINTS_PER_DOUBLING if start else 2 * _POINTS_PER_DOUBLING
        spaced = sorted({round(step) for step in np.geomspace(max(start, 1), end, count + 1)} - {start})
        found += [Stop(step, start, step == end) for step in spaced]
        start = end
    return found


def phase_ends(steps: int) -> list[int]:
    """Ends of the phases: `steps` halved again and again, in rising order."""
    ends = [steps]
    while ends[0] // 2 >= _SHORTEST_PHASE:
        ends.insert(0, ends[0] // 2)
    return ends


class Record:
    """What has been recorded of each learner.

    Args:
        learners: their names.
        steps: most steps of the training.

    Attributes:
        points: the steps recorded so far.
        finished: results of the learners that have finished.
    """

    def __init__(self, learners: Sequence[str], steps: int):
        self.steps = steps
        self.points: list[int] = []
        self.finished: dict[str, Trained] = {}
        self._trajectory: dict[str, list[np.ndarray]] = {name: [] for name in learners}
        self._averages: dict[str, list[np.ndarray]] = {name: [] for name in learners}

    @property
    def training(self) -> list[str]:
        """The learners that have not finished."""
        return [name for name in self._trajectory if name not in self.finished]

    @property
    def status(self) -> str:
        """In words."""
        return f"{len(self.finished)} of {len(self._trajectory)} learners have converged"

    def add(self, step: int, accuracies: dict[str, np.ndarray]) -> None:
        """Record the accuracies (runs, prompts, groups) of every learner's weights at a step."""
        self.points.append(step)
        for name, values in accuracies.items():
            self._trajectory[name].append(np.asarray(values, float))

    def end_phase(self, name: str, step: int, accuracies: np.ndarray) -> bool:
        """Record the accuracies of a learner's average over a phase; whether its training is over with that."""
        self._averages[name].append(np.asarray(accuracies, float))
        return self._converged(name, step) or step == self.steps

    def finish(self, name: str, step: int, accuracies: np.ndarray) -> None:
        """Record a learner's result, whose accuracies on fresh data these are."""
        change = last_change(self._averages[name])
        trajectory = np.stack(self._trajectory[name])
        points, accuracies = np.array(self.points), np.asarray(accuracies, float)
        self.finished[name] = Trained(accuracies, points, trajectory, step, self._converged(name, step), change)

    def _converged(self, name: str, step: int) -> bool:
        change = last_change(self._averages[name])
        return 2 * step >= self.steps and change is not None and change <= TOLERANCE

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, every number exact."""
        kept = {"points": self.points, "trajectory": _to_lists(self._trajectory), "averages": _to_lists(self._averages)}
        return kept | {"finished": {name: _to_lists(vars(result)) for name, result in self.finished.items()}}

    @classmethod
    def from_json(cls, learners: Sequence[str], steps: int, content: dict[str, Any]) -> "Record":
        """The record that `to_json` gave."""
        record = cls(learners, steps)
        record.points = list(content["points"])
        for name in learners:
            record._trajectory[name] = [np.array(part) for part in content["trajectory"][name]]
            record._averages[name] = [np.array(part) for part in content["averages"][name]]
        for name, result in content["finished"].items():
            record.finished[name] = Trained(**{key: _array(value) for key, value in result.items()})
        return record


def last_change(averages: Sequence[np.ndarray]) -> float | None:
    """Largest change of a mean accuracy in the last doubling, from accuracies (runs, prompts, groups) of each phase."""
    if len(averages) < 2:
        return None
    before, after = (np.mean(accuracies, axis=0) for accuracies in averages[-2:])
    return float(np.max(np.abs(after - before)))


def _to_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_lists(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_to_lists(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value
