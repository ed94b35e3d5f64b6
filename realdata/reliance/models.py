"""Each model's index of spurious reliance, from its averages and from its classes.

From its averages the index is tau = (z_A - z_C) / (z_A + z_C), with the photos' error, a bound (S19). Models are ranked
within their setting. A model whose two probits do not sum to more than 0 has no index.

From its classes, if they are published: each class gives its own index, and the theory does not say that they are
equal. The mean over classes is by random effects, on the scale of the angle arctan(tau) between the model's ray and the
diagonal. On the scale of tau a weighted mean is too small, since the error of this ratio grows with it. `spread` is the
standard deviation between classes beyond photo noise, converted to tau at the mean. Classes whose two probits do not
sum to more than 0 have no index; they are left out, and counted.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from realdata.claims.settings import Setting
from realdata.reliance.averages import indices
from realdata.reliance.counts import ClassCounts
from realdata.reliance.families import Family, estimate
from realdata.reliance.question import Correction, Pooled, Question, pool
from realdata.statistics.photo_error import class_proportions
from theory.statements.accuracy_on_the_line import Estimate
from workbench.conventions import GROUPS, LEVEL, Z95

# The fewest classes that are averaged.
_FEWEST_CLASSES = 5
# The setting of the class-wise tables.
_CLASSWISE = {"setup": "1v1000", "prompt": "simple", "averaging": "balanced"}


@dataclasses.dataclass(frozen=True)
class ClasswiseIndex:
    """One model's index from its classes, by random effects.

    Attributes:
        reliance: the mean over classes.
        interval: its 95% interval.
        spread: standard deviation between classes beyond photo noise.
        heterogeneity_p_value: p-value of the test that all classes have one index (Cochran's Q), not corrected.
        heterogeneity_p_value_corrected: the same with Holm's correction over the whole program.
        classes: number of classes with an index.
        left_out: number of classes without an index.
    """

    reliance: float
    interval: tuple[float, float]
    spread: float
    heterogeneity_p_value: float
    heterogeneity_p_value_corrected: float
    classes: int
    left_out: int


@dataclasses.dataclass(frozen=True)
class ModelIndex:
    """One model's index of spurious reliance in one setting.

    Attributes:
        source: `paper` or `replication`.
        table: the paper's table, or `replication`.
        setting: `setup`, `prompt` and `averaging`.
        family: `clip` or `imagenet`.
        backbone: as in the table.
        pretrain: as in the table.
        checkpoint: as in the table.
        common: accuracy in %.
        counter: accuracy in %.
        reliance: its index from the averages; None if its probits do not sum to more than 0.
        stderr: standard error from the photos, a bound.
        interval: 95% interval.
        rank: rank among the models of its setting, 1 for the smallest index; None without an index.
        p_value: two-sided p-value of the test that the index is 0, not corrected; None without an index.
        p_value_corrected: the same with Holm's correction over the whole program.
        classwise: its index from its classes, if they are published.
        verdict: `above 0`, `below 0`, `not told from 0` or `no index`.
        sentence: the result in words.
    """

    source: str
    table: str
    setting: dict[str, str]
    family: str
    backbone: str
    pretrain: str
    checkpoint: str
    common: float
    counter: float
    reliance: float | None
    stderr: float | None
    interval: tuple[float, float] | None
    rank: int | None
    p_value: float | None
    p_value_corrected: float | None
    classwise: ClasswiseIndex | None
    verdict: str
    sentence: str


def ask_models(
    settings: Sequence[tuple[Setting, Family, Family]], counts: Iterable[ClassCounts]
) -> list[Question[ModelIndex]]:
    """Test every model once in each of its settings, and rank the models of each setting.

    Args:
        settings: the result of `realdata.reliance.families.pair_families`.
        counts: the counts of each source's classes.
    """
    distinct: dict[tuple[str, ...], Family] = {}
    for setting, *both in settings:
        for family in both:
            if setting.selector == "included" and len(family.models):
                distinct.setdefault(family.key, family)
    if not distinct:
        return []
    classwise = {of.source: _pool_classes(of) for of in counts}
    common, counter = (
        estimate(
            *(np.concatenate([np.asarray(getattr(of, group)[part]) for of in distinct.values()]) for part in (0, 1))
        )
        for group in GROUPS
    )
    index = indices(common, counter)
    found: list[Question[ModelIndex]] = []
    for family in distinct.values():
        values, errors = (part[len(found) : len(found) + len(family.models)] for part in index)
        ranks = pd.Series(values).rank(method="min")
        rows = family.models.to_dict("records")
        found += [_ask_model(family, *row, classwise) for row in zip(rows, values, errors, ranks, strict=True)]
    return found


def class_indices(counts: ClassCounts) -> Estimate:
    """The index of each model in each class, with its photo noise; NaN without one. Shape (classes, models)."""
    estimates = []
    for group in GROUPS:
        photos = counts.photos[group]
        shares = class_proportions(counts.right[group] / photos, photos)
        values = norm.ppf(shares)
        errors = np.sqrt(shares * (1 - shares) / photos) / norm.pdf(values)
        estimates.append(estimate(values, errors))
    index = indices(*estimates)
    return estimate(*(np.where(counts.known, np.asarray(part), np.nan) for part in index))


class _OverClasses(NamedTuple):
    """One model's index over its classes: the mean as a tau, the pooled angle, and numbers of classes."""

    mean: float
    pooled: Pooled
    classes: int
    left_out: int

    def answer(self, correct: Correction) -> ClasswiseIndex:
        """Make the row, given the correction."""
        low, high = self.pooled.interval
        return ClasswiseIndex(
            reliance=self.mean,
            interval=(float(np.tan(low)), float(np.tan(high))),
            spread=self.pooled.spread * (1 + self.mean**2),
            heterogeneity_p_value=self.pooled.heterogeneity_p_value,
            heterogeneity_p_value_corrected=correct(self.pooled.heterogeneity_p_value),
            classes=self.classes,
            left_out=self.left_out,
        )


def _pool_classes(counts: ClassCounts) -> dict[tuple[str, str], _OverClasses]:
    """Average each model's index over its classes, by backbone and pre-training set."""
    index = class_indices(counts)
    found = {}
    for number, (_, model) in enumerate(counts.models.iterrows()):
        value, error = (np.asarray(part)[:, number] for part in index)
        has = ~np.isnan(value)
        if has.sum() < _FEWEST_CLASSES:
            continue
        # The angle's derivative with respect to tau is 1 / (1 + tau^2).
        pooled = pool(np.arctan(value[has]), (error[has] / (1 + value[has] ** 2)) ** 2)
        left_out = int((counts.known[:, number] & ~has).sum())
        found[str(model["backbone"]), str(model["pretrain"])] = _OverClasses(
            float(np.tan(pooled.mean)), pooled, int(has.sum()), left_out
        )
    return found


def _ask_model(
    family: Family,
    row: Mapping[Any, Any],
    value: float,
    error: float,
    rank: float,
    classwise: Mapping[str, Mapping[tuple[str, str], _OverClasses]],
) -> Question[ModelIndex]:
    setting = {name: family.described[name] for name in ("setup", "prompt", "averaging")}
    backbone, pretrain, checkpoint = (str(row[name]) for name in ("backbone", "pretrain", "checkpoint"))
    own = None
    # Table 9 repeats backbones with other checkpoints, of which no classes are published.
    if setting == _CLASSWISE and not checkpoint and family.family == "clip":
        own = classwise.get(family.setting.source, {}).get((backbone, pretrain))
    has = not np.isnan(value)
    p_value = float(2 * norm.sf(abs(value) / error)) if has else None
    low, high = float(value - Z95 * error), float(value + Z95 * error)

    def answer(correct: Correction) -> ModelIndex:
        corrected = None if p_value is None else correct(p_value)
        if corrected is None:
            verdict, words = "no index", "its two probits do not sum to more than 0, so it has no index"
        else:
            verdict = "not told from 0" if corrected >= LEVEL else "above 0" if value > 0 else "below 0"
            words = f"index {value:.2f} [{low:.2f}, {high:.2f}], {verdict}"
        over_classes = None if own is None else own.answer(correct)
        name = " ".join(part for part in (backbone, pretrain, checkpoint) if part)
        return ModelIndex(
            source=family.setting.source,
            table=family.tables[0] if family.tables else "replication",
            setting=setting,
            family=family.family,
            backbone=backbone,
            pretrain=pretrain,
            checkpoint=checkpoint,
            common=float(row["common"]),
            counter=float(row["counter"]),
            reliance=float(value) if has else None,
            stderr=float(error) if has else None,
            interval=(low, high) if has else None,
            rank=int(rank) if has else None,
            p_value=p_value,
            p_value_corrected=corrected,
            classwise=over_classes,
            verdict=verdict,
            sentence=f"{name}: {words}{_over_classes_in_words(over_classes)}.",
        )

    p_values = () if p_value is None else (p_value,)
    return Question(p_values if own is None else (*p_values, own.pooled.heterogeneity_p_value), answer)


def _over_classes_in_words(found: ClasswiseIndex | None) -> str:
    if found is None:
        return ""
    low, high = found.interval
    differ = "differ" if found.heterogeneity_p_value_corrected < LEVEL else "are not shown to differ"
    return (
        f"; over {found.classes} classes {found.reliance:.2f} [{low:.2f}, {high:.2f}], which {differ} (by "
        f"{found.spread:.2f}, one standard deviation), with {found.left_out} that have none"
    )
