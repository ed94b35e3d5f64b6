"""Wrong labels of counter photos, and whether these labels go with the background.

A label goes with a background if the model gives it more often to photos on that background than to photos on others.
Only photos of third classes count: if swans on grass are labelled geese, neither swans nor geese count.

Among all mistakes on counter photos, we compare the share that goes with the photos' background with its mean over
random permutations of the counter backgrounds among the classes (a one-sided permutation test). If mistakes did not
depend on the background, another class's background would fit them as well.

Where the labels are ImageNet's, the same share is computed for mistakes with near and with far labels apart
(`realdata.evaluate.kinship`): a confusion of species would go with no background.
"""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from realdata.evaluate.kinship import NEAR, are_imagenet, group_sizes

PERMUTATIONS = 10_000
_LISTED = 5  # labels for each class


def mistakes(predictions: pd.DataFrame, names: dict[int, str], seed: int = 0) -> dict[str, Any]:
    """Analyse the mistakes on counter photos, for `summary.json`.

    Args:
        predictions: a row for each photo, with the columns of `realdata.evaluate.predictions`.
        names: class index to name.
        seed: seed of the permutations.

    Returns:
        `counter_mistakes`, their number; `judged`, the number that photos of third classes can judge;
        `with_background`, the share of the judged ones that goes with the background, in %; `expected`, the mean of
        that share over permutations; `p_value`; `near` and `far`, the same four for mistakes with such labels, None
        where labels are not ImageNet's; and `classes`: for each class its most frequent wrong labels on counter photos,
        with their shares among its counter and its common photos in %, and whether they go with the background (None
        if no photos of third classes can judge).
    """
    wrong = predictions[(predictions.group == "counter") & (predictions.predicted_index != predictions.class_index)]
    cells = wrong[["class_index", "background"]].drop_duplicates().sort_values(["class_index", "background"])
    backgrounds, labels = sorted(set(predictions.background)), sorted(set(wrong.predicted_index))
    fits, known = _fits(predictions, cells.class_index.tolist(), backgrounds, labels)
    counts = np.zeros((len(cells), len(labels)), int)
    of_cell = {cell: number for number, cell in enumerate(cells.itertuples(index=False, name=None))}
    for row in wrong.itertuples():
        counts[of_cell[row.class_index, row.background], labels.index(row.predicted_index)] += 1
    own = np.array([backgrounds.index(background) for background in cells.background], int)
    kinds: dict[str, dict[str, Any] | None] = {"near": None, "far": None}
    if are_imagenet(names) and len(wrong):
        near = group_sizes(cells.class_index.to_numpy(dtype=int), np.array(labels)) <= NEAR
        kinds = {
            kind: _ask_background(counts * chosen, fits, known, own, seed)
            for kind, chosen in (("near", near), ("far", ~near))
        }
    classes, answers = (predictions[name].to_numpy() for name in ("class_index", "predicted_index"))
    common = (predictions.group == "common").to_numpy()
    photos = predictions[predictions.group == "counter"].groupby(["class_index", "background"]).size()
    return {
        "counter_mistakes": len(wrong),
        **_ask_background(counts, fits, known, own, seed),
        **kinds,
        "classes": [
            _class_row(
                cell,
                int(photos[cell]),
                answers[common & (classes == cell[0])],
                counts[number],
                fits[number, own[number]],
                known[number, own[number]],
                labels,
                names,
            )
            for cell, number in of_cell.items()
        ],
    }


def _ask_background(
    counts: Int[np.ndarray, "cells labels"],
    fits: Bool[np.ndarray, "cells backgrounds labels"],
    known: Bool[np.ndarray, "cells backgrounds labels"],
    own: Int[np.ndarray, " cells"],
    seed: int,
) -> dict[str, Any]:
    """How many mistakes can be judged, the share that goes with the background, what is expected, and the p-value."""
    # How many of each cell's mistakes would fit each background, and how many could be judged there.
    fitting = np.einsum("cl,cbl->cb", counts, fits & known)
    judged = np.einsum("cl,cbl->cb", counts, known)
    observed, number = _share(fitting, judged, own[None])
    shuffled = np.random.default_rng(seed).permuted(np.tile(own, (PERMUTATIONS, 1)), axis=1)
    random, _ = _share(fitting, judged, shuffled)
    testable = bool(number[0]) and len(set(own.tolist())) > 1
    return {
        "judged": int(number[0]),
        "with_background": float(observed[0]) if number[0] else None,
        "expected": float(random.mean()) if testable else None,
        "p_value": float((1 + np.sum(random >= observed[0])) / (1 + PERMUTATIONS)) if testable else None,
    }


def _share(
    fitting: Int[np.ndarray, "cells backgrounds"],
    judged: Int[np.ndarray, "cells backgrounds"],
    places: Int[np.ndarray, "draws cells"],
) -> tuple[np.ndarray, np.ndarray]:
    """For each draw of the cells' backgrounds: the share of mistakes that fit, in %, and the number of judged ones."""
    rows = np.arange(len(fitting))
    number = judged[rows, places].sum(axis=1)
    return 100.0 * fitting[rows, places].sum(axis=1) / np.maximum(number, 1), number


def _fits(
    predictions: pd.DataFrame, classes: list[int], backgrounds: list[str], labels: list[int]
) -> tuple[Bool[np.ndarray, "cells backgrounds labels"], Bool[np.ndarray, "cells backgrounds labels"]]:
    """Whether each label goes with each background, by photos outside a cell's class; and whether that is known."""
    every = sorted(set(predictions.class_index))
    given = np.zeros((len(every), len(backgrounds), len(labels)), int)
    photos = np.zeros((len(every), len(backgrounds)), int)
    places = (
        predictions.class_index.map(every.index).to_numpy(),
        predictions.background.map(backgrounds.index).to_numpy(),
    )
    np.add.at(photos, places, 1)
    listed = predictions.predicted_index.isin(labels).to_numpy()
    np.add.at(
        given,
        (places[0][listed], places[1][listed], predictions.predicted_index[listed].map(labels.index).to_numpy()),
        1,
    )
    of_label = np.array([[index == label for label in labels] for index in every])  # the label's own photos
    given = np.where(of_label[:, None], 0, given)
    seen = np.where(of_label[:, None], 0, photos[..., None])
    left_out = [every.index(index) for index in classes]
    on, seen_on = given.sum(axis=0) - given[left_out], seen.sum(axis=0) - seen[left_out]
    off, seen_off = on.sum(axis=1, keepdims=True) - on, seen_on.sum(axis=1, keepdims=True) - seen_on
    # Compares rates without a division.
    return on * seen_off > off * seen_on, (seen_on > 0) & (seen_off > 0)


def _class_row(
    cell: tuple[Any, ...],
    photos: int,
    common: Int[np.ndarray, " common"],
    counts: Int[np.ndarray, " labels"],
    fits: Bool[np.ndarray, " labels"],
    known: Bool[np.ndarray, " labels"],
    labels: list[int],
    names: dict[int, str],
) -> dict[str, Any]:
    """The most frequent wrong labels of a class on a background with so many counter photos."""
    index, background = cell
    listed = []
    for place in np.argsort(-counts, kind="stable")[:_LISTED]:
        if counts[place]:
            share = 100.0 * float((common == labels[place]).mean()) if len(common) else None
            listed.append(
                {
                    "class_index": int(labels[place]),
                    "label": names[int(labels[place])],
                    "photos": int(counts[place]),
                    "share": 100.0 * float(counts[place] / photos),
                    "share_of_common": share,
                    "goes_with_background": bool(fits[place]) if known[place] else None,
                }
            )
    return {"class_index": int(index), "label": names[int(index)], "background": background, "mistaken_for": listed}
