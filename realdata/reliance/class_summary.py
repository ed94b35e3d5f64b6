"""A summary of one source's classes: the line that describes them best, and how many reject the ray."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from realdata.reliance.classes import LINES, ClassFits, ClassTest, shift_variance
from realdata.reliance.question import Correction, Question, pool
from workbench.conventions import GROUPS, LEVEL

_LINE_IN_WORDS = {
    "ray": "reliance alone, with guessers at 50%",
    "chance": "reliance alone, with guessers at chance",
    "shift": "counter photos harder for all models alike",
    "line": "neither reliance nor difficulty alone",
}


@dataclasses.dataclass(frozen=True)
class ClassSummary:
    """A summary of one source's classes.

    Attributes:
        source: `paper` or `replication`.
        classes: number of classes.
        models: largest number of models in a class.
        rejected_at_5: for each line, number of classes that reject it at 5%, not corrected.
        expected: number that would reject a line by chance if it were right in every class.
        rejected: number of classes that reject the ray after Holm's correction over the whole program.
        holds: number of classes with an intercept that is shown to be small.
        undecided: number of the other classes.
        drops: mean drop in points of the classes with each verdict; None if there are none.
        qaicc: for each line, the quasi-Akaike criterion summed over classes, minus the best line's.
        overdispersion: overdispersion of `line`, which scales the criterion.
        slope: mean over classes of the slope of `line` (random effects on its angle).
        slope_interval: its 95% interval.
        slope_p_value: p-value of the test that the mean is 1, not corrected.
        slope_p_value_corrected: the same with Holm's correction over the whole program.
        shift: mean over classes of the shift of the line with slope 1 (random effects), in probits.
        shift_interval: its 95% interval.
        shift_spread: standard deviation between classes beyond photo noise and the models' scatter.
        slope_of_averages: slope of the line through the models' averages if every class had slope 1 and its own shift.
        slope_of_averages_measured: slope of the line through the measured averages, of the models known in all classes.
        left_out: number of accuracies that are not counts of photos.
        verdict: `ray`, `chance`, `shift` or `line`: the line that describes the classes best.
        sentence: the result in words.
    """

    source: str
    classes: int
    models: int
    rejected_at_5: dict[str, int]
    expected: float
    rejected: int
    holds: int
    undecided: int
    drops: dict[str, float | None]
    qaicc: dict[str, float]
    overdispersion: float
    slope: float
    slope_interval: tuple[float, float]
    slope_p_value: float
    slope_p_value_corrected: float
    shift: float
    shift_interval: tuple[float, float]
    shift_spread: float
    slope_of_averages: float
    slope_of_averages_measured: float
    left_out: tuple[str, ...]
    verdict: str
    sentence: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", self._in_words())

    def _in_words(self) -> str:
        low, high = self.slope_interval
        steep = "differs from 1" if self.slope_p_value_corrected < LEVEL else "is not told from 1"
        return (
            f"{self.source}, {self.classes} classes of up to {self.models} CLIPs: one ray is rejected in "
            f"{self.rejected}, holds in {self.holds} and is undecided in {self.undecided}; before the correction "
            f"{self.rejected_at_5['ray']} reject it at 5%, where {self.expected:.1f} would by chance. Best described "
            f"by {_LINE_IN_WORDS[self.verdict]} ({self.verdict}); the mean slope, {self.slope:.2f} "
            f"[{low:.2f}, {high:.2f}], {steep}, and the mean shift is {self.shift:+.2f} "
            f"[{self.shift_interval[0]:+.2f}, {self.shift_interval[1]:+.2f}] probits, {self.shift_spread:.2f} "
            f"between classes. Averaging classes of slope 1 makes a line of slope {self.slope_of_averages:.2f}; that "
            f"of the averages is {self.slope_of_averages_measured:.2f}."
        )


def summarise(fits: ClassFits, tests: Sequence[Question[ClassTest]]) -> Question[ClassSummary]:
    """Count and average over the classes of one source, and test whether their mean slope is 1.

    Quasi-likelihood: the deviances over the overdispersion of `line`, plus twice the number of parameters, with the
    correction for few models (AICc) in each class.

    Args:
        fits: the fits of the classes.
        tests: the result of `realdata.reliance.classes.ask_classes`.
    """
    lines, models = fits.lines, fits.counts.known.sum(axis=1)
    overdispersion = max(1.0, float(lines["line"].pearson.sum() / (models - 2).sum()))
    qaicc = {}
    for name in LINES:
        parameters = 2 if name == "line" else 1
        # Two observations a model and a place for each: what is left over for the line is one a model.
        penalty = 2 * parameters * models / np.maximum(models - parameters - 1, 1)
        qaicc[name] = float(np.sum(lines[name].deviance / overdispersion + penalty))
    least = min(qaicc.values())
    verdict = min(qaicc, key=lambda name: qaicc[name])
    slope = lines["line"].slope
    own = np.maximum(1.0, lines["line"].pearson / (models - 2))
    angles = pool(np.arctan(slope), (lines["line"].slope_error / (1 + slope**2)) ** 2 * own, np.pi / 4)
    shifts = pool(lines["shift"].intercept, shift_variance(fits), 0.0)

    def answer(correct: Correction) -> ClassSummary:
        judged = [test.answer(correct) for test in tests]
        drops: dict[str, list[float]] = {"rejected": [], "holds": [], "undecided": []}
        for test in judged:
            drops[test.verdict].append(test.drop)
        return ClassSummary(
            source=fits.counts.source,
            classes=len(judged),
            models=int(models.max()),
            rejected_at_5={name: sum(test.p_values[name] < LEVEL for test in judged) for name in LINES},
            expected=LEVEL * len(judged),
            rejected=len(drops["rejected"]),
            holds=len(drops["holds"]),
            undecided=len(drops["undecided"]),
            drops={name: float(np.mean(values)) if values else None for name, values in drops.items()},
            qaicc={name: value - least for name, value in qaicc.items()},
            overdispersion=overdispersion,
            slope=float(np.tan(angles.mean)),
            slope_interval=(float(np.tan(angles.interval[0])), float(np.tan(angles.interval[1]))),
            slope_p_value=angles.p_value,
            slope_p_value_corrected=correct(angles.p_value),
            shift=shifts.mean,
            shift_interval=shifts.interval,
            shift_spread=shifts.spread,
            slope_of_averages=_slope_of_averages(fits, "shift"),
            slope_of_averages_measured=_slope_of_averages(fits, None),
            left_out=fits.counts.left_out,
            verdict=verdict,
        )

    return Question((angles.p_value,), answer)


def _slope_of_averages(fits: ClassFits, name: str | None) -> float:
    """Slope of the line through the models' averages over classes, from the lines of each class or as measured."""
    counts = fits.counts
    everywhere = counts.known.all(axis=0)  # an average over other classes is another average
    if name is None:
        common, counter = (counts.right[group] / counts.photos[group] for group in GROUPS)
    else:
        line = fits.lines[name]
        common = norm.cdf(line.places)
        counter = norm.cdf(line.intercept[:, None] + line.slope[:, None] * line.places)
    x, y = (norm.ppf(part[:, everywhere].mean(axis=0)) for part in (common, counter))
    return float(np.polyfit(x, y, 1)[0])
