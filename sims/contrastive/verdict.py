"""The answer to the paper's question: contrastive against supervised learners, run by run on the same images.

A contrastive learner counts as more (less) robust when it is more (less) often right on `conflicting` images than every
supervised learner, each at the corrected level; so no reference is chosen by looking at the results.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from sims.contrastive.comparison import Row
from sims.names import SUPERVISED
from sims.training.record import Trained
from sims.training.runs import TEST_SIZE
from workbench.conventions import LEVEL

QUESTION = "Is a contrastive learner more robust to the spurious feature than supervised training on the same images?"

# Probability that any of the verdict's intervals misses its difference (Bonferroni over the comparisons).


@dataclasses.dataclass(frozen=True)
class Difference:
    """Accuracy on `conflicting` of a contrastive minus a supervised learner, paired by run.

    Attributes:
        reference: name of the supervised learner.
        difference: mean over the runs, positive where the contrastive learner is more often right.
        stderr: its standard error over the runs; None for a single run.
        interval: simultaneous 95% interval; None for a single run.
        p_value: two-sided, corrected for the number of comparisons; None for a single run.
    """

    reference: str
    difference: float
    stderr: float | None
    interval: tuple[float, float] | None
    p_value: float | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A contrastive learner with one prompt against all supervised learners.

    Attributes:
        learner: name of the contrastive objective.
        prompt: name of its prompt.
        differences: one for each supervised learner.
        verdict: `more robust`, `less robust`, `between` (more than one supervised learner, less than another), `no
            difference shown`, `not judged` (a single run) or `not converged` (it, or a supervised learner).
    """

    learner: str
    prompt: str
    differences: tuple[Difference, ...]
    verdict: str

    @property
    def closest(self) -> Difference:
        """The smallest difference in size: what can be said against every supervised learner."""
        return min(self.differences, key=lambda item: abs(item.difference))


def compare(
    trained: Mapping[str, Trained], prompts: Sequence[str], supervised: Collection[str] = SUPERVISED
) -> list[Comparison]:
    """Compare each contrastive learner on `conflicting` with every supervised one.

    Args:
        trained: learner to what training gave.
        prompts: in the order of the accuracies.
        supervised: which learners are; the others are contrastive.
    """
    conflicting = {name: result.accuracies[:, :, 1] for name, result in trained.items()}
    contrastive = [name for name in trained if name not in supervised]
    count = len(contrastive) * len(prompts) * len(supervised)
    comparisons = []
    for name in contrastive:
        converged = all(trained[other].converged for other in (name, *supervised))
        for index, prompt in enumerate(prompts):
            differences = tuple(
                _difference(reference, conflicting[name][:, index] - conflicting[reference][:, 0], count)
                for reference in supervised
            )
            comparisons.append(Comparison(name, prompt, differences, _judge(differences, converged)))
    return comparisons


def _difference(reference: str, values: np.ndarray, comparisons: int) -> Difference:
    runs, mean = len(values), float(np.mean(values))
    if runs < 2:
        return Difference(reference, mean, None, None, None)
    # Differences in multiples of 1 / TEST_SIZE have at least the error of rounding to them.
    stderr = max(float(np.std(values, ddof=1)), 1 / TEST_SIZE / np.sqrt(12)) / np.sqrt(runs)
    half_width = float(stdtrit(runs - 1, 1 - LEVEL / (2 * comparisons))) * stderr
    p_value = min(1.0, comparisons * 2 * float(stdtr(runs - 1, -abs(mean) / stderr)))
    return Difference(reference, mean, float(stderr), (mean - half_width, mean + half_width), p_value)


def _judge(differences: Sequence[Difference], converged: bool) -> str:
    if not converged:
        return "not converged"
    intervals = [item.interval for item in differences if item.interval is not None]
    if len(intervals) < len(differences):
        return "not judged"
    if all(low > 0 for low, _ in intervals):
        return "more robust"
    if all(high < 0 for _, high in intervals):
        return "less robust"
    if any(low > 0 for low, _ in intervals) and any(high < 0 for _, high in intervals):
        return "between"
    return "no difference shown"


def _answer(comparisons: Sequence[Comparison]) -> str:
    kinds = {comparison.verdict for comparison in comparisons}
    if "between" in kinds or {"more robust", "less robust"} <= kinds:
        return "depends"
    if "more robust" in kinds:
        return "yes"
    return "no" if kinds == {"less robust"} else "inconclusive"


def verdict(comparisons: Sequence[Comparison], rows: Sequence[Row]) -> dict[str, Any]:
    """The answer to `QUESTION`, over all and for each prompt, with the comparisons behind it and in words; JSON-ready.

    `answer` and `by_prompt` are `yes`, `no` (every learner is less robust), `depends` (some are more, some less, or one
    is between the supervised learners) or `inconclusive`.
    """
    prompts = dict.fromkeys(comparison.prompt for comparison in comparisons)
    references = [row.learner for row in rows if row.prompt is None]
    answer = _answer(comparisons)
    return {
        "question": QUESTION,
        "answer": answer,
        "by_prompt": {prompt: _answer([item for item in comparisons if item.prompt == prompt]) for prompt in prompts},
        "group": "conflicting",
        "references": references,
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
        "text": in_words(answer, comparisons, rows),
    }


_OPENING = {
    "yes": "Yes.",
    "no": "No: every contrastive learner is less often right on conflicting images than every supervised one.",
    "depends": "It depends on objective and prompt.",
    "between": "It depends on objective, prompt, and which supervised learner is the reference.",
    "inconclusive": "Inconclusive: no contrastive learner is shown to be more robust than every supervised one.",
}

_CLOSEST = "(points against the nearest)"
_KINDS = {
    "more robust": f"More robust than every supervised learner {_CLOSEST}",
    "between": f"Between the supervised learners {_CLOSEST}",
    "no difference shown": f"Not shown to differ from a supervised learner {_CLOSEST}",
    "less robust": f"Less robust than every supervised learner {_CLOSEST}",
    "not judged": "Not judged",
    "not converged": "Not converged",
}


def in_words(answer: str, comparisons: Sequence[Comparison], rows: Sequence[Row]) -> list[str]:
    """The answer in sentences."""
    if not comparisons:
        return ["No contrastive learner was trained, so there is nothing to compare."]
    accuracy = {(row.learner, row.prompt): row.accuracy for row in rows}
    supervised_learners = [row.learner for row in rows if row.prompt is None]
    supervised = ", ".join(f"{name} {100 * accuracy[(name, None)]['conflicting']:.1f}%" for name in supervised_learners)
    between = any(item.verdict == "between" for item in comparisons)
    sentences = [f"{_OPENING['between' if between else answer]} Right on conflicting images, supervised: {supervised}."]
    best = max(comparisons, key=lambda item: item.closest.difference)
    worst = min(comparisons, key=lambda item: item.closest.difference)
    for extreme, item in {"Highest": best, "Lowest": worst}.items():
        value = 100 * accuracy[(item.learner, item.prompt)]["conflicting"]
        sentences.append(
            f"{extreme}: {item.learner} with the {item.prompt} prompt, {value:.1f}%: {_points(item.closest)}."
        )
    for kind, words in _KINDS.items():
        named = [
            f"{item.learner}/{item.prompt} {100 * item.closest.difference:+.1f}"
            for item in comparisons
            if item.verdict == kind
        ]
        if named:
            sentences.append(f"{words}: {', '.join(named)}.")
    if best.closest.interval is None:
        sentences.append("A single run has no error to judge by; two seeds or more give one.")
    # Leaning on the spurious feature backwards also helps where it conflicts; the worse group shows who pays for it.
    worse = {key: min(groups["aligned"], groups["conflicting"]) for key, groups in accuracy.items()}
    leader = max((item for item in worse if item[1] is not None), key=lambda item: worse[item])
    references = ", ".join(f"{name} {100 * worse[(name, None)]:.1f}%" for name in supervised_learners)
    sentences.append(
        f"In the worse of the two groups, aligned or conflicting: best contrastive {leader[0]}/{leader[1]} "
        f"{100 * worse[leader]:.1f}%; {references}."
    )
    return sentences


def _points(item: Difference) -> str:
    difference = f"{100 * item.difference:+.1f} points against {item.reference}"
    if item.interval is None or item.p_value is None:
        return difference
    low, high = (100 * bound for bound in item.interval)
    p_value = "p < 0.0001" if item.p_value < 0.0001 else f"p = {item.p_value:.2g}"
    return f"{difference} (simultaneous 95% interval {low:+.1f} to {high:+.1f}, corrected {p_value})"
