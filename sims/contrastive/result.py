"""The main job's result: what is computed, what is saved, and how it is read back."""

import dataclasses
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from sims.contrastive.comparison import Row
from sims.objectives import find_objective
from sims.training.config import ContrastiveConfig
from sims.training.record import Trained
from theory.names import GROUPS
from workbench import results
from workbench.errors import InputError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class ContrastiveResult:
    """What the main job found.

    Attributes:
        config: what was run.
        trained: learner to accuracies and trajectory.
        rows: the table.
        verdict: the answer to the question, JSON-ready.
        theorem62: Theorem 6.2 as printed beside the simulation, JSON-ready; None unless the linearised loss and the
            label prompt, of which it speaks, were run.
        seconds: what took how long.
        versions: of Python and the packages; and the device.
    """

    config: ContrastiveConfig
    trained: dict[str, Trained]
    rows: list[Row]
    verdict: dict[str, Any]
    theorem62: dict[str, Any] | None
    seconds: dict[str, float]
    versions: dict[str, str]

    def accuracy(self, objective: str, prompt: str | None = None) -> "pd.DataFrame":
        """Accuracies of one learner: a row for each group of `theory.GROUPS`, in [0, 1].

        Args:
            objective: its name.
            prompt: of a contrastive learner; not needed where one prompt was evaluated, nor for a supervised learner.

        Returns:
            The columns `mean`, over the runs, and `standard_error` of it.

        Raises:
            ParameterError: it was not trained, or not evaluated with the prompt.
        """
        import pandas as pd  # here, since the main job does without it

        rows = [row for row in self.rows if row.learner == objective]
        if not rows:
            raise ParameterError("objective", f"one of {', '.join(self.trained)}", repr(objective))
        found = [row for row in rows if prompt in (None, row.prompt) or row.prompt is None]
        if len(found) != 1:
            raise ParameterError("prompt", f"one of {', '.join(str(row.prompt) for row in rows)}", repr(prompt))
        columns = {"mean": found[0].accuracy, "standard_error": found[0].stderr}
        return pd.DataFrame(columns, index=pd.Index(GROUPS, name="group"))

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each learner, prompt and group, and one number in each cell.

        Columns: `objective`, `prompt`, `group`, `mean`, `standard_error`, `theory` (NaN where no closed form is known),
        `note` (why), `agrees` (None where that is not judged), `converged`, `steps`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "objective": row.learner,
                "prompt": row.prompt,
                "group": group,
                "mean": row.accuracy[group],
                "standard_error": row.stderr[group],
                "theory": float("nan") if row.theory is None else row.theory[group],
                "note": row.note,
                "agrees": row.agrees,
                "converged": row.converged,
                "steps": row.steps,
            }
            for row in self.rows
            for group in GROUPS
        )

    def plot(self) -> "Figure":
        """The program's figure."""
        from sims.contrastive.figure import draw  # here, since it draws what `load` reads as well

        return draw(self.to_dict(), self.arrays())

    def save(self, directory: Path) -> None:
        """Write arrays.npz, figure.png and result.json, each beside its place and then renamed.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        save_result(self, directory)

    def to_dict(self) -> dict[str, Any]:
        """The content of `result.json`."""
        return {
            "config": config_dict(self.config),
            "results": [dataclasses.asdict(row) for row in self.rows],
            "verdict": self.verdict,
            "theorem62": self.theorem62,
            "seconds": self.seconds,
            "versions": self.versions,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of `arrays.npz`: the fields of `Trained` that are arrays, as `learner.field`."""
        fields = ("accuracies", "trajectory_steps", "trajectory")
        return {f"{name}.{field}": getattr(self.trained[name], field) for name in self.trained for field in fields}


@runtime_checkable
class Result(Protocol):
    """What a job found: numbers, arrays and a figure."""

    @property
    def seconds(self) -> dict[str, float]:
        """What took how long; saving adds the figure."""

    def plot(self) -> "Figure":
        """The figure."""

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of `arrays.npz`."""

    def to_dict(self) -> dict[str, Any]:
        """The content of `result.json`."""


def save_result(result: Result, directory: Path) -> None:
    """Write arrays.npz, figure.png and result.json, each beside its place and then renamed.

    Raises:
        InputError: the directory or a file cannot be written.
    """
    started = time.perf_counter()
    figure = results.to_png(result.plot())
    result.seconds["figure"] = time.perf_counter() - started
    arrays, content = results.to_npz(result.arrays()), results.to_json(result.to_dict())
    results.write_files(directory, {"arrays.npz": arrays, "figure.png": figure, "result.json": content})


def config_dict(config: ContrastiveConfig) -> dict[str, Any]:
    """The configuration as one flat dictionary; objectives by their names."""
    content = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    content["objective"] = tuple(find_objective(objective).name for objective in config.objective or ())
    return dataclasses.asdict(content.pop("model")) | content


def load(directory: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a saved result: the content of `result.json`, and the arrays.

    Raises:
        InputError: a file is missing or is not what `sims.contrastive` writes.
    """
    try:
        content = results.read_json(directory / "result.json")
        with (directory / "arrays.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return content, dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(
            f"{directory} holds no result of sims.contrastive ({error}); `python -m sims.contrastive` makes one"
        ) from error
