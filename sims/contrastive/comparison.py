"""From the runs' accuracies to the table: means with errors, and agreement with theory."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from sims.names import SUPERVISED
from sims.training.record import Trained
from sims.training.runs import TEST_SIZE
from theory.names import GROUPS
from theory.statements.group_accuracy import mixture

# Probability that a table of correct theory shows a "no" anywhere (Bonferroni over all its comparisons).
AGREEMENT_LEVEL = 0.01
# What training leaves that more runs do not average out: at the defaults, 192 runs of the linearised loss (--seeds 64,
# three seeds) end 0.13 +- 0.03 points below the closed form, since a step size above 0 meets a curved loss.
TRAINING_BIAS = 0.002


@dataclasses.dataclass(frozen=True)
class Row:
    """One learner with one prompt, over all runs.

    Attributes:
        learner: name of the objective.
        prompt: name of the prompt; None for a supervised learner.
        accuracy: mean over the runs, for each group of `theory.GROUPS`, in [0, 1].
        stderr: its standard error; from the spread of the runs, or of the test images if there is only one run.
        theory: the closed-form accuracy of the population optimum, where there is one.
        note: why there is none.
        agrees: whether all groups lie within the corrected sampling error of the theory, and the 0.2 points of
            `TRAINING_BIAS`; None where there is no theory, a single run, or a training that has not converged.
        converged: whether training converged.
        steps: how many steps were taken.
    """

    learner: str
    prompt: str | None
    accuracy: dict[str, float]
    stderr: dict[str, float]
    theory: dict[str, float] | None
    note: str | None
    agrees: bool | None
    converged: bool
    steps: int


def all_groups(accuracies: np.ndarray, spurious_ratio: float) -> np.ndarray:
    """Append the mixtures: from (..., 2), aligned and conflicting, to (..., 4) in the order of `theory.GROUPS`."""
    aligned, conflicting = accuracies[..., 0], accuracies[..., 1]
    mixtures = [mixture(aligned, conflicting, ratio) for ratio in (spurious_ratio, 0.5)]
    return np.stack([aligned, conflicting, *mixtures], axis=-1)


def standard_errors(accuracies: np.ndarray, spurious_ratio: float) -> np.ndarray:
    """Standard errors of the means over the runs; accuracies of shape (runs, 2), result of shape (4,)."""
    runs = len(accuracies)
    if runs > 1:
        return np.std(all_groups(accuracies, spurious_ratio), axis=0, ddof=1) / np.sqrt(runs)
    return _test_errors(accuracies[0], spurious_ratio)


def _test_errors(accuracy: np.ndarray, spurious_ratio: float, runs: int = 1) -> np.ndarray:
    """What the finite test sets alone contribute, for true accuracies of shape (2,)."""
    variance = accuracy * (1 - accuracy) / (TEST_SIZE * runs)
    weights = np.array([[1, 0], [0, 1], [spurious_ratio, 1 - spurious_ratio], [0.5, 0.5]])
    return np.sqrt(weights**2 @ variance)


def tabulate(
    trained: Mapping[str, Trained],
    predictions: Sequence[Mapping[str, Any]],
    prompts: Sequence[str],
    spurious_ratio: float,
    supervised: Collection[str] = SUPERVISED,
) -> list[Row]:
    """One row for each learner and prompt, compared with the theory where there is one.

    Args:
        trained: learner to what training gave.
        predictions: rows as the `predictions` of `theory.report.report`: learner, prompt, accuracy and, where that is
            None, a note on why.
        prompts: in the order of the accuracies.
        spurious_ratio: of the mixture `in_distribution`.
        supervised: which learners read no prompt.
    """
    theory = {(row["learner"], row["prompt"]): row["accuracy"] for row in predictions}
    notes = {(row["learner"], row["prompt"]): row.get("note") for row in predictions}
    cells = [
        (name, prompt, result.accuracies[:, index], result)
        for name, result in trained.items()
        for index, prompt in enumerate((None,) if name in supervised else prompts)
    ]
    comparisons = len(GROUPS) * sum(theory.get((name, prompt)) is not None for name, prompt, *_ in cells)
    rows = []
    for name, prompt, accuracies, result in cells:
        mean = np.mean(all_groups(accuracies, spurious_ratio), axis=0)
        stderr = standard_errors(accuracies, spurious_ratio)
        expected = theory.get((name, prompt))
        agrees = None
        if expected is not None and result.converged and len(accuracies) > 1:
            agrees = agrees_with(mean, stderr, expected, len(accuracies), spurious_ratio, comparisons)
        note = notes.get((name, prompt)) if expected is None else None
        judged = (expected, note, agrees, result.converged, result.steps)
        rows.append(Row(name, prompt, _by_group(mean), _by_group(stderr), *judged))
    return rows


def agrees_with(
    mean: np.ndarray,
    stderr: np.ndarray,
    expected: Mapping[str, float],
    runs: int,
    spurious_ratio: float,
    comparisons: int,
) -> bool:
    """Whether means over runs lie within the corrected sampling error, and `TRAINING_BIAS`, of what is expected.

    Args:
        mean: of the groups, in the order of `GROUPS`, shape (4,).
        stderr: its standard errors.
        expected: accuracy by group.
        runs: how many; at least 2.
        spurious_ratio: of the mixture `in_distribution`.
        comparisons: how many the whole table makes.
    """
    values = np.array([expected[group] for group in GROUPS])
    # A few runs can agree by chance better than their test sets allow.
    error = np.maximum(stderr, _test_errors(values[:2], spurious_ratio, runs))
    critical = stdtrit(runs - 1, 1 - AGREEMENT_LEVEL / (2 * comparisons))
    return bool(np.all(np.abs(mean - values) <= critical * error + TRAINING_BIAS))


def _by_group(values: np.ndarray) -> dict[str, float]:
    return {group: float(value) for group, value in zip(GROUPS, values, strict=True)}
