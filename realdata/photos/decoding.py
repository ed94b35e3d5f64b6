"""Decode photos in worker processes, in order, a bounded number ahead of the model."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.errors import RunError
from workbench.interruption import follow_parent

# Batches that are decoded while the model works on one. The bound keeps memory independent of the number of photos.
_AHEAD = 2
# Photos in one message to a worker: more would save messages, but delay the first batch.
_CHUNK = 4


class Unreadable(str):
    """Why a photo cannot be read."""


class Decoders:
    """Worker processes that read photos.

    Args:
        read: turns a photo's file into the model's input; picklable.
        workers: number of processes; with 0, this process reads the photos.
    """

    def __init__(self, read: Callable[[Path], Any], workers: int):
        self.read = read
        # "spawn", since a fork of this process would copy JAX's threads and locks.
        context = get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, initializer=follow_parent) if workers else None

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def batches(self, paths: Sequence[Path], size: int) -> Iterator[list[Any]]:
        """Read photos in batches of a size, in the order of the paths; `Unreadable` in place of those that fail.

        Raises:
            RunError: a worker was killed.
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
                    yield _collect(waiting.popleft())
            while waiting:
                yield _collect(waiting.popleft())
        except BrokenProcessPool as error:
            raise RunError(
                "a process that decodes photos was killed, perhaps for lack of memory; the same command continues from "
                "there, and --workers 1 needs less"
            ) from error

    def _submit(self, paths: Sequence[Path]) -> list[Future[list[Any]]]:
        assert self.pool is not None
        chunks = (paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK))
        return [self.pool.submit(_read_all, self.read, chunk) for chunk in chunks]


def processor_count() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _collect(tasks: Sequence[Future[list[Any]]]) -> list[Any]:
    return [photo for task in tasks for photo in task.result()]


def _read_all(read: Callable[[Path], Any], paths: Sequence[Path]) -> list[Any]:
    return [_read(read, path) for path in paths]


def _read(read: Callable[[Path], Any], path: Path) -> Any:
    try:
        return read(path)
    except Exception as error:  # Pillow raises a dozen kinds on a damaged file
        text = str(error).replace(str(path), path.name)
        return Unreadable(text or type(error).__name__)
