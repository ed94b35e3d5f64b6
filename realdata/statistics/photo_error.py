"""The standard error of a published accuracy from the finite number of photos.

For most models only averages are published, not the accuracy of each class. So the error here is a bound: the largest
error that any class accuracies with this average allow. For a class-balanced average A over C classes of n_c photos,
the variance is (1 / C^2) sum_c a_c (1 - a_c) / n_c. Under the constraint mean(a_c) = A it is largest where
(1 - 2 a_c) / n_c is the same for all classes that are not at 0 or 1 (Lagrange), so a_c = (1 - t n_c) / 2, clipped.
For an unbalanced average over N photos, it is at most A (1 - A) / N, by concavity.
"""

import numpy as np
import pandas as pd

from workbench.conventions import GROUPS


def balanced_standard_error(accuracy: float, photos: np.ndarray) -> float:
    """Largest standard error of a class-balanced accuracy.

    Args:
        accuracy: mean over classes, in [0, 1].
        photos: number of photos of each class, shape (classes,).
    """
    if not 0.0 < accuracy < 1.0:
        return 0.0

    # The mean falls with the multiplier from 1 to 0, in lines between the places where a class comes to 0 or to 1.
    places = np.sort(np.concatenate([-1 / photos, 1 / photos]))
    means = _class_accuracies(places[:, None], photos).mean(axis=1)
    multiplier = np.interp(-accuracy, -means, places)
    worst = _class_accuracies(multiplier, photos)
    return float(np.sqrt(np.sum(worst * (1.0 - worst) / photos)) / len(photos))


def _class_accuracies(multiplier: np.ndarray | float, photos: np.ndarray) -> np.ndarray:
    return np.clip((1.0 - multiplier * photos) / 2.0, 0.0, 1.0)


def unbalanced_standard_error(accuracy: float, photos: np.ndarray) -> float:
    """Largest standard error of an accuracy over all photos; arguments as in `balanced_standard_error`."""
    return float(np.sqrt(accuracy * (1.0 - accuracy) / np.sum(photos)))


def standard_errors(accuracies: np.ndarray, photos: np.ndarray, averaging: str) -> np.ndarray:
    """Largest standard errors of several accuracies averaged in the same way, shape (models,).

    Args:
        accuracies: in [0, 1], shape (models,).
        photos: number of photos of each class, shape (classes,).
        averaging: `balanced` or `unbalanced`.
    """
    of_one = balanced_standard_error if averaging == "balanced" else unbalanced_standard_error
    return np.array([of_one(float(value), photos) for value in accuracies])


def proportions(percent: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Accuracies in % as shares in (0, 1); 0 and 100% have no logit, and become half a photo away from it.

    Args:
        percent: accuracies in [0, 100], shape (models,).
        photos: number of photos of each class, shape (classes,).
    """
    margin = 0.5 / float(np.sum(photos))
    return np.clip(percent / 100, margin, 1 - margin)


def group_proportions(models: pd.DataFrame, classes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies on common and on counter photos as shares in (0, 1), by `proportions`.

    Args:
        models: a row for each model, with `common` and `counter` in %.
        classes: a row for each class, with the numbers of photos `common_photos` and `counter_photos`.
    """
    common, counter = (proportions(models[group].to_numpy(), classes[f"{group}_photos"].to_numpy()) for group in GROUPS)
    return common, counter


def class_proportions(shares: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Accuracies of single classes as shares in (0, 1); 0 and 1 become half a photo away from it.

    Args:
        shares: accuracies in [0, 1].
        photos: number of photos of each accuracy, of the same shape.
    """
    return np.clip(shares, 0.5 / photos, 1 - 0.5 / photos)
