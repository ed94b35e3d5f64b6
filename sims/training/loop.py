"""The loop that every training goes through: pieces of two seconds, and between them a look at the world.

Nothing that is trained may depend on where the pieces are cut: every random number comes from the seed and the step's
number. So a training that goes on from a checkpoint gives the same bits as one that was never stopped.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sims.training.checkpoints import Checkpoints
from workbench import hosts
from workbench.interruption import Interruption

_SECONDS_A_PIECE = 2.0  # between two looks at the progress bar and the clock

OnProgress = Callable[[int, str], None]


def no_progress(step: int, status: str) -> None:
    """Show nothing."""


class Loop:
    """A training cut into pieces; a context manager, within which Ctrl-C and termination end it after a piece.

    Args:
        checkpoints: where to keep a long training, and to go on from; without them an interruption loses it.
        on_progress: called with the step reached and a word on how it goes.

    Attributes:
        step: the step reached.
    """

    def __init__(self, checkpoints: Checkpoints | None = None, on_progress: OnProgress = no_progress):
        self.checkpoints, self.on_progress = checkpoints, on_progress
        self.step = 0
        self._piece = 1  # steps that take about `_SECONDS_A_PIECE`
        self._interruption = Interruption()

    def __enter__(self) -> "Loop":
        self._interruption.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interruption.__exit__(kind, error, trace)

    def restore(self, like: Any) -> tuple[Any, dict[str, Any]] | None:
        """The arrays and the record of the last checkpoint, from whose step the training goes on; None if none is kept.

        Args:
            like: a tree of arrays of the same shapes, places and types.

        Raises:
            InputError: the checkpoint is another run's, or cannot be read.
        """
        kept = self.checkpoints.restore(like) if self.checkpoints else None
        if kept is None:
            return None
        self.step, arrays, record = kept
        return arrays, record

    def report_start(self) -> None:
        """Say from where the training goes on, once everything is compiled."""
        self.on_progress(self.step, f"going on from step {self.step}" if self.step else "")

    def advance(
        self,
        stop: int,
        take_steps: Callable[[int, int], None],
        to_keep: Callable[[], tuple[Any, dict[str, Any]]],
        finished: Callable[[], bool],
        status: Callable[[], str] = lambda: "",
    ) -> None:
        """Train up to a step, or until the training is finished.

        Args:
            stop: the step.
            take_steps: takes the steps from its first argument (exclusive) to its second, and waits for them.
            to_keep: arrays and record that a checkpoint holds.
            finished: whether nothing is left to do, so that nothing need be kept either.
            status: a word on how it goes.

        Raises:
            KeyboardInterrupt: it was interrupted; what was done is kept in the checkpoints, if there are any.
        """
        while self.step < stop:
            until = min(stop, self.step + hosts.broadcast(self._piece))
            began = time.perf_counter()
            take_steps(self.step, until)
            wished = int((until - self.step) * _SECONDS_A_PIECE / (time.perf_counter() - began))
            # Short pieces are mostly overhead, so that one says little of how long a longer one takes.
            self._piece = max(1, min(wished, 2 * self._piece))
            self.step = until
            self.on_progress(until, status())
            wanted = bool(hosts.broadcast(int(self._interruption.wanted)))
            if finished():
                return
            if self.checkpoints and (wanted or self.checkpoints.due()):
                self.checkpoints.save(until, *to_keep())
            if wanted:
                kept = f"; the same command goes on from step {until}" if self.checkpoints else ""
                raise KeyboardInterrupt(f"interrupted{kept}")
