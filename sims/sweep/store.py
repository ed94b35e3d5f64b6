"""Where a sweep keeps what is done: a manifest, a file for each finished chunk, and the whole when all is there."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sims.sweep.grid import Layout
from workbench import hosts, results
from workbench.errors import InputError

MANIFEST = "sweep.json"


class Outcome(NamedTuple):
    """What runs gave.

    Attributes:
        accuracies: shape (..., prompts, groups); NaN for a run that diverged.
        diverged: the step at which a run's weights stopped being finite, shape (...); 0 if they did not.
    """

    accuracies: np.ndarray
    diverged: np.ndarray


class Store:
    """The folder of one sweep.

    Args:
        folder: where; made if it is not there.
        manifest: what the sweep is, JSON-ready. A folder of another sweep is refused; one of the same sweep keeps the
            layout that it was begun with.

    Attributes:
        layout: of the sweep that the folder holds.

    Raises:
        InputError: the folder holds another sweep, or something that is no sweep's manifest.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]):
        self.folder, self.chunks = folder, results.inside(folder, "chunks")
        path = folder / MANIFEST
        wanted = results.plain(manifest)
        while not (hosts.is_first() or path.exists()):
            time.sleep(0.1)
        if path.exists():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                self.layout = Layout(**{name: int(value) for name, value in found["layout"].items()})
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(f"{path} is no sweep's manifest ({error}); choose another `out`") from error
            differing = [key for key in wanted if key != "layout" and found.get(key) != wanted[key]]
            if differing or found.keys() != wanted.keys():
                different = ", ".join(differing) or "its keys"
                raise InputError(f"{folder} holds another sweep (different: {different}); choose another `out`")
        else:
            results.write_files(folder, {MANIFEST: results.to_json(manifest)})
            self.layout = Layout(**manifest["layout"])

    def path(self, index: int) -> Path:
        """The file of a chunk."""
        return self.chunks / f"{index:06d}.npz"

    def read(self, index: int, shape: tuple[int, ...], ends: tuple[int, ...]) -> Outcome | None:
        """What a finished chunk holds, or None if it is not there.

        Args:
            index: the chunk's number.
            shape: of its runs.
            ends: lengths of the accuracies' further axes.

        Raises:
            InputError: the file is truncated or is not of this sweep; it is left as it is.
        """
        path = self.path(index)
        if not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                outcome = Outcome(archive["accuracies"], archive["diverged"])
        except Exception as error:  # NumPy and zipfile raise a dozen kinds on a truncated file
            raise InputError(f"{path} is truncated or no chunk of a sweep; delete it to run it again") from error
        if outcome.diverged.shape != shape or outcome.accuracies.shape != shape + ends:
            raise InputError(f"{path} holds {outcome.diverged.shape} runs, not {shape}; delete it to run it again")
        return outcome

    def write(self, index: int, outcome: Outcome) -> None:
        """Keep a finished chunk: written beside, then renamed."""
        results.write_files(self.chunks, {self.path(index).name: results.to_npz(outcome._asdict())})

    def assemble(self, arrays: dict[str, np.ndarray], table: str) -> None:
        """Write the whole: `sweep.npz` from its arrays, and `sweep.csv`."""
        results.write_files(self.folder, {"sweep.npz": results.to_npz(arrays), "sweep.csv": table})
