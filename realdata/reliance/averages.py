"""Averages: whether one reliance on the background explains a family's published accuracies (S19).

On probit axes the theory puts models that lean on the spurious feature to the same degree, and differ only in
quality, on one line through the origin. Its slope k is the index of spurious reliance tau = (1 - k) / (1 + k): 0 for
models that ignore the background, 1 for models that are right on counter photos half of the time. For each setting
and family of models this asks two questions that the theory can fail:

- does the line meet the origin? Least squares with an intercept, and a t-test that the intercept is 0. Where it is not,
  models of the family lean more or less on the background the better they are. The probits' own errors flatten the
  fitted line by the share that their variance is of the spread of the common probits, 1 to 3% here.
- is there one reliance? The models' squared distances from the line through the origin in standard errors, a
  chi-square. The errors are bounds (`realdata.statistics.photo_error`): a rejection is safe, its absence says little.

Verdicts, at 5% after Holm's correction: `rejected` if either answer is no, with the reason; `not rejected` otherwise.
The standard error of tau is widened by the root of chi-square over its degrees of freedom where that exceeds 1. The two
families of a setting are compared by the difference of their indices.

A model whose two probits do not sum to more than 0, which is worse than chance in the theory's sense, has no index. It
is left out, and counted.

What is assumed beyond the theory's two classes: an accuracy in 1000 or 20 classes, averaged over 45 of them, is read
as if it were one margin's; counter photos are taken to contradict the label always. Models count as independent draws,
though they share photos and pre-training data. Where models of both families see the same photos, that the counter
photos are merely harder moves both indices alike: the difference is what speaks of the training.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import statsmodels.api as sm
from scipy.stats import chi2, norm

from realdata.claims.settings import Setting
from realdata.reliance.families import Family, estimate
from theory.statements.accuracy_on_the_line import Estimate, Line, fit_line, reliance_index
from workbench.conventions import GROUPS, LEVEL, Z95


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
        intercept: of the line that may miss the origin, in probits of the counter photos.
        intercept_p_value: of the test that it is 0, not corrected.
        chi_square: of the models' distances from the line through the origin.
        chi_square_p_value: of the test that there is one reliance, not corrected.
        verdict: `rejected` or `not rejected`; empty before the correction for multiple comparisons.
        reasons: what was rejected.
        models: each model's own index.
        left_out: how many models have no index.
        sentence: what was found, in words.
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
    sentence: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The CLIPs' index minus the ImageNet models', in one setting.

    Attributes:
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that hold the models of both families.
        setting: as the CLIPs'.
        difference: positive where CLIPs lean more on the background.
        stderr: its standard error.
        interval: its 95% interval.
        p_value: of the test that it is 0, two-sided, corrected by Holm once it is judged.
        verdict: `CLIPs lean more`, `CLIPs lean less` or `inconclusive`.
        sentence: the same in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    difference: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    verdict: str
    sentence: str = ""


# Fewer models than this do not show whether their line meets the origin.
FEWEST = 5
# In probits: a model whose error is so large has no weight, and fills up a family to the size of the largest.
_NO_WEIGHT = 1e6


def examine_averages(settings: Sequence[tuple[Setting, Family, Family]]) -> tuple[list[RelianceTest], list[Comparison]]:
    """Test every family that has at least `FEWEST` models with an index; compare the two where both do.

    Nothing is judged yet: see `judged`.

    Args:
        settings: as `realdata.reliance.families.offered` gives them.
    """
    found: dict[tuple[str, ...], tuple[Family, int]] = {}
    pairs = []
    for setting, *both in settings:
        for family in both:
            if family.key not in found:
                with_index = family.only(np.asarray(family.common.value) + np.asarray(family.counter.value) > 0)
                if len(with_index.models) >= FEWEST:
                    found[family.key] = with_index, len(family.models) - len(with_index.models)
        if all(family.key in found for family in both):
            pairs.append((setting, both[0].key, both[1].key))
    if not found:
        return [], []
    tested = dict(zip(found, _tests(list(found.values())), strict=True))
    return list(tested.values()), [_compare(setting, tested[a], tested[b]) for setting, a, b in pairs]


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


def _tests(tested: list[tuple[Family, int]]) -> list[RelianceTest]:
    """The tests of several families, fitted together: all are filled up to the size of the largest."""
    places = [(family.common, family.counter) for family, _ in tested]
    most = max(len(family.models) for family, _ in tested)

    def filled(group: int) -> Estimate:
        def stacked(part: str, filler: float) -> np.ndarray:
            rows = [np.asarray(getattr(place[group], part)) for place in places]
            return np.stack([np.pad(row, (0, most - len(row)), constant_values=filler) for row in rows])

        return estimate(stacked("value", 0.0), stacked("standard_error", _NO_WEIGHT))

    with jax.enable_x64(True):
        line, own = jax.tree.map(np.asarray, _fit(filled(0), filled(1)))
    return [
        _test(family, left_out, jax.tree.map(lambda part, n=number: part[n], (line, own)))
        for number, (family, left_out) in enumerate(tested)
    ]


def _test(family: Family, left_out: int, fitted: tuple[Line, Estimate]) -> RelianceTest:
    line, own = fitted
    freedom = len(family.models) - 1
    chi_square = float(line.chi_square)
    stderr = float(line.reliance.standard_error) * max(1.0, chi_square / freedom) ** 0.5
    reliance = float(line.reliance.value)
    fit = sm.OLS(np.asarray(family.counter.value), sm.add_constant(np.asarray(family.common.value))).fit()
    rows = family.models[["backbone", "pretrain", "checkpoint", *GROUPS]].to_dict("records")
    return RelianceTest(
        source=family.setting.source,
        tables=family.tables,
        setting=family.described,
        family=family.family,
        slope=float(line.slope.value),
        reliance=reliance,
        stderr=stderr,
        interval=(reliance - Z95 * stderr, reliance + Z95 * stderr),
        intercept=float(fit.params[0]),
        intercept_p_value=float(fit.pvalues[0]),
        chi_square=chi_square,
        chi_square_p_value=float(chi2.sf(chi_square, freedom)),
        verdict="",
        reasons=(),
        models=[
            {str(key): value for key, value in row.items()} | {"reliance": float(value), "stderr": float(error)}
            for row, value, error in zip(rows, own.value, own.standard_error, strict=False)  # the rest is filling
        ],
        left_out=left_out,
    )


def questions(row: RelianceTest | Comparison) -> tuple[float, ...]:
    """The p-values that count in the correction for multiple comparisons."""
    return (row.intercept_p_value, row.chi_square_p_value) if isinstance(row, RelianceTest) else (row.p_value,)


def judged(test: RelianceTest, corrected: Sequence[float]) -> RelianceTest:
    """The verdict that follows from the corrected p-values."""
    misses, spread = (p < LEVEL for p in corrected)
    reasons = []
    if misses:
        reasons.append(f"better models lean {'less' if test.intercept < 0 else 'more'}")
    if spread:
        reasons.append("they differ")
    verdict = "rejected" if reasons else "not rejected"
    low, high = test.interval
    sentence = (
        f"{len(test.models)} models, index {test.reliance:.2f} [{low:.2f}, {high:.2f}]: that one index explains "
        f"them is {verdict}{': ' if reasons else ''}{'; '.join(reasons)} (intercept {test.intercept:+.2f} probits)."
    )
    return dataclasses.replace(test, verdict=verdict, reasons=tuple(reasons), sentence=sentence)


def judged_comparison(row: Comparison, corrected: Sequence[float]) -> Comparison:
    """The verdict that follows from the corrected p-value."""
    shown = "CLIPs lean more" if row.difference > 0 else "CLIPs lean less"
    verdict = shown if corrected[0] < LEVEL else "inconclusive"
    low, high = row.interval
    sentence = f"CLIPs' index minus the ImageNet models' is {row.difference:+.2f} [{low:+.2f}, {high:+.2f}]: {verdict}."
    return dataclasses.replace(row, p_value=corrected[0], verdict=verdict, sentence=sentence)


def _compare(setting: Setting, clip: RelianceTest, imagenet: RelianceTest) -> Comparison:
    difference, stderr = clip.reliance - imagenet.reliance, float(np.hypot(clip.stderr, imagenet.stderr))
    return Comparison(
        source=setting.source,
        tables=setting.tables,
        setting=setting.describe(),
        difference=difference,
        stderr=stderr,
        interval=(difference - Z95 * stderr, difference + Z95 * stderr),
        p_value=float(2 * norm.sf(abs(difference) / stderr)),
        verdict="",
    )
