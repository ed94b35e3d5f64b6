"""Upper baselines with labels: a linear classifier on the embeddings of photos that are not reported.

`probe` is logistic regression on all of them. `dfr` (last-layer retraining, Kirichenko et al., arXiv 2204.02937) is the
mean of ten, each on as many photos of each group, drawn anew; a group is a class on a background. Both standardise the
embeddings and use scikit-learn's penalty, C = 1, which is not tuned; the authors tune an L1 penalty. They know only the
classes of the photos held out, and choose among these.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from realdata.repairs.embeddings import Embedded
from theory.repair_rules import Scores
from workbench.errors import InputError

_DRAWS = 10
_STEPS = 1000


def train_probe(name: str, held_out: Embedded, reported: Embedded, candidates: Sequence[int], seed: int = 0) -> Scores:
    """Train a baseline.

    Args:
        name: `probe` or `dfr`.
        held_out: the photos to learn from.
        reported: the photos whose classes it must know.
        candidates: the candidates' class indices.
        seed: of the draws.

    Returns:
        A rule; candidates that it does not know have the score -inf.

    Raises:
        InputError: the photos held out have one class, or lack one of the reported classes.
    """
    labels = np.array([photo.class_index for photo in held_out.photos])
    classes = sorted(set(labels.tolist()))
    if missing := sorted({photo.class_index for photo in reported.photos} - set(classes)):
        raise InputError(f"`tune_on`: {name} needs photos of every class, and has none of the class {missing[0]}")
    if len(classes) < 2:
        raise InputError(f"`tune_on`: {name} tells classes apart, and needs photos of 2")
    from sklearn.preprocessing import StandardScaler  # slow to import

    scaler = StandardScaler().fit(held_out.rows)
    rows = scaler.transform(held_out.rows)
    draws = [np.arange(len(labels))] if name == "probe" else _balanced_draws(held_out, seed)
    slopes, offsets = zip(*(_fit(rows[draw], labels[draw]) for draw in draws), strict=True)
    slope, offset = np.mean(slopes, axis=0), np.mean(offsets, axis=0)
    places = [list(candidates).index(index) for index in classes]

    def scores(images: Float[np.ndarray, "photos width"]) -> Float[np.ndarray, "photos candidates"]:
        found = np.full((len(images), len(candidates)), -np.inf)
        found[:, places] = scaler.transform(images) @ slope.T + offset
        return found

    return scores


def _balanced_draws(held_out: Embedded, seed: int) -> list[np.ndarray]:
    groups: dict[tuple[int, str], list[int]] = {}
    for place, photo in enumerate(held_out.photos):
        groups.setdefault((photo.class_index, photo.background), []).append(place)
    fewest = min(map(len, groups.values()))
    generator = np.random.default_rng(seed)
    return [
        np.concatenate([generator.choice(places, fewest, replace=False) for places in groups.values()])
        for _ in range(_DRAWS)
    ]


def _fit(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A slope and an offset for each class, in the order of the labels."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=_STEPS).fit(rows, labels)
    if len(fitted.classes_) > 2:
        return fitted.coef_, fitted.intercept_
    return np.concatenate([-fitted.coef_, fitted.coef_]), np.concatenate([-fitted.intercept_, fitted.intercept_])
