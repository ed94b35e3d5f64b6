"""Photos decoded in worker processes, in order, a bounded number ahead of the model."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.errors import RunError

# Batches that are decoded while one is looked at; with it, memory does not grow with the number of photos.
_AHEAD = 2
# Photos of one message to a worker: fewer messages, and short enough a wait for the first batch.
_CHUNK = 4


class Unreadable(str):
    """Why a photo cannot be read."""


class Decoders:
    """Worker processes that read photos.

    Args:
        read: a photo's file to what the model takes; picklable.
        workers: how many processes; with 0 photos are read in this one, one after the other.
    """

    def __init__(self, read: Callable[[Path], Any], workers: int):
        self.read = read
        # Started afresh, since a copy of this process would share JAX's threads and locks.
        context = get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, initializer=_prepare_worker) if workers else None

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def batches(self, paths: Sequence[Path], size: int) -> Iterator[list[Any]]:
        """What each photo is read as, or `Unreadable`, in the order of the paths, so many at a time.

        Raises:
            RunError: a worker was ended from outside.
        """
        starts = range(0, len(paths), size)
        if self.pool is None:
            for start in starts:
                yield _read_all(self.read, paths[start : start + size])
            return
        try:
            waiting: deque[list[Future[list[Any]]]] = deque()
            for start in starts:
                waiting.append(self._submit(paths[start : start + size]))
                if len(waiting) > _AHEAD:
                    yield _joined(waiting.popleft())
            while waiting:
                yield _joined(waiting.popleft())
        except BrokenProcessPool as error:
            raise RunError(
                "a process that decodes photos was ended from outside, perhaps for want of memory; the same command "
                "goes on from there, and --workers 1 takes less"
            ) from error

    def _submit(self, paths: Sequence[Path]) -> list[Future[list[Any]]]:
        assert self.pool is not None
        chunks = (paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK))
        return [self.pool.submit(_read_all, self.read, chunk) for chunk in chunks]


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _joined(tasks: Sequence[Future[list[Any]]]) -> list[Any]:
    return [photo for task in tasks for photo in task.result()]


def _read_all(read: Callable[[Path], Any], paths: Sequence[Path]) -> list[Any]:
    return [_read(read, path) for path in paths]


def _read(read: Callable[[Path], Any], path: Path) -> Any:
    try:
        return read(path)
    except Exception as error:  # Pillow raises a dozen kinds on a damaged file
        text = str(error).replace(str(path), path.name)
        return Unreadable(text or type(error).__name__)


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
