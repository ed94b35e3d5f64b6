"""Averages: whether one reliance on the background explains a family's published accuracies (S19).

By the theory, models that rely on the spurious feature to the same degree, and differ only in quality, are on one line
through the origin of probit axes. Its slope k gives the index of spurious reliance tau = (1 - k) / (1 + k): 0 for
models that ignore the background, 1 for models that are right on half of the counter photos. For each setting and
family of models there are two questions that can refute the theory:

- Does the line meet the origin? Least squares with an intercept, and a t-test that the intercept is 0. If it is not,
  better models of the family rely more, or less, on the background. The probits' own errors make the fitted line
  flatter, by their variance over the variance of the common probits, 1 to 3% here.
- Is there one reliance? A chi-square: the models' squared distances from the line through the origin in standard
  errors. The errors are bounds (`realdata.statistics.photo_error`): a rejection is safe, its absence says little.

Verdicts, at 5% after Holm's correction: `rejected` if either answer is no, with the reason; `not rejected` otherwise.
The standard error of tau is multiplied by the root of chi-square over its degrees of freedom if that exceeds 1. The two
families of a setting are compared by the difference of their indices.

A model whose two probits do not sum to more than 0 is worse than chance in the theory's sense, and has no index. Such
models are left out, and counted.

There are assumptions beyond the theory's two classes. An accuracy among 1000 or 20 classes, averaged over 45 of them,
counts as the accuracy of one margin. Counter photos always contradict the label. Models count as independent draws,
although they share photos and pre-training data. If models of both families see the same photos, harder counter photos
change both indices alike, and the difference is about the training.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import statsmodels.api as sm
from scipy.stats import chi2, norm

from realdata.claims.settings import Setting
from realdata.reliance.families import Family, estimate
from realdata.reliance.question import Correction, Question
from theory.statements.accuracy_on_the_line import Estimate, Line, fit_line, reliance_index
from workbench.conventions import GROUPS, LEVEL, Z95

# The fewest models that can show whether their line meets the origin.
FEWEST = 5
# An error in probits that leaves a model without weight; such models fill up a family to the size of the largest.
_NO_WEIGHT = 1e6


@dataclasses.dataclass(frozen=True)
class RelianceTest:
    """The models of one family in one setting, against one line through the origin of probit axes.

    Attributes:
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that hold the models.
        setting: `setup`, `prompt`, `averaging` and `selector`, in the words of the tables' columns; prompt and selector
            are `none` for ImageNet models, which have neither.
        family: `clip` or `imagenet`.
        slope: k of the line through the origin.
        reliance: tau, the family's index of spurious reliance.
        stderr: its standard error.
        interval: its 95% interval.
        intercept: intercept of the line with an intercept, in probits of the counter photos.
        intercept_p_value: p-value of the test that it is 0, not corrected.
        chi_square: chi-square of the models' distances from the line through the origin.
        chi_square_p_value: p-value of the test that there is one reliance, not corrected.
        verdict: `rejected` or `not rejected`.
        reasons: what was rejected.
        models: each model's own index.
        left_out: number of models without an index.
        sentence: the result in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    family: str
    slope: float
    reliance: float
    stderr: float
    interval: tuple[float, float]
    intercept: float
    intercept_p_value: float
    chi_square: float
    chi_square_p_value: float
    verdict: str
    reasons: tuple[str, ...]
    models: list[dict[str, Any]]
    left_out: int
    sentence: str


@dataclasses.dataclass(frozen=True)
class IndexDifference:
    """The CLIPs' index minus the ImageNet models', in one setting.

    Attributes:
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that hold the models of both families.
        setting: the CLIPs' setting.
        difference: the difference; positive if CLIPs rely more on the background.
        stderr: its standard error.
        interval: its 95% interval.
        p_value: two-sided p-value of the test that it is 0, with Holm's correction over the whole program.
        verdict: `CLIPs lean more`, `CLIPs lean less` or `inconclusive`.
        sentence: the result in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    difference: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    verdict: str
    sentence: str


class _Ray(NamedTuple):
    """A family with an index, and its line through the origin; the error includes the models' scatter."""

    family: Family
    left_out: int
    line: Line
    own: Estimate
    reliance: float
    stderr: float


def ask_averages(
    settings: Sequence[tuple[Setting, Family, Family]],
) -> tuple[list[Question[RelianceTest]], list[Question[IndexDifference]]]:
    """Test every family that has at least `FEWEST` models with an index; compare the two where both do.

    Args:
        settings: the result of `realdata.reliance.families.pair_families`.
    """
    found: dict[tuple[str, ...], tuple[Family, int]] = {}
    pairs = []
    for setting, *both in settings:
        for family in both:
            if family.key not in found:
                with_index = family.select(np.asarray(family.common.value) + np.asarray(family.counter.value) > 0)
                if len(with_index.models) >= FEWEST:
                    found[family.key] = with_index, len(family.models) - len(with_index.models)
        if all(family.key in found for family in both):
            pairs.append((setting, both[0].key, both[1].key))
    if not found:
        return [], []
    rays = dict(zip(found, _fit_rays(list(found.values())), strict=True))
    return [_ask_ray(ray) for ray in rays.values()], [_ask_difference(at, rays[a], rays[b]) for at, a, b in pairs]


@jax.jit
def _index(common: Estimate, counter: Estimate) -> Estimate:
    return reliance_index(common, counter)


def indices(common: Estimate, counter: Estimate) -> Estimate:
    """The index of each model from its probits, in double precision; arrays of one shape."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, _index(common, counter))


@jax.jit
@jax.vmap
def _fit(common: Estimate, counter: Estimate) -> tuple[Line, Estimate]:
    return fit_line(common, counter), reliance_index(common, counter)


def _fit_rays(families: list[tuple[Family, int]]) -> list[_Ray]:
    """Fit several families together; smaller ones are padded to the size of the largest."""
    places = [(family.common, family.counter) for family, _ in families]
    most = max(len(family.models) for family, _ in families)

    def fill(group: int) -> Estimate:
        def stack(part: str, filler: float) -> np.ndarray:
            rows = [np.asarray(getattr(place[group], part)) for place in places]
            return np.stack([np.pad(row, (0, most - len(row)), constant_values=filler) for row in rows])

        return estimate(stack("value", 0.0), stack("standard_error", _NO_WEIGHT))

    with jax.enable_x64(True):
        fitted = jax.tree.map(np.asarray, _fit(fill(0), fill(1)))
    rays = []
    for number, (family, left_out) in enumerate(families):
        line, own = jax.tree.map(lambda part, n=number: part[n], fitted)
        wider = max(1.0, float(line.chi_square) / (len(family.models) - 1)) ** 0.5
        stderr = float(line.reliance.standard_error) * wider
        rays.append(_Ray(family, left_out, line, own, float(line.reliance.value), stderr))
    return rays


def _ask_ray(ray: _Ray) -> Question[RelianceTest]:
    family = ray.family
    fit = sm.OLS(np.asarray(family.counter.value), sm.add_constant(np.asarray(family.common.value))).fit()
    intercept, intercept_p_value = float(fit.params[0]), float(fit.pvalues[0])
    chi_square = float(ray.line.chi_square)
    chi_square_p_value = float(chi2.sf(chi_square, len(family.models) - 1))
    low, high = ray.reliance - Z95 * ray.stderr, ray.reliance + Z95 * ray.stderr

    def answer(correct: Correction) -> RelianceTest:
        reasons = []
        if correct(intercept_p_value) < LEVEL:
            reasons.append(f"better models lean {'less' if intercept < 0 else 'more'}")
        if correct(chi_square_p_value) < LEVEL:
            reasons.append("they differ")
        verdict = "rejected" if reasons else "not rejected"
        return RelianceTest(
            source=family.setting.source,
            tables=family.tables,
            setting=family.described,
            family=family.family,
            slope=float(ray.line.slope.value),
            reliance=ray.reliance,
            stderr=ray.stderr,
            interval=(low, high),
            intercept=intercept,
            intercept_p_value=intercept_p_value,
            chi_square=chi_square,
            chi_square_p_value=chi_square_p_value,
            verdict=verdict,
            reasons=tuple(reasons),
            models=_model_figures(ray),
            left_out=ray.left_out,
            sentence=(
                f"{len(family.models)} models, index {ray.reliance:.2f} [{low:.2f}, {high:.2f}]: that one index "
                f"explains them is {verdict}{': ' if reasons else ''}{'; '.join(reasons)} "
                f"(intercept {intercept:+.2f} probits)."
            ),
        )

    return Question((intercept_p_value, chi_square_p_value), answer)


def _model_figures(ray: _Ray) -> list[dict[str, Any]]:
    rows = ray.family.models[["backbone", "pretrain", "checkpoint", *GROUPS]].to_dict("records")
    return [
        {str(key): value for key, value in row.items()} | {"reliance": float(value), "stderr": float(error)}
        for row, value, error in zip(rows, ray.own.value, ray.own.standard_error, strict=False)  # the rest is filling
    ]


def _ask_difference(setting: Setting, clips: _Ray, imagenet: _Ray) -> Question[IndexDifference]:
    difference, stderr = clips.reliance - imagenet.reliance, float(np.hypot(clips.stderr, imagenet.stderr))
    low, high = difference - Z95 * stderr, difference + Z95 * stderr
    p_value = float(2 * norm.sf(abs(difference) / stderr))

    def answer(correct: Correction) -> IndexDifference:
        shown = "CLIPs lean more" if difference > 0 else "CLIPs lean less"
        verdict = shown if correct(p_value) < LEVEL else "inconclusive"
        words = f"{difference:+.2f} [{low:+.2f}, {high:+.2f}]"
        return IndexDifference(
            source=setting.source,
            tables=setting.tables,
            setting=setting.describe(),
            difference=difference,
            stderr=stderr,
            interval=(low, high),
            p_value=correct(p_value),
            verdict=verdict,
            sentence=f"CLIPs' index minus the ImageNet models' is {words}: {verdict}.",
        )

    return Question((p_value,), answer)
