"""An evaluation's result: what a model says of every photo, and the accuracies that `summary.json` holds."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from published.tables import DIRECTORY, PublishedTables, read_published_tables
from realdata.evaluate.candidates import ALL, OPENAI80, PAPER, TWENTY
from realdata.evaluate.config import EvaluationConfig, Work
from realdata.evaluate.confusion import confusion
from realdata.evaluate.kinship import are_imagenet
from realdata.evaluate.mistakes import mistakes
from realdata.evaluate.predictions import AVERAGES, FILE, summary
from realdata.evaluate.scoring import Answers
from realdata.evaluate.standing import effective_robustness_content, reliance_content
from realdata.evaluate.ties import tie_notes, ties_content
from realdata.models.registry import PREFIX, find_published
from realdata.photos.folders import differences, warnings
from workbench import results
from workbench.conventions import GROUPS
from workbench.errors import InputError
from workbench.figures import to_png

_LIBRARIES = ("jax", "flax", "numpy", "pillow", "tokenizers", "safetensors")
_PROMPTS = {PAPER: "simple", OPENAI80: "openai80"}  # in the tables' words


def summarise(
    work: Work, origin: Mapping[str, Any], found: Answers, lists: Mapping[int, Sequence[int]] | None, notes: list[str]
) -> dict[str, Any]:
    """All numbers of an evaluation, JSON-ready; accuracies in %.

    Args:
        work: what was asked about.
        origin: where the answers come from: `model`, `preprocessing`, the number of `candidates` and so on.
        found: the answers.
        lists: class index to candidates, where a photo was not classified among all.
        notes: what a person should know.

    Raises:
        InputError: not one photo of a group can be decoded.
    """
    predictions, config = found.predictions, work.config
    missing = set(GROUPS) - set(predictions.group)
    if missing:
        raise InputError(f"`data`: {work.root}: not one {' and not one '.join(sorted(missing))} photo can be read")
    number = origin["candidates"] if lists is None else max(map(len, lists.values()))
    setup = f"1v{number}"
    tables = read_published_tables(DIRECTORY)
    content = summary(predictions, work.classes.names)
    return {
        **origin,
        "setup": setup,
        "candidates_from": config.candidates_from or ("published" if lists is not None else None),
        "prompt": config.prompt if origin["reads_prompts"] else None,
        "templates": work.templates if origin["reads_prompts"] else None,
        "names": config.names,
        "mask": None if config.mask is None else {"folder": str(config.mask), "fill": config.fill},
        **content,
        "averages_over": AVERAGES,
        "ties": ties_content(predictions),
        "mistakes": mistakes(predictions, work.classes.names),
        "confusion": confusion(predictions) if are_imagenet(work.classes.names) else None,
        "effective_robustness": effective_robustness_content(predictions, setup, tables),
        "reliance": reliance_content(predictions),
        "published": _published(config, setup, tables),
        "warnings": [
            *notes,
            *tie_notes(predictions),
            *warnings(work.photos, work.classes),
            *differences(work.photos, tables.classes),
        ],
        "unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable],
        "versions": results.versions(*_LIBRARIES),
    }


def summarise_uncurated(work: Work, found: Answers, notes: list[str]) -> dict[str, Any]:
    """What is said of photos that are of no group yet, JSON-ready; arguments as in `summarise`.

    Raises:
        InputError: not one photo can be read.
    """
    if found.predictions.empty:
        raise InputError(f"`data`: {work.root}: not one photo can be read")
    return {
        "photos": len(found.predictions),
        "accuracy_unbalanced": 100.0 * float(found.predictions.correct.mean()),
        "averages_over": {"accuracy_unbalanced": "photos"},
        "warnings": [*notes, *tie_notes(found.predictions)],
        "unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable],
    }


def _published(config: EvaluationConfig, setup: str, tables: PublishedTables) -> list[dict[str, Any]]:
    """What the paper's tables print for a model that is named as they name it, in this setting."""
    if config.model is None or not config.model.startswith(PREFIX) or setup not in (ALL, TWENTY):
        return []
    model, rows = find_published(config.model), tables.results
    prompt = _PROMPTS.get(config.prompt)
    same = (rows.family == model.family) & (rows.backbone == model.backbone) & (rows.pretrain == model.pretrain)
    same &= (rows.setup == setup) & (rows.averaging == "balanced") & rows.prompt.isin([prompt, "none"])
    columns = ["table", "checkpoint", "common", "counter", "drop"]
    return [dict(zip(columns, row, strict=True)) for row in rows.loc[same, columns].itertuples(index=False)]


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
        from realdata.evaluate import figure

        frame = self.predictions.to_frame()
        files: dict[str, str | bytes] = {FILE: frame.to_csv(index=False, lineterminator="\n")}
        if self.work.config.uncurated:
            return files
        files["evaluation.png"] = to_png(self.plot())
        sheet = figure.draw_flips(frame, self.summary, self.work.root, self.work.classes.names)
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
