"""Class by class: whether the models of one class lie on a ray, and which line describes them.

Four lines are fitted to each class with binomial errors in both accuracies (`realdata.reliance.count_lines`):

- `ray`: through the origin (50%, 50%) of probit axes, as in the theory: reliance alone.
- `chance`: through (1 / K, 1 / K), the accuracy of guessing among K = 1000 candidates: reliance alone, many classes.
- `shift`: slope 1: counter photos are harder for all models by the same number of probits.
- `line`: any slope and intercept.

A class's ray is `rejected` if its deviance, or the intercept's likelihood ratio, is significant after Holm's correction
over the whole program. The models saw the same photos, so both tests allow any common correlation of their errors
(`realdata.reliance.count_lines`). The intercept's test also includes the models' own scatter, by the overdispersion of
the line. A class with few photos, or with models that are too similar, cannot reject the ray. So the ray `holds` only
if the 95% interval of the intercept is within `NEGLIGIBLE`, which all intercepts of the averages exceed; otherwise it
is `undecided`.

Over classes, which have different photos, slopes and shifts are averaged as random effects (DerSimonian and Laird, with
the interval of Hartung and Knapp): the slope by its angle, whose error stays finite where the line is steep.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.stats import norm
from scipy.stats import t as student_t

from realdata.reliance.count_lines import CountLine, fit_counts, largest_p_value, left_share
from realdata.reliance.counts import ClassCounts
from realdata.reliance.question import Correction, Question
from workbench.conventions import GROUPS, LEVEL, Z95

LINES = ("ray", "chance", "shift", "line")
# In probits; all intercepts of the averages are further from 0 (docs/theory/accuracy_on_the_line.md).
NEGLIGIBLE = 0.5
# The search for an interval's end stops here, in probits.
_FURTHEST = 6.0
_DISTANCES, _BISECTIONS = np.geomspace(0.1, 2 * _FURTHEST, 9), 8
_POWER = 0.8
_CHANCE = {"ray": 0.0, "chance": float(norm.ppf(1 / 1000)), "shift": 0.0, "line": 0.0}


@dataclasses.dataclass(frozen=True)
class ClassTest:
    """The models of one source in one class, against a ray: one line through the origin of probit axes.

    Attributes:
        source: `paper` or `replication`.
        imagenet_index: the class's index.
        label: the class's first name.
        models: number of models with accuracies in the class.
        common_photos: number of common photos.
        counter_photos: number of counter photos.
        drop: mean drop over the models, in points.
        slope: k of the ray.
        reliance: tau of the ray; None if the models' two probits do not sum to more than 0.
        interval: its 95% interval, with the root of the overdispersion as a factor.
        deviance: deviances of the ray and of the other lines from the saturated model.
        freedom: degrees of freedom of the ray's deviance.
        overdispersion: the ray's deviance over its degrees of freedom.
        p_values: p-values of the tests that each line is enough, the largest over the correlation of the models'
        errors;
            not corrected.
        intercept: intercept of `line`, in probits of the counter photos.
        intercept_interval: its 95% interval; None for an end beyond 6 probits.
        detectable_intercept: the smallest intercept that a test at 5% finds with probability 80%.
        intercept_p_value: p-value of the test that it is 0, not corrected.
        shift: alpha of the line with slope 1, in probits.
        shift_stderr: its standard error.
        p_value_corrected: the ray's p-value with Holm's correction over the whole program.
        intercept_p_value_corrected: the intercept's p-value with Holm's correction over the whole program.
        verdict: `rejected`, `holds` or `undecided`.
        sentence: the result in words.
    """

    source: str
    imagenet_index: int
    label: str
    models: int
    common_photos: int
    counter_photos: int
    drop: float
    slope: float
    reliance: float | None
    interval: tuple[float, float] | None
    deviance: dict[str, float]
    freedom: int
    overdispersion: float
    p_values: dict[str, float]
    intercept: float
    intercept_interval: tuple[float | None, float | None]
    detectable_intercept: float
    intercept_p_value: float
    shift: float
    shift_stderr: float
    p_value_corrected: float
    intercept_p_value_corrected: float
    verdict: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class ClassFits:
    """The four lines of each class.

    Attributes:
        counts: the counts of right photos.
        lines: the lines by name.
        inflation: factor of the intercept's variance from the models' scatter or shared errors, whichever is larger.
    """

    counts: ClassCounts
    lines: dict[str, CountLine]
    inflation: Float[np.ndarray, " classes"]


def fit_classes(counts: ClassCounts) -> ClassFits:
    """Fit the four lines to every class."""
    data = (counts.right, counts.photos, counts.known)
    lines = {
        "ray": fit_counts(*data, intercept=0.0),
        "chance": fit_counts(*data, intercept=0.0, meeting=_CHANCE["chance"]),
        "shift": fit_counts(*data, slope=1.0),
        "line": fit_counts(*data),
    }
    models = counts.known.sum(axis=1)
    # The effect of a common error on the ray's intercept, relative to that of independent errors.
    ray = lines["ray"]
    root = np.sqrt(ray.weights)
    tilt = np.sum(ray.weights * ray.places, axis=1) / np.sum(ray.weights * ray.places**2, axis=1)
    score = root * (1 - tilt[:, None] * ray.places)
    shared = np.sum(score, axis=1) ** 2 / np.sum(score**2, axis=1)
    return ClassFits(
        counts, lines, np.maximum.reduce([np.ones(len(models)), lines["line"].pearson / (models - 2), shared])
    )


def ask_classes(fits: ClassFits) -> list[Question[ClassTest]]:
    """Ask for every class whether its models are on one ray."""
    counts, lines = fits.counts, fits.lines
    models = counts.known.sum(axis=1)
    ray, line = lines["ray"], lines["line"]
    freedom = {name: models - (2 if name == "line" else 1) for name in LINES}
    p_values = {
        name: largest_p_value(fit.deviance, freedom[name], models, left_share(fit.weights, _design(name, fit)))
        for name, fit in lines.items()
    }
    student = student_t(models - 2)
    improvement = np.maximum(ray.deviance - line.deviance, 0.0) / fits.inflation
    intercept_p = 2 * student.sf(np.sqrt(improvement))
    low, high = _intercept_interval(fits, student.ppf(1 - LEVEL / 2))
    information = np.sum(ray.weights, axis=1) - np.sum(ray.weights * ray.places, axis=1) ** 2 / np.sum(
        ray.weights * ray.places**2, axis=1
    )
    detectable = (student.ppf(1 - LEVEL / 2) + student.ppf(_POWER)) * np.sqrt(fits.inflation / information)
    reliance_error = 2 * ray.slope_error * np.sqrt(np.maximum(1, ray.deviance / freedom["ray"])) / (1 + ray.slope) ** 2
    sensible = np.sum(counts.known * ray.places, axis=1) * (1 + ray.slope) > 0
    half = Z95 * reliance_error
    shares = {group: counts.right[group] / counts.photos[group] for group in GROUPS}
    drops = 100 * np.sum(counts.known * (shares["common"] - shares["counter"]), axis=1) / models
    shift_error = np.sqrt(shift_variance(fits))

    def ask(c: int, imagenet_index: int, label: str) -> Question[ClassTest]:
        one_ray, no_intercept = float(p_values["ray"][c]), float(intercept_p[c])
        tau = float((1 - ray.slope[c]) / (1 + ray.slope[c])) if sensible[c] else None
        overdispersion = float(ray.deviance[c] / freedom["ray"][c])
        ends = _inside(low[c]), _inside(high[c])

        def answer(correct: Correction) -> ClassTest:
            verdict, reasons = _judge(
                correct(one_ray), correct(no_intercept), ends, overdispersion, float(detectable[c])
            )
            return ClassTest(
                source=counts.source,
                imagenet_index=imagenet_index,
                label=label,
                models=int(models[c]),
                common_photos=int(counts.photos["common"][c].max()),
                counter_photos=int(counts.photos["counter"][c].max()),
                drop=float(drops[c]),
                slope=float(ray.slope[c]),
                reliance=tau,
                interval=None if tau is None else (float(tau - half[c]), float(tau + half[c])),
                deviance={name: float(fit.deviance[c]) for name, fit in lines.items()},
                freedom=int(freedom["ray"][c]),
                overdispersion=overdispersion,
                p_values={name: float(p_values[name][c]) for name in LINES},
                intercept=float(line.intercept[c]),
                intercept_interval=ends,
                detectable_intercept=float(detectable[c]),
                intercept_p_value=no_intercept,
                shift=float(lines["shift"].intercept[c]),
                shift_stderr=float(shift_error[c]),
                p_value_corrected=correct(one_ray),
                intercept_p_value_corrected=correct(no_intercept),
                verdict=verdict,
                sentence=f"{counts.source}, {label}: one ray {verdict}: {'; '.join(reasons)}.",
            )

        return Question((one_ray, no_intercept), answer)

    return [
        ask(c, int(words["imagenet_index"]), str(words["label"]).partition(",")[0])
        for c, (_, words) in enumerate(counts.classes.iterrows())
    ]


def _judge(
    one_ray: float,
    no_intercept: float,
    interval: tuple[float | None, float | None],
    overdispersion: float,
    detectable: float,
) -> tuple[str, list[str]]:
    """The verdict on one class from the two corrected p-values, with its reasons in words."""
    low, high = interval
    ends = f"[{'below -6' if low is None else f'{low:+.2f}'}, {'above 6' if high is None else f'{high:+.2f}'}]"
    reasons = []
    if no_intercept < LEVEL:
        reasons.append(f"the line misses the origin, {ends} probits")
        if low is not None and high is not None and low < 0 < high:  # a steep line may pass the origin on either side
            reasons[0] += " but not 0"
    if one_ray < LEVEL:
        reasons.append(f"the models scatter {overdispersion:.1f} times as much as photos do")
    if reasons:
        return "rejected", reasons
    if low is not None and high is not None and low > -NEGLIGIBLE and high < NEGLIGIBLE:
        return "holds", [f"no intercept beyond {NEGLIGIBLE} probits is compatible, {ends}"]
    return "undecided", [f"the intercept may be {ends}; one of {detectable:.2f} would be found in 80%"]


def shift_variance(fits: ClassFits) -> Float[np.ndarray, " classes"]:
    """Variance of each class's shift, from errors that all models share or from their scatter, whichever is larger."""
    shift = fits.lines["shift"]
    total = np.sum(shift.weights, axis=1)
    freedom = fits.counts.known.sum(axis=1) - 1
    shared = (np.sum(np.sqrt(shift.weights), axis=1) / total) ** 2
    return np.maximum(shared, np.maximum(1, shift.pearson / freedom) / total)


def _design(name: str, fit: CountLine) -> Float[np.ndarray, "classes models parameters"]:
    places, one = fit.places - _CHANCE[name], np.ones_like(fit.places)
    return np.stack({"shift": [one], "line": [one, places]}.get(name, [places]), axis=-1)


def _intercept_interval(fits: ClassFits, critical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Profile-likelihood interval of each class's intercept: the connected part around the estimate."""
    counts, line = fits.counts, fits.lines["line"]
    right, photos = (
        {group: np.concatenate([part[group]] * 2) for group in GROUPS} for part in (counts.right, counts.photos)
    )
    known = np.concatenate([counts.known] * 2)
    limit = np.tile(line.deviance + critical**2 * fits.inflation, 2)
    classes = len(line.slope)
    start = np.clip(np.tile(line.intercept, 2), -_FURTHEST, _FURTHEST)
    sides = np.repeat([-1.0, 1.0], classes)
    inner, outer = start.copy(), start.copy()

    def excludes(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        own_right, own_photos = ({group: part[group][rows] for group in GROUPS} for part in (right, photos))
        return fit_counts(own_right, own_photos, known[rows], intercept=at, iterations=30).deviance > limit[rows]

    # Search outwards to the first excluded point; beyond it, a steep line in the other direction may fit again.
    found = np.zeros(2 * classes, bool)
    for distance in _DISTANCES:
        rows = np.flatnonzero(~found)
        inner[rows] = outer[rows]
        outer[rows] = np.clip(start[rows] + sides[rows] * distance, -_FURTHEST, _FURTHEST)
        found[rows] = excludes(rows, outer[rows])
    rows = np.flatnonzero(found)
    for _ in range(_BISECTIONS):
        middle = (inner[rows] + outer[rows]) / 2
        out = excludes(rows, middle)
        inner[rows], outer[rows] = np.where(out, inner[rows], middle), np.where(out, middle, outer[rows])
    ends = np.where(found, outer, sides * np.inf)
    return ends[:classes], ends[classes:]


def _inside(end: float) -> float | None:
    return float(end) if np.isfinite(end) else None
