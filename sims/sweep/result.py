"""What a sweep found, by its axes."""

import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sims.sweep.grid import Grid
from sims.sweep.store import Outcome
from sims.synthetic.evaluation import SAMPLED_GROUPS

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
