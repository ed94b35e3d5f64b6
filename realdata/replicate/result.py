"""A replication's result: the comparison with the printed tables, what could not be evaluated, and the claims."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from realdata.replicate.config import ReplicationConfig
from realdata.replicate.plan import QUANTITIES
from workbench import results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Failure(NamedTuple):
    """A model that could not be evaluated, as the tables name it, and the reason."""

    model: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Replication:
    """The result of a replication.

    Attributes:
        config: its configuration.
        photos: how many photos there are.
        comparison: printed and measured numbers: see `realdata.replicate.comparison.compare`.
        failures: the models without an evaluation.
        claims: the claims by both: see `realdata.replicate.claims.ask_both`.
    """

    config: ReplicationConfig
    photos: int
    comparison: pd.DataFrame
    failures: list[Failure]
    claims: list[dict[str, Any]]

    def to_frame(self) -> pd.DataFrame:
        """The comparison."""
        return self.comparison

    def counts(self) -> dict[str, dict[str, int]]:
        """For each quantity, how many numbers there are, how many lie `inside`, and how many are `equal`."""
        found = {}
        for quantity in QUANTITIES:
            own = self.comparison[self.comparison["quantity"] == quantity] if len(self.comparison) else self.comparison
            found[quantity] = {"numbers": len(own)}
            found[quantity] |= {name: int(own[name].sum()) if len(own) else 0 for name in ("inside", "equal")}
        return found

    def content(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "data": str(self.config.data),
            "photos": self.photos,
            "dtype": self.config.loading.dtype,
            "intervals": "95% over photos, for all numbers together (Bonferroni)",
            "counts": self.counts(),
            "rows": self.comparison.to_dict("records"),
            "failures": [each._asdict() for each in self.failures],
            "claims": self.claims,
            "versions": results.versions("jax", "flax", "numpy", "scipy", "pillow"),
        }

    def plot(self) -> "Figure":
        """Draw printed against measured accuracies; needs a model that was evaluated."""
        from realdata.replicate.figure import draw

        return draw(self.comparison)

    @functools.cached_property
    def files(self) -> dict[str, str | bytes]:
        """The contents of the files that `save` writes, by name; without a comparison only `replication.json`."""
        files: dict[str, str | bytes] = {}
        if len(self.comparison):
            files["replication.csv"] = self.comparison.to_csv(index=False, lineterminator="\n")
            files["replication.png"] = results.to_png(self.plot())
        return files | {"replication.json": results.to_json(self.content())}

    def save(self, directory: Path) -> None:
        """Write the files; a reader never sees a file in part.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        results.write_files(directory, self.files)
