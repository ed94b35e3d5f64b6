"""The result of `sims.repairs`: its table, what is saved, and how rows are compared with theory."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sims.contrastive.comparison import agrees_with, all_groups, standard_errors
from sims.contrastive.result import save_result
from sims.repairs.closed_forms import Predicted
from sims.repairs.config import RepairConfig
from sims.repairs.scores import PLAIN
from theory.names import GROUPS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Row:
    """One objective with one repair, over all runs.

    Attributes:
        learner: name of the objective.
        repair: name of the repair, `none`, or of a probe.
        accuracy: mean over the runs, for each group of `theory.GROUPS`, in [0, 1].
        stderr: its standard error, from the spread of the runs.
        change: of the worse group's accuracy against `none`, paired by run.
        change_stderr: its standard error.
        theory: the closed form, mean over the runs, where there is one.
        note: why there is none.
        agrees: as in the main job's table; None where there is no theory or training has not converged.
        converged: whether training converged.
    """

    learner: str
    repair: str
    accuracy: dict[str, float]
    stderr: dict[str, float]
    change: float
    change_stderr: float
    theory: dict[str, float] | None
    note: str | None
    agrees: bool | None
    converged: bool


@dataclasses.dataclass(frozen=True)
class RepairResult:
    """What `sims.repairs` found.

    Attributes:
        config: what was run.
        rows: the table.
        accuracies: objective and repair to accuracies, shape (runs, 2): aligned, conflicting.
        weights: objective to the weight that projection takes out, as `closed_forms.balanced_weight` gives it.
        seconds: what took how long.
        versions: of Python and the packages; and the device.
    """

    config: RepairConfig
    rows: list[Row]
    accuracies: dict[str, dict[str, np.ndarray]]
    weights: dict[str, dict[str, float | None]]
    seconds: dict[str, float]
    versions: dict[str, str]

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each objective, repair and group, and one number in each cell.

        Columns: `objective`, `repair`, `group`, `mean`, `standard_error`, `theory` (NaN where there is none), `note`,
        `agrees`, `converged`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "objective": row.learner,
                "repair": row.repair,
                "group": group,
                "mean": row.accuracy[group],
                "standard_error": row.stderr[group],
                "theory": float("nan") if row.theory is None else row.theory[group],
                "note": row.note,
                "agrees": row.agrees,
                "converged": row.converged,
            }
            for row in self.rows
            for group in GROUPS
        )

    def plot(self) -> "Figure":
        """The program's figure."""
        from sims.repairs.figure import draw

        return draw(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The content of `result.json`."""
        fields = dataclasses.asdict(self.config)
        return {
            "config": fields.pop("model") | fields,
            "results": [dataclasses.asdict(row) for row in self.rows],
            "weights": self.weights,
            "seconds": self.seconds,
            "versions": self.versions,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of `arrays.npz`: accuracies of every run, as `objective.repair`."""
        return {f"{name}.{repair}": value for name, found in self.accuracies.items() for repair, value in found.items()}

    def save(self, directory: Path) -> None:
        """Write arrays.npz, figure.png and result.json, each beside its place and then renamed.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        save_result(self, directory)


def tabulate(
    config: RepairConfig,
    accuracies: Mapping[str, Mapping[str, np.ndarray]],
    theory: Mapping[str, Predicted],
    converged: Mapping[str, bool],
) -> list[Row]:
    """One row for each objective and repair, compared with the theory where there is one."""
    ratio = float(config.model.spurious_ratio)
    known = sum(predicted is not None for of_learner in theory.values() for predicted, _ in of_learner.values())
    rows = []
    for name, found in accuracies.items():
        plain = found[PLAIN].min(axis=1)
        for repair, values in found.items():
            mean, stderr = np.mean(all_groups(values, ratio), axis=0), standard_errors(values, ratio)
            moved = values.min(axis=1) - plain
            predicted, note = theory[name][repair]
            agrees = expected = None
            if predicted is not None:
                expected = dict(zip(GROUPS, predicted.mean(axis=0).tolist(), strict=True))
                # Paired by run: what the loss leaves open differs between them, in the theory as well.
                apart = all_groups(values, ratio) - predicted
                error = apart.std(axis=0, ddof=1) / np.sqrt(len(values))
                if converged[name]:
                    agrees = agrees_with(mean, error, expected, len(values), ratio, len(GROUPS) * known)
            rows.append(
                Row(
                    name,
                    repair,
                    dict(zip(GROUPS, mean.tolist(), strict=True)),
                    dict(zip(GROUPS, stderr.tolist(), strict=True)),
                    float(moved.mean()),
                    float(moved.std(ddof=1) / np.sqrt(len(moved))),
                    expected,
                    note,
                    agrees,
                    converged[name],
                )
            )
    return rows
