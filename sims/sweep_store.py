"""Where a sweep keeps what is done: a manifest, a file for each finished chunk, and the whole when all is there."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from sims.evaluation import SAMPLED_GROUPS
from sims.sweep_grid import Grid
from workbench import results
from workbench.errors import InputError

MANIFEST = "sweep.json"


class Store:
    """The folder of one sweep.

    Args:
        folder: where; made if it is not there.
        manifest: what the sweep is, JSON-ready. A folder of another sweep is refused.

    Raises:
        InputError: the folder holds another sweep, or something that is no sweep's manifest.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]):
        self.folder, self.chunks = folder, folder / "chunks"
        path = folder / MANIFEST
        wanted = json.loads(results.to_json(manifest))
        if path.exists():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InputError(f"{path} is no sweep's manifest ({error}); choose another --out") from error
            if found != wanted:
                same = found if isinstance(found, dict) else {}
                differing = ", ".join(key for key in wanted if same.get(key) != wanted[key]) or "its keys"
                raise InputError(f"{folder} holds another sweep (different: {differing}); choose another --out")
        else:
            results.write_files(folder, {MANIFEST: results.to_json(manifest)})

    def path(self, index: int) -> Path:
        """The file of a chunk."""
        return self.chunks / f"{index:06d}.npz"

    def read(self, index: int, shape: tuple[int, ...]) -> np.ndarray | None:
        """Accuracies of a finished chunk, or None if it is not there.

        Raises:
            InputError: the file is truncated or is not of this sweep; it is left as it is.
        """
        path = self.path(index)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as archive:
                accuracies = archive["accuracies"]
        except Exception as error:  # NumPy and zipfile raise a dozen kinds on a truncated file
            raise InputError(f"{path} is truncated or no chunk of a sweep; delete it to run it again") from error
        if accuracies.shape != shape:
            raise InputError(f"{path} holds {accuracies.shape} accuracies, not {shape}; delete it to run it again")
        return np.asarray(accuracies)

    def write(self, index: int, accuracies: np.ndarray) -> None:
        """Keep a finished chunk: written beside, then renamed."""
        results.write_files(self.chunks, {self.path(index).name: results.to_npz({"accuracies": accuracies})})

    def assemble(self, grid: Grid, prompts: tuple[str, ...], accuracies: np.ndarray) -> None:
        """Write `sweep.npz` and `sweep.csv` from the accuracies of all runs, shape (runs, prompts, groups)."""
        axes: dict[str, Any] = {**grid.axes, "seed": range(grid.seeds), "prompt": prompts, "group": SAMPLED_GROUPS}
        arrays = {name: np.array(list(values)) for name, values in axes.items()}
        arrays["axes"] = np.array(list(axes))
        arrays["accuracy"] = accuracies.reshape(*grid.shape, len(prompts), len(SAMPLED_GROUPS))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = [f"{group} ({prompt})" for prompt in prompts for group in SAMPLED_GROUPS]
        writer.writerow([*grid.axes, "seed", *columns])
        continuous = grid.continuous()
        rows = accuracies.reshape(-1, len(continuous), len(columns))
        for program, block in zip(grid.programs(), rows, strict=True):
            for values, row in zip(continuous, block, strict=True):
                writer.writerow([*program.values(), *map(float, values[:-1]), int(values[-1]), *map(float, row)])
        results.write_files(self.folder, {"sweep.npz": results.to_npz(arrays), "sweep.csv": text.getvalue()})
