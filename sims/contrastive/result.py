"""The main job's result: what is computed, what is saved, and how it is read back."""

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sims.contrastive.comparison import Row
from sims.training.config import ContrastiveConfig
from sims.training.record import Trained
from workbench.errors import InputError


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


def config_dict(config: ContrastiveConfig) -> dict[str, Any]:
    """The configuration as one flat dictionary."""
    content = dataclasses.asdict(config)
    return content.pop("model") | content


def load(directory: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a saved result: the content of `result.json`, and the arrays.

    Raises:
        InputError: a file is missing or is not what `sims.contrastive` writes.
    """
    try:
        content = json.loads((directory / "result.json").read_text())
        if not isinstance(content, dict):
            raise ValueError("result.json is no object")
        with (directory / "arrays.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return content, dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(
            f"{directory} holds no result of sims.contrastive ({error}); `python -m sims.contrastive` makes one"
        ) from error
