"""A sweep's result, by its axes; and its folder: a manifest, a file for each finished chunk, and the whole."""

import csv
import dataclasses
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sims.sweep.grid import Grid, Layout
from sims.synthetic.evaluation import SAMPLED_GROUPS
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
        self.folder, self.chunks = folder, results.path_inside(folder, "chunks")
        path = folder / MANIFEST
        wanted = results.as_read_back(manifest)
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


if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """Accuracies of all runs.

    Attributes:
        grid: the axes.
        prompts: zero-shot prompts.
        outcome: in the grid's order; accuracies of shape (programs, combinations, seeds, prompts, groups).
        seconds: `compile` and `run`.
        done_before: share of the work that an earlier, stopped run had done.
        versions: of Python and the packages, and the platform.
    """

    grid: Grid
    prompts: tuple[str, ...]
    outcome: Outcome
    seconds: dict[str, float]
    done_before: float
    versions: dict[str, str]

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row a run: its parameters, the step at which it diverged (0 if it did not), and its accuracies, if any."""
        columns = [f"{group} ({prompt})" for prompt in self.prompts for group in SAMPLED_GROUPS]
        found = (part.reshape(self.grid.runs, -1).tolist() for part in self.outcome)
        for values, accuracies, (diverged,) in zip(self.grid.points(), *found, strict=True):
            named = dict(zip([*self.grid.axes, "seed"], values, strict=True))
            known = (None if diverged else accuracy for accuracy in accuracies)
            yield named | {"diverged_step": diverged} | dict(zip(columns, known, strict=True))

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each run: its parameters, `diverged_step`, and an accuracy a prompt and group."""
        import pandas as pd  # here, since a sweep runs without it

        return pd.DataFrame(self.rows())

    def to_csv(self) -> str:
        """The same as text; written without pandas, whose import would double a sweep's start."""
        text = io.StringIO()
        table = list(self.rows())
        writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        return text.getvalue()

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of `sweep.npz`: each axis, their names as `axes`, `accuracy` by all of them, `diverged_step`."""
        axes = self._axes()
        arrays = {name: np.array(list(values)) for name, values in axes.items()}
        arrays["axes"] = np.array(list(axes))
        arrays["accuracy"] = self.outcome.accuracies.reshape([len(values) for values in axes.values()])
        arrays["diverged_step"] = self.outcome.diverged.reshape(self.grid.shape)
        return arrays

    def to_xarray(self) -> "xr.Dataset":
        """The variables `accuracy` and `diverged_step` with named axes.

        An axis of one value is a coordinate without a dimension; `seed`, `prompt` and `group` are dimensions always.
        """
        import xarray as xr

        axes, arrays = self._axes(), self.arrays()
        names = list(axes)
        variables = {"accuracy": (names, arrays["accuracy"]), "diverged_step": (names[:-2], arrays["diverged_step"])}
        single = [name for name, values in self.grid.axes.items() if len(values) == 1]
        return xr.Dataset(variables, {name: list(values) for name, values in axes.items()}).squeeze(single)

    def _axes(self) -> dict[str, Any]:
        own = {"seed": range(self.grid.seeds), "prompt": self.prompts, "group": SAMPLED_GROUPS}
        return {**self.grid.axes, **own}
