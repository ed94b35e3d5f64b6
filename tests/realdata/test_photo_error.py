"""The bound on an average's standard error, from the number of photos alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from published.directory import DIRECTORY
from published.tables import read_published_tables
from realdata.statistics.photo_error import balanced_standard_error, unbalanced_standard_error

PHOTOS = np.array([3.0, 10.0, 25.0, 80.0])


def exact(accuracies, photos):
    return np.sqrt(np.sum(accuracies * (1 - accuracies) / photos)) / len(photos)


@pytest.mark.parametrize("accuracy", [0.03, 0.4, 0.5, 0.85, 0.99])
def test_bound_is_the_largest_that_an_optimiser_finds(accuracy):
    found = minimize(
        lambda a: -np.sum(a * (1 - a) / PHOTOS),
        np.full(4, accuracy),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda a: a.mean() - accuracy},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(balanced_standard_error(accuracy, PHOTOS), exact(found.x, PHOTOS), rtol=1e-4)
    # Taking every class at the average is no bound.
    assert balanced_standard_error(accuracy, PHOTOS) > exact(np.full(4, accuracy), PHOTOS) * 0.99999


def test_bound_covers_every_model_with_known_class_accuracies():
    """The replication gives class accuracies: their exact errors lie below the bound, and not far below."""
    classes = read_published_tables().classes.set_index("imagenet_index")
    classwise = pd.read_csv(DIRECTORY / "replication_classwise.csv")
    ratios = []
    for _, model in classwise.groupby(["backbone", "pretrain"]):
        photos = classes.loc[model["imagenet_index"], "counter_photos"].to_numpy()
        accuracies = model["counter"].to_numpy() / 100
        ratios.append(exact(accuracies, photos) / balanced_standard_error(accuracies.mean(), photos))
    assert max(ratios) <= 1
    assert min(ratios) > 0.7  # a bound that is twice the error would make verdicts timid


def test_unbalanced_bound_and_edges():
    assert unbalanced_standard_error(0.3, PHOTOS) == pytest.approx(np.sqrt(0.3 * 0.7 / 118))
    assert balanced_standard_error(0.0, PHOTOS) == balanced_standard_error(1.0, PHOTOS) == 0.0
