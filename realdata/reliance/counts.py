"""Class-wise accuracies as counts of photos, so that binomial errors are exact.

An accuracy of one class is a whole number of photos over the class's photos. The printed number of photos is used if
more than half of the models' accuracies are counts over it, within the table's rounding. This fails where photos were
missing (the replication) or the number is misprinted. Then the number is used over which most accuracies are counts; of
several, the closest to the printed one. An accuracy that is not a count over the used number is left out.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from workbench.conventions import GROUPS

# Half of the last printed digit, as a share: the paper gives per cent with two decimals, the replication with six.
ROUNDING = {"paper": 0.5e-4, "replication": 0.5e-8}
# A class has at most 346 photos of a group: more than twice as many would be a common multiple, not a count.
_MOST_PHOTOS = 700


@dataclasses.dataclass(frozen=True)
class ClassCounts:
    """Counts of right photos; arrays have the shape (classes, models).

    Attributes:
        source: `paper` or `replication`.
        classes: `imagenet_index` and `label` of each class.
        models: `backbone` and `pretrain` of each model.
        right: number of photos that the model got right, by group.
        photos: number of photos of the class, by group.
        known: whether both groups are known for this model and class; otherwise the counts are 0 of 1.
        left_out: models, classes and groups with an accuracy that is not a count of photos, in words.
    """

    source: str
    classes: pd.DataFrame
    models: pd.DataFrame
    right: Mapping[str, Float[np.ndarray, "classes models"]]
    photos: Mapping[str, Float[np.ndarray, "classes models"]]
    known: Bool[np.ndarray, "classes models"]
    left_out: tuple[str, ...]


def photo_count(
    shares: Float[np.ndarray, " models"], printed: int, rounding: float
) -> tuple[int, Bool[np.ndarray, " models"]]:
    """The number of photos over which a class's accuracies are counts, and which accuracies are.

    Args:
        shares: accuracies in [0, 1]; NaN if unknown.
        printed: published number of photos.
        rounding: largest distance of a share from a count over the photos.
    """
    of_printed = _are_counts(shares, np.array([printed]), rounding)[:, 0]
    if 2 * of_printed.sum() > np.sum(~np.isnan(shares)):
        return printed, of_printed
    numbers = np.arange(2, _MOST_PHOTOS)
    fits = _are_counts(shares, numbers, rounding)
    fitted = fits.sum(axis=0)
    if fitted.max() <= of_printed.sum():
        return printed, of_printed
    best = np.flatnonzero(fitted == fitted.max())
    chosen = best[np.argmin(np.abs(numbers[best] - printed))]
    return int(numbers[chosen]), fits[:, chosen]


def count(source: str, accuracies: pd.DataFrame, photos: pd.DataFrame) -> ClassCounts:
    """Counts of one source's class-wise accuracies.

    Args:
        source: `paper` or `replication`.
        accuracies: a row for each model and class, from `published.tables.read_classwise`, in %.
        photos: `imagenet_index`, `common_photos` and `counter_photos` of each class, as printed.
    """
    printed = photos.set_index("imagenet_index")
    models = accuracies[["backbone", "pretrain"]].drop_duplicates(ignore_index=True)
    classes = accuracies[["imagenet_index", "label"]].drop_duplicates(ignore_index=True)
    keys = ["imagenet_index", "backbone", "pretrain"]
    # Of repeated rows the first; the audit checks whether a model has different numbers in two tables.
    shares = accuracies.drop_duplicates(keys).set_index(keys)[list(GROUPS)] / 100
    names = models.astype(str).to_numpy().tolist()
    columns = pd.MultiIndex.from_frame(models)
    right, of_class, known, left_out = {}, {}, [], []
    indices = classes["imagenet_index"].to_numpy(int)
    labels = [str(label).partition(",")[0] for label in classes["label"]]
    for group in GROUPS:
        table = shares[group].unstack(["backbone", "pretrain"])
        table = table.reindex(index=classes["imagenet_index"], columns=columns)
        values = table.to_numpy()
        numbers, fits = [], []
        of_printed = printed[f"{group}_photos"].astype(int)
        for index, label, own in zip(indices, labels, values, strict=True):
            number, fit = photo_count(own, int(of_printed[index]), ROUNDING[source])
            numbers.append(number)
            fits.append(fit)
            left_out += [
                f"{' '.join(names[place])}, {label}, {group}: {100 * own[place]:.6g}% is no count of {number} photos"
                for place in np.flatnonzero(~fit & ~np.isnan(own))
            ]
        of_class[group] = np.repeat(np.array(numbers, float)[:, None], len(models), axis=1)
        right[group] = values
        known.append(np.array(fits))
    both = known[0] & known[1]
    return ClassCounts(
        source,
        classes,
        models,
        {group: np.where(both, np.round(np.nan_to_num(right[group]) * of_class[group]), 0.0) for group in GROUPS},
        {group: np.where(both, of_class[group], 1.0) for group in GROUPS},
        both,
        tuple(left_out),
    )


def _are_counts(
    shares: Float[np.ndarray, " models"], numbers: np.ndarray, rounding: float
) -> Bool[np.ndarray, "models numbers"]:
    counts = shares[:, None] * numbers
    # A little more than the rounding, for floating-point errors.
    return np.abs(counts - np.round(counts)) <= numbers * rounding * (1 + 1e-6)
