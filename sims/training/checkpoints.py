"""Checkpoints of a long training, by Orbax: written beside and renamed, by all processes of a run."""

import contextlib
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import jax

from sims.training.config import CHECKPOINT_SECONDS
from workbench import hosts, results
from workbench.errors import InputError

_KEPT = 2  # the last, and one before it


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where; made with the first checkpoint.
        run: what the run is, JSON-ready; checkpoints of another one are refused.
        seconds: between checkpoints.

    Raises:
        InputError: a link stands in the folder's place.
    """

    def __init__(self, folder: Path, run: dict[str, Any], seconds: float = CHECKPOINT_SECONDS):
        self.folder = results.path_inside(folder.absolute().parent, folder.name)
        self.run, self.seconds = run, seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for the next one; the same in all processes."""
        return bool(hosts.broadcast(int(time.monotonic() - self._last >= self.seconds)))

    def save(self, step: int, arrays: Any, record: dict[str, Any]) -> None:
        """Keep what training is at a step.

        Args:
            step: the step.
            arrays: what is on the devices, a tree.
            record: what is on the host, JSON-ready.

        Raises:
            InputError: it cannot be written; the last one is as it was.
        """
        ocp = _orbax()
        try:
            host = ocp.args.JsonSave({"run": self.run, "record": record})
            with self._manager() as manager:
                manager.save(step, args=ocp.args.Composite(arrays=ocp.args.StandardSave(arrays), host=host))
        except Exception as error:  # of as many kinds as in `restore`
            raise self._error(error, "cannot be written") from error
        self._last = time.monotonic()

    def restore(self, like: Any) -> tuple[int, Any, dict[str, Any]] | None:
        """The last checkpoint: its step, arrays and record; None if there is none.

        Args:
            like: a tree of arrays of the same shapes, places and types.

        Raises:
            InputError: it is another run's, or cannot be read; it is left as it is.
        """
        if not self.folder.is_dir():
            return None
        ocp = _orbax()
        try:
            with self._manager() as manager:
                step = manager.latest_step()
                if step is None:
                    return None
                host = manager.restore(step, args=ocp.args.Composite(host=ocp.args.JsonRestore())).host
                differing = [key for key in self.run if host["run"].get(key) != self.run[key]]
                if differing:
                    raise InputError(
                        f"{self.folder} holds checkpoints of another run (different: {', '.join(differing)}); choose "
                        "another `out`, or delete them to start afresh"
                    )
                shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
                arrays = manager.restore(step, args=ocp.args.Composite(arrays=ocp.args.StandardRestore(shapes))).arrays
        except InputError:
            raise
        except Exception as error:  # Orbax and the libraries beneath it raise a dozen kinds on a truncated file
            raise self._error(error, "cannot be read; delete it to start afresh") from error
        return step, arrays, host["record"]

    def remove(self) -> None:
        """Delete them all, once the run's result is written."""
        if hosts.is_first():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _error(self, error: Exception, what: str) -> Exception:
        if hosts.is_lost_process(error):
            raise error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return InputError(f"`out`: {self.folder} {what} ({reason})")

    def _manager(self) -> contextlib.AbstractContextManager[Any]:
        ocp = _orbax()
        options = ocp.CheckpointManagerOptions(max_to_keep=_KEPT, enable_async_checkpointing=False)
        return ocp.CheckpointManager(self.folder, options=options)


def _orbax() -> Any:
    import orbax.checkpoint  # here, since only a long run needs it

    # What it has to say comes to us as an exception, and to the user in one line.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    return orbax.checkpoint
