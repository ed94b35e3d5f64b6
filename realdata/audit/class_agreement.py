"""Class by class against the replication: models that disagree as a whole, and single classes that stand out.

The replication has the paper's photos, or nearly all. If k of n photos are right, then of n - m photos between k - m
and k are right. The rest of a difference consists of flips, photos with another answer, which should be few.

A model disagrees as a whole if its class-wise differences are larger than between two *different* samples of photos:
the sum of their squares, each over the binomial variance of the two accuracies, exceeds the chi-square quantile at 1%
over the number of models and groups. A class of another model stands out if it has more flips than the other classes'
rate explains (Poisson; the rate is that of the classes with all or nearly all photos), at 1% over all classes, groups
and models.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy.stats import chi2, poisson
from statsmodels.stats.multitest import multipletests

from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import Key
from realdata.audit.printed import CellPlace
from realdata.audit.replication import PhotoCount
from workbench.conventions import GROUPS

MODEL = "replication: model, class by class"
CLASS = "replication: class"
STATEMENTS = {
    MODEL: "A model's class-wise accuracies differ from the replication's by less than those of two different samples "
    "of photos would (chi-square, 1% over models and groups).",
    CLASS: "No class of a model has more photos judged otherwise by the replication than the rate of its other classes "
    "explains (Poisson, 1% over all classes).",
}
_LEVEL = 0.01
_WHOLE = 0.01  # largest share of missing photos in classes that measure the rate
_CLASSES = 5  # fewest classes that measure it

Model = tuple[str, str]
Hypothesis = TypeVar("Hypothesis", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class ClassDifference:
    """One class of a model in both sources.

    Attributes:
        place: the paper's cell.
        replication: the replication's accuracy, in %.
        difference: paper minus replication, in points.
        flips: the smallest possible number of photos with another answer.
        photos: the paper's number of photos.
        lacking: how many of them the replication lacks.
        squared: the squared difference over the binomial variance of two samples.
    """

    place: CellPlace
    replication: float
    difference: float
    flips: int
    photos: int
    lacking: int
    squared: float


def check_class_agreement(ledger: Ledger, counts: Mapping[Key, PhotoCount]) -> dict[Model, str]:
    """Record the classes that disagree with the replication.

    Args:
        ledger: the ledger to write to.
        counts: numbers of photos, by each source.

    Returns:
        A sentence about each model that disagrees as a whole.
    """
    compared = _compare(ledger, counts)
    if not compared:
        return {}
    squares = {key: sum(each.squared for each in differences) for key, differences in compared.items()}
    other_kind = _reject({key: chi2.sf(squares[key], len(differences)) for key, differences in compared.items()})
    unusual = _reject({place: p for each in compared.values() for place, p in _flip_p_values(each).items()})
    standing: dict[Model, list[str]] = defaultdict(list)
    for key, differences in compared.items():
        model, group = key
        for rule in (CLASS, MODEL):
            ledger.look(rule, (each.place for each in differences))
        if key in other_kind:
            median = np.median(np.abs([each.difference for each in differences]))
            times = np.sqrt(squares[key] / len(differences))
            standing[model].append(
                f"{median:.1f} points in the median class ({group}), {times:.1f} times what two different samples of "
                "photos would"
            )
            continue
        usual = int(np.median([each.flips for each in differences]))
        for each in (each for each in differences if each.place in unusual):
            ledger.find(
                each.place,
                CLASS,
                "warning",
                f"{each.replication:.2f}",
                f"Differs from the replication by {each.difference:+.2f} points: at least {each.flips} of "
                f"{each.photos} photos judged otherwise, where the median class of this model has {usual}.",
            )
    return {model: f"Class by class it differs by {', and by '.join(parts)}." for model, parts in standing.items()}


def _compare(ledger: Ledger, counts: Mapping[Key, PhotoCount]) -> dict[tuple[Model, str], list[ClassDifference]]:
    tables = ledger.tables
    ids = {row["imagenet_index"]: row["class_id"] for row in tables.rows["classes.csv"].values()}
    there = {
        (tables.model("replication_classwise.csv", line), ids[row["imagenet_index"]]): row
        for line, row in tables.rows["replication_classwise.csv"].items()
        if row["setup"] == "1v1000"
    }
    seen = set()
    compared = defaultdict(list)
    for line, row in tables.rows["classwise.csv"].items():
        model = tables.model("classwise.csv", line)
        other = there.get((model, row["class_id"]))
        if other is None or (model, row["class_id"]) in seen:
            continue
        seen.add((model, row["class_id"]))
        for group in GROUPS:
            place = CellPlace("classwise.csv", line, group)
            count = counts[row["class_id"], group]
            text = ledger.corrections.get(place, tables.text(place))
            if text and other[group] and count.corrected and count.replication:
                difference = _difference(place, float(text), float(other[group]), count.corrected, count.replication)
                compared[model, group].append(difference)
    return dict(compared)


def _difference(place: CellPlace, paper: float, replication: float, photos: int, fewer: int) -> ClassDifference:
    right, again = round(paper * photos / 100), round(replication * fewer / 100)
    flips = max(again - right, right - max(photos - fewer, 0) - again, 0)
    pooled = (right + again + 1) / (photos + fewer + 2)
    variance = pooled * (1 - pooled) * (1 / photos + 1 / fewer)
    difference = paper - replication
    return ClassDifference(
        place, replication, difference, flips, photos, photos - fewer, (difference / 100) ** 2 / variance
    )


def _reject(p_values: Mapping[Hypothesis, float]) -> set[Hypothesis]:
    """The hypotheses that are rejected, with Bonferroni's correction over all of them."""
    rejected = multipletests(list(p_values.values()), alpha=_LEVEL, method="bonferroni")[0]
    return {hypothesis for hypothesis, out in zip(p_values, rejected, strict=True) if out}


def _flip_p_values(differences: Sequence[ClassDifference]) -> dict[CellPlace, float]:
    """The probability of as many flips in each class at the rate of the others; 1 if there are too few others."""
    if len(differences) <= _CLASSES:
        return {each.place: 1.0 for each in differences}
    # With missing photos, not all flips show.
    flips, photos, lacking = np.array([(each.flips, each.photos, each.lacking) for each in differences]).T
    whole = lacking <= _WHOLE * photos
    telling = whole if whole.sum() > _CLASSES else np.ones_like(whole)
    # Flips in both directions cancel; the square of the rest has their number as its mean. One is added, so that a
    # rate of 0 does not count as certain.
    squares, counts = flips**2 * telling, photos * telling
    rates = (squares.sum() - squares + 1) / (counts.sum() - counts)
    found = poisson.sf(flips - 1, photos * rates)
    return dict(zip((each.place for each in differences), found.tolist(), strict=True))
