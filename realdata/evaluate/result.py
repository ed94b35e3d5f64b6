"""An evaluation's result: the predictions of all photos, and the numbers of `summary.json`.

Among them are two measures of where the model stands: its effective robustness against published models, and its
reliance on the background by the theory's scale.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.stats import norm

from published.directory import DIRECTORY
from published.tables import PublishedTables, read_published_tables
from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.confusion import confusion
from realdata.evaluate.groups import summarise_accuracies
from realdata.evaluate.kinship import are_imagenet
from realdata.evaluate.mistakes import mistakes
from realdata.evaluate.predictions import AVERAGES, FILE, class_table, summary
from realdata.evaluate.scoring import Answers
from realdata.evaluate.ties import tie_counts, tie_notes, ties_content
from realdata.evaluate.work import Work
from realdata.models.registry import find_published
from realdata.names import ALL, OPENAI80, PAPER, PREFIX, TWENTY
from realdata.photos.folders import differences, warnings
from realdata.repairs.study import Repaired
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.photo_error import group_proportions
from theory.statements.accuracy_on_the_line import Estimate, reliance_index
from workbench import results
from workbench.conventions import GROUPS, Z95
from workbench.errors import InputError
from workbench.results import to_png

_LIBRARIES = ("jax", "flax", "numpy", "pillow", "tokenizers", "safetensors")
_PROMPTS = {PAPER: "simple", OPENAI80: "openai80"}  # the published tables' words


def summarise(
    work: Work, origin: Mapping[str, Any], found: Answers, lists: Mapping[int, Sequence[int]] | None, notes: list[str]
) -> dict[str, Any]:
    """All numbers of an evaluation, ready for JSON; accuracies in %.

    Args:
        work: the evaluation's inputs.
        origin: the source of the answers: `model`, `preprocessing`, the number of `candidates` and so on.
        found: the answers.
        lists: class index to its candidates; None if every photo has all candidates.
        notes: notes for the user.

    Raises:
        InputError: no photo of a group can be decoded.
    """
    predictions, config = found.predictions, work.config
    missing = set(GROUPS) - set(predictions.group)
    if missing:
        raise InputError(f"`data`: {work.data.root}: no {' and no '.join(sorted(missing))} photo can be read")
    asked = _question(work, origin, lists)
    setup = asked["setup"]
    tables = read_published_tables(DIRECTORY)
    return {
        **origin,
        **asked,
        **summary(predictions, work.classes.names),
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
            *warnings(work.data.photos, work.classes),
            *differences(work.data.photos, tables.classes),
        ],
        **_left_out(found),
        "versions": results.versions(*_LIBRARIES),
    }


def summarise_groups(
    work: Work, origin: Mapping[str, Any], found: Answers, lists: Mapping[int, Sequence[int]] | None, notes: list[str]
) -> dict[str, Any]:
    """The summary where groups are classes with attributes, ready for JSON; arguments as in `summarise`.

    Raises:
        InputError: no photo can be read.
    """
    _check_some(work, found)
    metadata = work.config.metadata
    assert metadata is not None
    return {
        **origin,
        **_question(work, origin, lists),
        "metadata": {key: None if value is None else str(value) for key, value in vars(metadata).items()},
        **summarise_accuracies(found.predictions, work.data, work.classes.names),
        "ties": tie_counts(found.predictions),
        "warnings": [*notes, *tie_notes(found.predictions)],
        **_left_out(found),
        "versions": results.versions(*_LIBRARIES),
    }


def _question(work: Work, origin: Mapping[str, Any], lists: Mapping[int, Sequence[int]] | None) -> dict[str, Any]:
    """What the model was asked."""
    config = work.config
    number = origin["candidates"] if lists is None else max(map(len, lists.values()))
    return {
        "setup": f"1v{number}",
        "candidates_from": config.candidates_from or ("published" if lists is not None else None),
        "prompt": config.prompt if origin["reads_prompts"] else None,
        "templates": work.templates if origin["reads_prompts"] else None,
        "names": config.names,
        "mask": None if config.mask is None else {"folder": str(config.mask), "fill": config.fill},
    }


def _left_out(found: Answers) -> dict[str, Any]:
    return {"unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable]}


def _check_some(work: Work, found: Answers) -> None:
    if found.predictions.empty:
        raise InputError(f"`data`: {work.data.root}: no photo can be read")


def summarise_uncurated(work: Work, found: Answers, notes: list[str]) -> dict[str, Any]:
    """The summary of photos without groups, ready for JSON; arguments as in `summarise`.

    Raises:
        InputError: no photo can be read.
    """
    _check_some(work, found)
    return {
        "photos": len(found.predictions),
        "accuracy_unbalanced": 100.0 * float(found.predictions.correct.mean()),
        "averages_over": {"accuracy_unbalanced": "photos"},
        "warnings": [*notes, *tie_notes(found.predictions)],
        **_left_out(found),
    }


def _published(config: EvaluationConfig, setup: str, tables: PublishedTables) -> list[dict[str, Any]]:
    """The accuracies that the paper's tables print for this model (`paper:NAME`) in this setting."""
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
    """The result of an evaluation.

    Attributes:
        work: the evaluation's inputs.
        summary: accuracies of each group in %, with intervals, and everything else in `summary.json`.
        predictions: the model's answers to all photos; `predictions.to_frame()` is the table.
        candidates: class index to its candidates, best first; None if every photo had all candidates.
        repaired: the answers of every repair, if repairs were asked for.
    """

    work: Work
    summary: dict[str, Any]
    predictions: Answers
    candidates: Mapping[int, Sequence[int]] | None
    repaired: Repaired | None = None

    def plot(self) -> "Figure":
        """Draw the accuracies of the groups, with intervals; of CounterAnimal's layout also of each class."""
        from realdata.evaluate import figure

        draw = figure.draw if self.work.config.metadata is None else figure.draw_groups
        return draw(self.summary)

    @functools.cached_property
    def files(self) -> dict[str, str | bytes]:
        """The contents of the files that `save` writes, by name; the summary is the last one written."""
        from realdata.evaluate import figure

        frame = self.predictions.to_frame()
        files: dict[str, str | bytes] = {FILE: frame.to_csv(index=False, lineterminator="\n")}
        if self.work.config.uncurated:
            return files
        files["evaluation.png"] = to_png(self.plot())
        if self.work.config.metadata is None:
            sheet = figure.draw_flips(frame, self.summary, self.work.data.root, self.work.classes.names)
            if sheet is not None:
                files["flips.png"] = to_png(sheet)
        if self.candidates is not None:
            lists = self.candidates.items()
            rows = [f"{index},{rank},{each}" for index, best in lists for rank, each in enumerate(best, 1)]
            files["candidates.csv"] = "\n".join(["imagenet_index,rank,candidate_index", *rows]) + "\n"
        if self.repaired is not None:
            files["repairs.csv"] = self.repaired.to_frame().to_csv(index=False, lineterminator="\n")
        return files | {"summary.json": results.to_json(self.summary)}

    def save(self, directory: Path) -> None:
        """Write the files; a reader never sees a file in part.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        results.write_files(directory, self.files)


def effective_robustness_content(predictions: pd.DataFrame, setup: str, tables: PublishedTables) -> dict[str, Any]:
    """Effective robustness against the line through the published ImageNet models (Table 4, or 14 for 1 vs. 20).

    Args:
        predictions: a row for each photo, with `class_index`, `group` and `correct`.
        setup: `1v1000`, `1v20`, or another one, for which no models are published.
        tables: the published tables.

    Returns:
        `value` in points, its 95% prediction `interval` for one more ImageNet model, `p_value` and `extrapolated`;
        or `reason` alone, if there is no value.
    """
    counts = class_table(predictions)
    complete = counts.index[(counts[list(GROUPS)] > 0).all(axis=1)]
    if set(complete) != set(tables.classes["imagenet_index"]) or len(complete) != len(counts):
        return {"reason": "the published line is for exactly the 45 classes of CounterAnimal"}
    results = tables.results
    chosen = (results.family == "imagenet") & (results.setup == setup) & (results.averaging == "balanced")
    if not chosen.any():
        return {"reason": f"no ImageNet models are published for {setup}"}
    line = group_proportions(results.loc[chosen], tables.classes)
    own = [float((counts[f"{group}_right"] / counts[group]).mean()) for group in GROUPS]
    if not all(0 < share < 1 for share in own):
        return {"reason": "an accuracy of 0 or 100% has no place on logit axes"}
    found = robustness_of_one(line[0], line[1], own[0], own[1])
    return {
        "value": found.value,
        "interval": list(found.interval),
        "p_value": found.p_value,
        "extrapolated": found.extrapolated,
    }


def reliance_content(predictions: pd.DataFrame) -> dict[str, Any]:
    """The index of spurious reliance (S19, `theory.statements.accuracy_on_the_line`) from class-balanced accuracies.

    Args:
        predictions: a row for each photo, with `class_index`, `group` and `correct`.

    Returns:
        `value`: 0 for a model that ignores the background, 1 for one that is right on half of the counter photos; its
        `standard_error`, from the number of photos, and its 95% `interval`; or `reason` alone, if there is no value.
    """
    counts = class_table(predictions)
    estimates = []
    for group in GROUPS:
        classes = counts[counts[group] > 0]
        shares = (classes[f"{group}_right"] / classes[group]).to_numpy()
        mean = float(shares.mean())
        if not 0 < mean < 1:
            return {"reason": "an accuracy of 0 or 100% has no probit"}
        error = float(np.sqrt((shares * (1 - shares) / classes[group].to_numpy()).sum())) / len(shares)
        value = float(norm.ppf(mean))
        estimates.append(Estimate(jnp.asarray(value), jnp.asarray(error / float(norm.pdf(value)))))
    found = reliance_index(*estimates)
    value, error = float(found.value), float(found.standard_error)
    if np.isnan(value):
        return {"reason": "its two probits do not sum to more than 0: in the theory's sense, it is worse than chance"}
    return {"value": value, "standard_error": error, "interval": [value - Z95 * error, value + Z95 * error]}
