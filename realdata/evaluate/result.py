"""An evaluation's result: what a model says of every photo, and the accuracies that follow."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realdata.evaluate.answers import Answers
from realdata.evaluate.predictions import FILE
from realdata.evaluate.work import Work
from workbench import results
from workbench.figures import to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        work: what was asked about.
        summary: accuracies of each group in %, with intervals, and all else that `summary.json` holds.
        predictions: what the model says of each photo; `predictions.to_frame()` is the table.
        candidates: class index to candidates, best first, where a photo was not classified among all.
    """

    work: Work
    summary: dict[str, Any]
    predictions: Answers
    candidates: Mapping[int, Sequence[int]] | None

    def plot(self) -> "Figure":
        """Accuracies of both groups and of each class, with intervals, beside the published models."""
        from realdata.evaluate import figure

        return figure.draw(self.summary)

    @functools.cached_property
    def files(self) -> dict[str, str | bytes]:
        """The contents of the files that `save` writes, by name; the summary last: where it is, all are."""
        from realdata.evaluate import contact_sheet

        frame = self.predictions.to_frame()
        files: dict[str, str | bytes] = {FILE: frame.to_csv(index=False, lineterminator="\n")}
        if self.work.config.uncurated:
            return files
        files["evaluation.png"] = to_png(self.plot())
        sheet = contact_sheet.draw(frame, self.summary, self.work.root, self.work.classes.names)
        if sheet is not None:
            files["flips.png"] = to_png(sheet)
        if self.candidates is not None:
            lists = self.candidates.items()
            rows = [f"{owner},{rank},{each}" for owner, best in lists for rank, each in enumerate(best, 1)]
            files["candidates.csv"] = "\n".join(["imagenet_index,rank,candidate_index", *rows]) + "\n"
        return files | {"summary.json": results.to_json(self.summary)}

    def save(self, directory: Path) -> None:
        """Write the files, each beside its place and then renamed.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        results.write_files(directory, self.files)
