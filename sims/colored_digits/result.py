"""One row of Table 8: what was run, its accuracies, and what they say."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from published.tables import read_multicolored_mnist
from sims.colored_digits.accuracy import GROUPS, bayes_accuracies, group_accuracies
from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.digits import MNIST, Digits
from sims.colored_digits.equivalence import Comparison, compare_runs, overall
from sims.colored_digits.learners import LEARNERS, REFERENCE
from sims.colored_digits.training import Trained
from workbench.conventions import LEVEL

COMPARED = ("rand", "rev", "rest")  # Table 8's columns


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of Table 8, all learners.

    Attributes:
        design: how labels and colours were drawn.
        accuracies: objective to the accuracy of each run in each of `GROUPS`, in %; NaN for the rest of two classes.
    """

    design: Design
    accuracies: dict[str, Float[np.ndarray, "seeds groups"]]


def row_of(config: DigitsConfig, digits: Digits, trained: Trained) -> Row:
    """The accuracies of a training."""
    found = {
        name: 100.0 * group_accuracies(answers, digits.test.labels, config.design)
        for name, answers in trained.answers.items()
    }
    return Row(config.design, {name: found[name] for name in LEARNERS if name in found})


def learner_rows(row: Row) -> list[dict[str, Any]]:
    """Mean and standard deviation over the runs, JSON-ready; None where there is none."""
    rows = []
    for name, accuracies in row.accuracies.items():
        cells: dict[str, Any] = {"learner": LEARNERS[name].learner, "objective": name}
        for group, runs in zip(GROUPS, accuracies.T, strict=True):
            known = not np.isnan(runs).any()
            cells[f"{group}_mean"] = float(np.mean(runs)) if known else None
            cells[f"{group}_std"] = float(np.std(runs, ddof=1)) if known and len(runs) > 1 else None
        rows.append(cells)
    return rows


def equivalence(rows: Sequence[Row], margin: float) -> dict[str, Any]:
    """Each learner against the supervised one in every row and column, corrected over all of them; JSON-ready."""
    asked: list[tuple[Row, str, str]] = []
    for row, column in itertools.product(rows, COMPARED):
        for name, accuracies in row.accuracies.items():
            if REFERENCE in row.accuracies and name != REFERENCE and not np.isnan(_column(accuracies, column)).any():
                asked.append((row, name, column))
    differences = [
        _column(row.accuracies[name], column) - _column(row.accuracies[REFERENCE], column)
        for row, name, column in asked
    ]
    comparisons = compare_runs(differences, margin)
    return {
        "margin": margin,
        "level": LEVEL,
        "against": "supervised",
        "comparisons": [
            _describe(row, name, column) | dataclasses.asdict(comparison)
            for (row, name, column), comparison in zip(asked, comparisons, strict=True)
        ],
        "verdicts": {
            name: overall([verdict.verdict for verdict in _of(asked, comparisons, name)])
            for name in LEARNERS
            if any(found == name for _, found, _ in asked)
        },
    }


def _column(accuracies: Float[np.ndarray, "seeds groups"], name: str) -> Float[np.ndarray, " seeds"]:
    return accuracies[:, GROUPS.index(name)]


def _describe(row: Row, name: str, column: str) -> dict[str, Any]:
    return dataclasses.asdict(row.design) | {
        "learner": LEARNERS[name].learner,
        "objective": name,
        "column": column,
    }


def _of(asked: Sequence[tuple[Row, str, str]], comparisons: Sequence[Comparison], name: str) -> list[Comparison]:
    return [comparison for (_, found, _), comparison in zip(asked, comparisons, strict=True) if found == name]


def bayes(design: Design) -> dict[str, dict[str, float | None]]:
    """The Bayes classifier's accuracies in %, ties broken by the digit and by the colour; JSON-ready."""
    return {
        rule: {
            group: None if np.isnan(value) else 100.0 * float(value)
            for group, value in zip(GROUPS, accuracies, strict=True)
        }
        for rule, accuracies in bayes_accuracies(design).items()
    }


def against_published(row: Row, source: str) -> list[dict[str, Any]] | None:
    """Our means and those of Table 8 on the same row, in %; None unless the digits are MNIST's and the row is printed.

    `distance` is the difference in standard deviations of one run's difference: the paper does not say how many runs
    its means are of.
    """
    if source != MNIST:
        return None
    table = read_multicolored_mnist()
    design = row.design
    at = (table.classes == design.classes) & (table.p_inv == design.invariant_ratio)
    printed = table[at & (table.p_spu == design.spurious_ratio)]
    if printed.empty:
        return None
    found = []
    ours = {cells["learner"]: cells for cells in learner_rows(row) if cells["learner"] != "contrastive_text"}
    for theirs in printed.to_dict("records"):
        cells = ours.get(theirs["method"], {})
        for column in COMPARED:
            if not cells or np.isnan(theirs[f"{column}_mean"]):
                continue
            mean, std = cells[f"{column}_mean"], cells[f"{column}_std"]
            difference = mean - theirs[f"{column}_mean"]
            spread = np.hypot(std or 0.0, theirs[f"{column}_std"])
            found.append(
                {
                    "learner": theirs["method"],
                    "column": column,
                    "mean": mean,
                    "published_mean": theirs[f"{column}_mean"],
                    "published_std": theirs[f"{column}_std"],
                    "difference": difference,
                    "distance": float(difference / spread) if spread > 0 else None,
                }
            )
    return found
