"""The answer to the paper's question: contrastive against supervised learners, run by run on the same images."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from sims.comparison import Row
from sims.objectives import OBJECTIVES, SUPERVISED
from sims.runs import TEST_SIZE
from sims.training import Trained

QUESTION = "Is a contrastive learner more robust to the spurious feature than supervised training on the same images?"

# Probability that any of the verdict's intervals misses its difference (Bonferroni over the comparisons).
LEVEL = 0.05


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A contrastive learner against the supervised reference on `conflicting`, run by run on the same images.

    Attributes:
        learner: name of the contrastive objective.
        prompt: name of its prompt.
        difference: mean difference of the accuracies, positive where the contrastive learner is more often right.
        stderr: its standard error over the runs; None for a single run.
        interval: simultaneous 95% interval; None for a single run.
        p_value: two-sided, corrected for the number of comparisons; None for a single run.
        verdict: `more robust`, `less robust`, `no difference shown`, `not judged` (a single run) or `not converged`.
    """

    learner: str
    prompt: str
    difference: float
    stderr: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    verdict: str


def compare(trained: Mapping[str, Trained], prompts: Sequence[str]) -> tuple[str, list[Comparison]]:
    """Compare each contrastive learner on `conflicting` with the better of the supervised ones.

    Returns:
        The name of the supervised reference, and the comparisons.
    """
    conflicting = {name: result.accuracies[:, :, 1] for name, result in trained.items()}
    reference = max(SUPERVISED, key=lambda name: float(np.mean(conflicting[name])))
    pairs = [
        (name, prompt, conflicting[name][:, index] - conflicting[reference][:, 0])
        for name in trained
        if OBJECTIVES[name].contrastive
        for index, prompt in enumerate(prompts)
    ]
    comparisons = []
    for name, prompt, differences in pairs:
        converged = trained[name].converged and trained[reference].converged
        comparisons.append(_compare(name, prompt, differences, len(pairs), converged))
    return reference, comparisons


def _compare(learner: str, prompt: str, differences: np.ndarray, comparisons: int, converged: bool) -> Comparison:
    runs = len(differences)
    mean = float(np.mean(differences))
    if runs < 2:
        return Comparison(learner, prompt, mean, None, None, None, "not judged" if converged else "not converged")
    # Differences in multiples of 1 / TEST_SIZE have at least the error of rounding to them.
    stderr = max(float(np.std(differences, ddof=1)), 1 / TEST_SIZE / np.sqrt(12)) / np.sqrt(runs)
    half_width = stdtrit(runs - 1, 1 - LEVEL / (2 * comparisons)) * stderr
    p_value = min(1.0, comparisons * 2 * float(stdtr(runs - 1, -abs(mean) / stderr)))
    if not converged:
        verdict = "not converged"
    elif abs(mean) <= half_width:
        verdict = "no difference shown"
    else:
        verdict = "more robust" if mean > 0 else "less robust"
    interval = (float(mean - half_width), float(mean + half_width))
    return Comparison(learner, prompt, mean, float(stderr), interval, p_value, verdict)


def verdict(reference: str, comparisons: Sequence[Comparison], rows: Sequence[Row]) -> dict[str, Any]:
    """The answer to `QUESTION`, with the comparisons behind it and in words; JSON-ready."""
    kinds = {comparison.verdict for comparison in comparisons}
    if "more robust" in kinds:
        answer = "yes"
    elif kinds == {"less robust"}:
        answer = "no"
    else:
        answer = "inconclusive"
    return {
        "question": QUESTION,
        "answer": answer,
        "group": "conflicting",
        "reference": reference,
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
        "text": _in_words(answer, reference, comparisons, rows),
    }


def _in_words(answer: str, reference: str, comparisons: Sequence[Comparison], rows: Sequence[Row]) -> list[str]:
    accuracy = {(row.learner, row.prompt): 100 * row.accuracy["conflicting"] for row in rows}
    base = accuracy[(reference, None)]
    if not comparisons:
        return ["No contrastive learner was trained, so there is nothing to compare."]
    sentences = []
    best = max(comparisons, key=lambda comparison: comparison.difference)
    if answer == "yes":
        best = max((c for c in comparisons if c.verdict == "more robust"), key=lambda c: c.difference)
        sentences.append(
            f"Yes: {best.learner} with the {best.prompt} prompt is right on "
            f"{accuracy[(best.learner, best.prompt)]:.1f}% of the conflicting images, {reference} (the more robust "
            f"supervised learner) on {base:.1f}%: {_points(best)}."
        )
    elif answer == "no":
        sentences.append(
            f"No: every contrastive learner is less often right on the conflicting images than {reference} "
            f"({base:.1f}%). The closest is {best.learner} with the {best.prompt} prompt: {_points(best)}."
        )
    else:
        sentences.append(
            f"Inconclusive: no contrastive learner is shown to be more robust than {reference} ({base:.1f}% of the "
            f"conflicting images). The best is {best.learner} with the {best.prompt} prompt: {_points(best)}."
        )
        if best.interval is None:
            sentences.append("A single run has no error to judge by; --seeds 2 or more gives one.")
    for kind in ("more robust", "no difference shown", "less robust", "not judged", "not converged"):
        named = [f"{c.learner}/{c.prompt} {100 * c.difference:+.1f}" for c in comparisons if c.verdict == kind]
        if named:
            sentences.append(f"{kind.capitalize()} (points against {reference}): {', '.join(named)}.")
    return sentences


def _points(comparison: Comparison) -> str:
    difference = f"{100 * comparison.difference:+.1f} points"
    if comparison.interval is None or comparison.p_value is None:
        return difference
    low, high = (100 * bound for bound in comparison.interval)
    p_value = "p < 0.0001" if comparison.p_value < 0.0001 else f"p = {comparison.p_value:.2g}"
    return f"{difference} (simultaneous 95% interval {low:+.1f} to {high:+.1f}, corrected {p_value})"
