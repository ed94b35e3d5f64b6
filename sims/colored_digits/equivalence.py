"""Are two learners equally accurate? An equivalence test: equal within a margin, different, or inconclusive.

Runs are paired: those of one seed saw the same images. Two one-sided t-tests (Schuirmann 1987) ask whether the mean
difference lies within the margin, a two-sided paired t-test whether it is 0; both are corrected by Holm over all
comparisons that are made together. A difference that is shown and still lies within the margin is `equal`: the margin
says what counts.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from sims.colored_digits.config import MARGIN
from workbench.conventions import LEVEL

EQUAL, DIFFERENT, INCONCLUSIVE = "equal", "different", "inconclusive"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One difference of means.

    Attributes:
        difference: mean over runs of the paired differences.
        interval: its 95% interval, not corrected; None for a single run.
        p_equal: that it lies within the margin (the null hypothesis is that it does not), corrected; None likewise.
        p_different: that it is not 0, corrected; None likewise.
        verdict: `equal`, `different` or `inconclusive`.
    """

    difference: float
    interval: tuple[float, float] | None
    p_equal: float | None
    p_different: float | None
    verdict: str


def compare_runs(differences: Sequence[Float[np.ndarray, " _"]], margin: float = MARGIN) -> list[Comparison]:
    """Compare several pairs of learners at once.

    Args:
        differences: for each comparison, the differences of the runs of one seed.
        margin: what is smaller counts as equal, in the same unit; above 0.
    """
    means = [float(np.mean(runs)) for runs in differences]
    testable = [index for index, runs in enumerate(differences) if len(runs) > 1]
    raw = [_p_values(differences[index], margin) for index in testable]
    corrected: dict[int, tuple[float, float]] = {}
    if raw:
        holm = [multipletests(column, LEVEL, method="holm")[1] for column in zip(*raw, strict=True)]
        corrected = dict(zip(testable, zip(*(map(float, column) for column in holm), strict=True), strict=True))
    found = []
    for index, runs in enumerate(differences):
        if index not in corrected:
            found.append(Comparison(means[index], None, None, None, INCONCLUSIVE))
            continue
        p_equal, p_different = corrected[index]
        low, high = DescrStatsW(runs).tconfint_mean(LEVEL)
        verdict = EQUAL if p_equal < LEVEL else DIFFERENT if p_different < LEVEL else INCONCLUSIVE
        found.append(Comparison(means[index], (float(low), float(high)), p_equal, p_different, verdict))
    return found


def _p_values(runs: Float[np.ndarray, " runs"], margin: float) -> tuple[float, float]:
    """Of the two one-sided tests, the larger, and of the two-sided one."""
    if np.ptp(runs) == 0:  # all runs differ alike, and t is 0 / 0 or infinite
        return float(abs(runs[0]) >= margin), float(runs[0] == 0)
    statistics = DescrStatsW(runs)
    return float(statistics.ttost_mean(-margin, margin)[0]), float(statistics.ttest_mean(0.0)[1])


def overall(verdicts: Sequence[str]) -> str:
    """Several comparisons in one word: equal if all are, different if one is."""
    if DIFFERENT in verdicts:
        return DIFFERENT
    return EQUAL if verdicts and set(verdicts) == {EQUAL} else INCONCLUSIVE
