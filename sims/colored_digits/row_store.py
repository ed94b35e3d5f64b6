"""Where a table keeps its finished rows: one file each, with what made it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sims.colored_digits.design import Design
from sims.colored_digits.result import Row
from sims.training.checkpoints import Checkpoints
from workbench import results
from workbench.errors import InputError


class RowStore:
    """The files of one row.

    Args:
        folder: of all rows.
        design: of this one.
        identity: what decides its numbers, JSON-ready; a file of another run is refused.
    """

    def __init__(self, folder: Path, design: Design, identity: dict[str, Any]):
        self.folder, self.design, self.identity = folder, design, identity
        name = f"k{design.classes}-inv{design.invariant_ratio:g}-spu{design.spurious_ratio:g}"
        self.path = folder / f"{name}.npz"
        self.checkpoints = Checkpoints(folder / f"{name}.checkpoints", identity)

    def read(self) -> Row | None:
        """The finished row, or None if it is not there.

        Raises:
            InputError: the file is another run's, or cannot be read; it is left as it is.
        """
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            found = json.loads(str(arrays.pop("identity")))
        except Exception as error:  # NumPy and zipfile raise a dozen kinds on a truncated file
            raise InputError(f"{self.path} is truncated or no row of a table; delete it to run it again") from error
        differing = [key for key in self.identity if found.get(key) != self.identity[key]]
        if differing:
            raise InputError(
                f"{self.path} was made by another run (different: {', '.join(differing)}); choose another `out`"
            )
        return Row(self.design, arrays)

    def write(self, row: Row) -> None:
        """Keep a finished row, and drop its checkpoints."""
        identity = np.array(json.dumps(self.identity))
        results.write_files(self.folder, {self.path.name: results.to_npz(row.accuracies | {"identity": identity})})
        self.checkpoints.remove()
