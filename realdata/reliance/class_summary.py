"""What the classes of one source say together: which line describes them, and how many reject the ray."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from realdata.reliance.class_result import ClassSummary, ClassTest
from realdata.reliance.classes import LINES, ClassFits, shift_variance
from realdata.reliance.random_effects import pool
from workbench.conventions import GROUPS, LEVEL

_IN_WORDS = {
    "ray": "reliance alone, with guessers at 50%",
    "chance": "reliance alone, with guessers at chance",
    "shift": "counter photos harder for all models alike",
    "line": "neither reliance nor difficulty alone",
}


def summarise(fits: ClassFits, tests: Sequence[ClassTest]) -> ClassSummary:
    """Count and average over the judged tests of one source.

    Quasi-likelihood: the deviances over the overdispersion of the line of any slope and intercept, which all lines
    share, plus twice the parameters, with the correction for few models (AICc) in each class.
    """
    lines, models = fits.lines, fits.counts.known.sum(axis=1)
    overdispersion = max(1.0, float(lines["line"].pearson.sum() / (models - 2).sum()))
    qaicc = {}
    for name in LINES:
        parameters = 2 if name == "line" else 1
        # Two observations a model and a place for each: what is left over for the line is one a model.
        penalty = 2 * parameters * models / np.maximum(models - parameters - 1, 1)
        qaicc[name] = float(np.sum(lines[name].deviance / overdispersion + penalty))
    best = min(qaicc.values())
    slope = lines["line"].slope
    own = np.maximum(1.0, lines["line"].pearson / (models - 2))
    angles = pool(np.arctan(slope), (lines["line"].slope_error / (1 + slope**2)) ** 2 * own, np.pi / 4)
    shifts = pool(lines["shift"].intercept, shift_variance(fits), 0.0)
    return ClassSummary(
        source=fits.counts.source,
        classes=len(tests),
        models=int(models.max()),
        rejected_at_5={name: sum(test.p_values[name] < LEVEL for test in tests) for name in LINES},
        expected=LEVEL * len(tests),
        rejected=0,
        holds=0,
        undecided=0,
        drops={},
        qaicc={name: value - best for name, value in qaicc.items()},
        overdispersion=overdispersion,
        slope=float(np.tan(angles.mean)),
        slope_interval=(float(np.tan(angles.interval[0])), float(np.tan(angles.interval[1]))),
        slope_p_value=angles.p_value,
        slope_p_value_corrected=1.0,
        shift=shifts.mean,
        shift_interval=shifts.interval,
        shift_spread=shifts.spread,
        slope_of_averages=_slope_of_averages(fits, "shift"),
        slope_of_averages_measured=_slope_of_averages(fits, None),
        left_out=fits.counts.left_out,
        verdict=min(qaicc, key=lambda name: qaicc[name]),
        sentence="",
    )


def _slope_of_averages(fits: ClassFits, name: str | None) -> float:
    """Slope of the line through the models' averages over classes, as a line of each class has them or as measured."""
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


def questions(summary: ClassSummary) -> tuple[float, ...]:
    """The p-values that count in the correction for multiple comparisons."""
    return (summary.slope_p_value,)


def judged(summary: ClassSummary, corrected: Sequence[float]) -> ClassSummary:
    """With the corrected p-value of the slope."""
    return dataclasses.replace(summary, slope_p_value_corrected=corrected[0])


def counted(summary: ClassSummary, tests: Sequence[ClassTest]) -> ClassSummary:
    """With the verdicts of its judged classes, and the whole in a sentence."""
    drops: dict[str, list[float]] = {"rejected": [], "holds": [], "undecided": []}
    for test in tests:
        drops[test.verdict].append(test.drop)
    low, high = summary.slope_interval
    steep = "differs from 1" if summary.slope_p_value_corrected < LEVEL else "is not told from 1"
    return dataclasses.replace(
        summary,
        rejected=len(drops["rejected"]),
        holds=len(drops["holds"]),
        undecided=len(drops["undecided"]),
        drops={name: float(np.mean(values)) if values else None for name, values in drops.items()},
        sentence=(
            f"{summary.source}, {summary.classes} classes of up to {summary.models} CLIPs: one ray is rejected in "
            f"{len(drops['rejected'])}, holds in {len(drops['holds'])} and is undecided in "
            f"{len(drops['undecided'])}; before the correction {summary.rejected_at_5['ray']} reject it at 5%, where "
            f"{summary.expected:.1f} would by chance. Best described by {_IN_WORDS[summary.verdict]} "
            f"({summary.verdict}); the mean slope, {summary.slope:.2f} [{low:.2f}, {high:.2f}], {steep}, and the mean "
            f"shift is {summary.shift:+.2f} [{summary.shift_interval[0]:+.2f}, {summary.shift_interval[1]:+.2f}] "
            f"probits, {summary.shift_spread:.2f} between classes. Averaging classes of slope 1 makes a line of slope "
            f"{summary.slope_of_averages:.2f}; that of the averages is {summary.slope_of_averages_measured:.2f}."
        ),
    )
