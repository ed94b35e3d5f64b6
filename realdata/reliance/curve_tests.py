"""The curves of S28 put to the averages: which has the measured slope, and does one set of constants predict others?

Each theory (`realdata.reliance.curves`) is fitted to the ImageNet models of a setting. Two questions:

- shape: is the curve turned from where the models lie? A straight line through the models' mean is added, and the
  F-test says whether it is needed. Models that differ in reliance or training ratio alone, or in the counter photos'
  difficulty alone, need no fit: the first fall on counter photos as they rise on common ones, which a slope above 0
  rejects, and the others are equal on common photos, which a chi-square over the photos' errors rejects.
- prediction: with the constants left as they are, what do other models do, given their common accuracy? The CLIPs on
  the same photos (the model that selected these left out), the same ImageNet models at 20 candidates, SigLIPs, a
  ResNet-50 tuned in eight ways, and SigLIPs and CLIPs on photos whose background is masked out on grey, where a theory
  keeps only the counter photos' difficulty. The mean miss is tested, with errors clustered by pre-training data or
  architecture, the wider, and the constants' errors. SigLIPs are one family, as the tuned ResNets are: their miss is
  given and not tested. On masked photos the photos' own error, as all models share it, is added in full.

A theory says where the curve is and not how far models lie from it. So the score of a model takes the scatter from its
group's other models about that same curve: the logarithm of the normal density of its counter probit, and the
continuous ranked probability score (CRPS, smaller is better), both with the photos' errors and the constants'. Of the
ImageNet models themselves each is predicted by the others (by the leverage).
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import chi2, norm
from scipy.stats import t as student_t

from published.tables import PublishedTables, read_others
from realdata.claims.hypothesis import Effect, clusters_of, negative, regression
from realdata.claims.masked_drop import GREY
from realdata.claims.other_models import FULL
from realdata.claims.settings import Setting
from realdata.reliance.alternatives import CANDIDATES, learned_group
from realdata.reliance.average_lines import Group, covariance, fit_lines, p_value
from realdata.reliance.averages import FEWEST
from realdata.reliance.curves import LINES, THEORIES, Curve, fit_curve, follow, gradient
from realdata.reliance.families import Family, probits
from realdata.reliance.question import Correction, Question
from workbench.conventions import LEVEL

# Two theories that say where models lie without a fit.
RELIANCE, DIFFICULTY_ALONE = "reliance or training ratio", "difficulty alone"
CLIPS, FEWER, SIGLIPS, TUNED, MASKED, OWN = (
    "CLIPs", "ImageNet models, 1v20", "SigLIPs", "tuned ResNets", "masked photos", "ImageNet models"
)  # fmt: skip
_MAIN = ("paper", "1v1000", "balanced", "simple")


@dataclasses.dataclass(frozen=True)
class CurveShape:
    """One theory's curve through the ImageNet models of one setting.

    Attributes:
        source: `paper` or `replication`.
        tables: as of `RelianceTest`.
        setting: as of `RelianceTest`.
        theory: one of `realdata.reliance.curves.THEORIES` or `LINES`, or `RELIANCE` or `DIFFICULTY_ALONE`.
        models: how many.
        constants: those fitted.
        slope: of the curve at the models' mean, on probit axes; of a theory without a fit the measured one.
        tilt: slope that the models have besides, and its 95% interval; None where no such line was added.
        tilt_interval: its interval.
        scatter: the models' own standard deviation about the curve, in probits.
        aicc: less that of the setting's best.
        p_value: of the test of the shape, not corrected; None of a theory with two constants, and of a line.
        p_value_corrected: by Holm over all questions about curves.
        verdict: `rejected`, `not rejected` or `not tested`.
        sentence: what was found, in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    theory: str
    models: int
    constants: dict[str, float]
    slope: float
    tilt: float | None
    tilt_interval: tuple[float, float] | None
    scatter: float | None
    aicc: float | None
    p_value: float | None
    p_value_corrected: float | None
    verdict: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class CurvePrediction:
    """What a theory with the ImageNet models' constants says of a group of other models.

    Attributes:
        source: of the ImageNet models, `paper` or `replication`.
        tables: of the group and of the ImageNet models.
        setting: of the group.
        group: `CLIPS`, `FEWER`, `SIGLIPS`, `TUNED`, `MASKED` or `OWN`.
        theory: one of `realdata.reliance.curves.THEORIES` or `LINES`.
        models: how many.
        miss: counter probits less the predicted ones, on average.
        interval: its 95% interval.
        points: the same in points of accuracy.
        scatter: standard deviation of the models about the mean miss, in probits.
        log_score: mean logarithm of the predictive density, larger is better.
        beyond_shift: by how much that is more than the line of slope 1 scores.
        beyond_shift_stderr: its naive standard error over the models.
        crps: mean continuous ranked probability score in probits, smaller is better.
        p_value: of the test that the miss is 0, not corrected; None where it is not tested.
        p_value_corrected: by Holm over all questions about curves.
        verdict: `missed`, `not missed` or `not tested`.
        sentence: what was found, in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    group: str
    theory: str
    models: int
    miss: float
    interval: tuple[float, float]
    points: float
    scatter: float
    log_score: float
    beyond_shift: float
    beyond_shift_stderr: float
    crps: float
    p_value: float | None
    p_value_corrected: float | None
    verdict: str
    sentence: str


class _Held(NamedTuple):
    """Models that a curve was not fitted to.

    Attributes:
        name: of the group.
        models: a row for each.
        group: their places.
        candidates: K.
        setting: where they stand.
        tables: the paper's that hold them.
        ways: to cluster them; none where they are one cluster.
        tested: whether the miss is.
    """

    name: str
    models: pd.DataFrame
    group: Group
    candidates: int
    setting: dict[str, str]
    tables: tuple[str, ...]
    ways: tuple[str, ...]
    tested: bool


def read_other_models() -> dict[str, pd.DataFrame]:
    """Read SigLIPs, tuned ResNets and models on masked photos: a row for each, with `common` and `counter` in %."""
    occam = read_others("occam_counteranimal.csv")
    tuned = read_others("hsplid_counteranimal.csv").rename(columns={"ca_common": "common", "ca_counter": "counter"})
    return {
        SIGLIPS: occam[(occam["view"] == FULL) & (occam["hub_or_tag"] == "webli")],
        TUNED: tuned,
        MASKED: occam[occam["view"] == GREY],
    }


def ask_curves(
    settings: Sequence[tuple[Setting, Family, Family]],
    tables: PublishedTables,
    others: Mapping[str, pd.DataFrame],
) -> tuple[list[Question[CurveShape]], list[Question[CurvePrediction]]]:
    """Ask of the ImageNet models of every setting, and of what else was measured there.

    Args:
        settings: as `realdata.reliance.families.pair_families` gives them.
        tables: whose classes have the photo counts.
        others: as `read_other_models` gives them; may be empty.
    """
    fitted: dict[tuple[str, ...], dict[str, Curve]] = {}
    shapes: list[Question[CurveShape]] = []
    found: list[Question[CurvePrediction]] = []
    # Each setting once, without the model that selected the photos where it can be left out, which comes last.
    each = {
        (setting.source, *setting.tables, *(v for k, v in setting.describe().items() if k != "selector")): pair
        for setting, *pair in settings
    }
    imagenet = {family.key: family for _, family in each.values()}
    for clips, family in each.values():
        group, candidates = learned_group(family), CANDIDATES[family.setting.setup]
        if len(group.common) < FEWEST:
            continue
        if family.key not in fitted:
            curves = {theory: fit_curve(group, theory, candidates) for theory in (*THEORIES, *LINES)}
            fitted[family.key] = curves
            shapes += _ask_shapes(family, group, curves)
            for held in [_own(family, group), *_elsewhere(family, imagenet.values(), tables, others)]:
                found += _ask_predictions(family, held, curves, group)
        if len(learned_group(clips).common) >= FEWEST:
            found += _ask_predictions(family, _of_clips(clips), fitted[family.key], group)
    return shapes, found


def _own(family: Family, group: Group) -> _Held:
    models = family.select(family.has_learned(CANDIDATES[family.setting.setup])).models
    return _Held(
        OWN, models, group, CANDIDATES[family.setting.setup], family.described, family.tables, ("architecture",), False
    )


def _of_clips(clips: Family) -> _Held:
    candidates = CANDIDATES[clips.setting.setup]
    models = clips.select(clips.has_learned(candidates)).models
    ways = ("pre-training data", "architecture")
    return _Held(CLIPS, models, learned_group(clips), candidates, clips.described, clips.tables, ways, True)


def _elsewhere(
    family: Family,
    imagenet: Iterable[Family],
    tables: PublishedTables,
    others: Mapping[str, pd.DataFrame],
) -> Iterator[_Held]:
    """What else the constants of this family's setting can be asked about."""
    setting = family.setting
    for other in imagenet:
        same = (other.setting.source, other.setting.averaging) == (setting.source, setting.averaging)
        fewer = setting.setup == "1v1000" and other.setting.setup == "1v20"
        if same and fewer and len(learned_group(other).common) >= FEWEST:
            yield _own(other, learned_group(other))._replace(name=FEWER, tested=True)
    if (setting.source, setting.setup, setting.averaging, setting.prompt) != _MAIN:
        return
    for name, models in others.items():
        places = probits(models, "balanced", tables.classes)
        group = Group(*(np.asarray(part) for place in places for part in place))
        described = family.described | {"prompt": "none", "selector": "none"}
        yield _Held(name, models, group, CANDIDATES["1v1000"], described, (), (), name == MASKED)


def _ask_shapes(family: Family, group: Group, curves: Mapping[str, Curve]) -> Iterator[Question[CurveShape]]:
    best = min(curve.aicc for curve in curves.values())
    mean = np.array([group.common.mean()])
    for theory, curve in curves.items():
        tilt = interval = p = None
        if len(curve.names) == 1:
            turned = fit_curve(group, theory, curve.candidates, tilted=True)
            added = Effect(
                float(turned.constants[-1]),
                float(np.sqrt(turned.covariance[-1, -1])),
                float(turned.models - len(turned.names)),
            )
            tilt, interval = added.effect, added.interval
            p = p_value(curve, turned) if theory in THEORIES else None
        slope = float(follow(curve, mean)[1][0])
        row = CurveShape(
            family.setting.source, family.tables, family.described, theory, curve.models, curve.named(), slope,
            tilt, interval, float(curve.scatters[0]), curve.aicc - best, p, None, "not tested", "",
        )  # fmt: skip
        yield _judge_shape(row)
    line = fit_lines([group])
    slope, error = float(line.slopes[0]), float(np.sqrt(covariance(group, line)[1, 1]))
    falls = float(student_t.sf(slope / error, line.models - 2))
    weights = group.common_error**-2
    centre = np.sum(weights * group.common) / np.sum(weights)
    equal = float(chi2.sf(np.sum(weights * (group.common - centre) ** 2), line.models - 1))
    for theory, p in ((RELIANCE, falls), (DIFFICULTY_ALONE, equal)):
        row = CurveShape(
            family.setting.source, family.tables, family.described, theory, line.models, {}, slope, None, None, None,
            None, p, None, "not tested", "",
        )  # fmt: skip
        yield _judge_shape(row)


def _judge_shape(row: CurveShape) -> Question[CurveShape]:
    asked = row.p_value

    def answer(correct: Correction) -> CurveShape:
        corrected = None if asked is None else correct(asked)
        verdict = "not tested" if corrected is None else "rejected" if corrected < LEVEL else "not rejected"
        if row.tilt is not None and row.tilt_interval is not None:
            low, high = row.tilt_interval
            words = f"slope {row.slope:.2f}, and the models' is {row.tilt:+.2f} [{low:+.2f}, {high:+.2f}] more"
        elif row.theory in (RELIANCE, DIFFICULTY_ALONE):
            says = "below 0" if row.theory == RELIANCE else "vertical"
            words = f"slope {says}, and the models' is {row.slope:.2f}"
        else:
            words = f"slope {row.slope:.2f}"
        return dataclasses.replace(
            row, p_value_corrected=corrected, verdict=verdict, sentence=f"{row.theory}: {words}: {verdict}."
        )

    return Question(() if asked is None else (asked,), answer)


class _Scored(NamedTuple):
    """Predictions of a group by one curve, a value for each model."""

    residual: Float[np.ndarray, " models"]
    points: Float[np.ndarray, " models"]
    log_score: Float[np.ndarray, " models"]
    crps: Float[np.ndarray, " models"]
    of_constants: float


def score(curve: Curve, group: Group, fitted_to: Group | None = None, masked: bool = False) -> _Scored:
    """Predict counter probits from common ones, and score the predictions.

    Args:
        curve: the theory with its constants.
        group: models; at least 2.
        fitted_to: that the curve was fitted to, if it is the same: each is then predicted by the others.
        masked: whether no background is seen.
    """
    used = curve.without_background() if masked else curve
    predicted, slope = follow(used, group.common)
    photos = group.counter_error**2 + (slope * group.common_error) ** 2
    # Constants that act through the background alone cannot err where there is none.
    design = gradient(curve, group.common)
    if masked:
        design = design * np.array([name not in ("log_odds", "reliance") for name in curve.names])
    from_constants = np.einsum("ij,jk,ik->i", design, curve.covariance, design)
    residual = group.counter - predicted
    if fitted_to is not None:
        freedom = len(residual) / (len(residual) - len(curve.names))
        leverage = from_constants / freedom / (photos + curve.scatters[0] ** 2)
        residual = residual / (1 - leverage)
    beyond = residual**2 - photos - from_constants
    others = np.array([np.delete(beyond, number).mean() for number in range(len(beyond))])
    deviation = np.sqrt(photos + from_constants + np.maximum(others, 0.0))
    z = residual / deviation
    mean_gradient = design.mean(axis=0)
    return _Scored(
        residual,
        100 * (norm.cdf(group.counter) - norm.cdf(group.counter - residual)),
        norm.logpdf(z) - np.log(deviation),
        deviation * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)),
        float(mean_gradient @ curve.covariance @ mean_gradient),
    )


def _mean_miss(scored: _Scored, held: _Held) -> Effect:
    """The mean miss with its error: of models that are no independent draws, of the constants, and of masked photos."""
    residual = scored.residual
    naive = Effect(float(residual.mean()), float(residual.std(ddof=1)) / np.sqrt(len(residual)), len(residual) - 1.0)
    spread = naive
    if held.ways:
        ways = {name: labels for name, labels in clusters_of(held.models).items() if name in held.ways}
        _, clustered = regression(residual, np.ones((len(residual), 1)), ways, negative("", ""))
        if clustered is not None:
            spread = Effect(naive.effect, clustered.stderr, clustered.clusters - 1.0)
    photos = float(np.hypot(held.group.common_error, held.group.counter_error).mean()) if held.name == MASKED else 0.0
    error = float(np.sqrt(spread.stderr**2 + scored.of_constants + photos**2))
    return Effect(naive.effect, error, spread.freedom)


def _ask_predictions(
    family: Family, held: _Held, curves: Mapping[str, Curve], fitted_to: Group
) -> Iterator[Question[CurvePrediction]]:
    scores = {
        theory: score(
            curve._replace(candidates=held.candidates),
            held.group,
            fitted_to if held.name == OWN else None,
            held.name == MASKED,
        )
        for theory, curve in curves.items()
    }
    for theory, scored in scores.items():
        miss = _mean_miss(scored, held)
        beyond = scored.log_score - scores["shift"].log_score
        p = miss.p_beyond(0.0, 1 if miss.effect > 0 else -1) if held.tested and theory in THEORIES else None
        row = CurvePrediction(
            source=family.setting.source,
            tables=tuple(dict.fromkeys((*held.tables, *family.tables))),
            setting=held.setting,
            group=held.name,
            theory=theory,
            models=len(scored.residual),
            miss=miss.effect,
            interval=miss.interval,
            points=float(scored.points.mean()),
            scatter=float(scored.residual.std(ddof=1)),
            log_score=float(scored.log_score.mean()),
            beyond_shift=float(beyond.mean()),
            beyond_shift_stderr=float(beyond.std(ddof=1)) / float(np.sqrt(len(beyond))),
            crps=float(scored.crps.mean()),
            p_value=p,
            p_value_corrected=None,
            verdict="not tested",
            sentence="",
        )
        yield _judge_prediction(row)


def _judge_prediction(row: CurvePrediction) -> Question[CurvePrediction]:
    asked = row.p_value

    def answer(correct: Correction) -> CurvePrediction:
        corrected = None if asked is None else correct(asked)
        verdict = "not tested" if corrected is None else "missed" if corrected < LEVEL else "not missed"
        low, high = row.interval
        return dataclasses.replace(
            row,
            p_value_corrected=corrected,
            verdict=verdict,
            sentence=(
                f"{row.group} by {row.theory}: off by {row.miss:+.2f} probits [{low:+.2f}, {high:+.2f}] "
                f"({row.points:+.1f} points), log score {row.log_score:.2f}: {verdict}."
            ),
        )

    return Question(() if asked is None else (asked,), answer)
