"""C9 as one effect: by how much more CLIPs lead ImageNet models on other test sets than on counter photos.

A CLIP's lead on a test set is its effective robustness over ImageNet accuracy, in points. The contrast is its mean lead
on the five other test sets less its lead on the counter photos, all asked with 80 prompts; the effect is the mean over
CLIPs. The two halves are asked as well, each as a mean over CLIPs.

The lines of the other sets go through the same ImageNet models. They are one regression, whose terms are an intercept
and a slope for each set, so that errors which a model (or its architecture) has on several sets go together. The line
of the counter photos goes through the paper's own ImageNet models. Of photos' errors, those of the counter photos are
in the effect; the other sets have more photos, or share none of CounterAnimal's, and theirs are left out.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.special import expit, logit

from published.tables import PublishedTables
from realdata.claims.asked_effects import Asked
from realdata.claims.c9_shifts import TEST_SETS, Shifts, keep_measured, read_accuracies
from realdata.claims.hypothesis import Hypothesis, clusters_of, positive
from realdata.claims.settings import is_selector
from realdata.statistics.both_errors import BothErrors
from realdata.statistics.few_clusters import Part, last_coefficient
from realdata.statistics.photo_error import standard_errors
from workbench.conventions import GROUPS

OTHERS = tuple(name for name in TEST_SETS if name not in GROUPS)
CONTRAST = "lead on other test sets less lead on counter photos"
ELSEWHERE, HERE = "lead on other test sets, on average", "lead on counter photos"
_TABLE = "10"  # 80 prompts, as on the other test sets
_WEIGHTS: dict[str, tuple[dict[str, float], Hypothesis]] = {
    CONTRAST: (
        dict.fromkeys(OTHERS, 1 / len(OTHERS)) | {"counter": -1.0},
        positive("CLIPs lead ImageNet models by no more on other test sets than on counter photos", "points"),
    ),
    ELSEWHERE: (
        dict.fromkeys(OTHERS, 1 / len(OTHERS)),
        positive(
            "CLIPs are no more accurate on other test sets than ImageNet models as accurate on ImageNet", "points"
        ),
    ),
    HERE: (
        {"counter": 1.0},
        positive("CLIPs are no more accurate on counter photos than ImageNet models as accurate on ImageNet", "points"),
    ),
}


def ask_contrast(shifts: Shifts, tables: PublishedTables) -> list[Asked]:
    """Ask the contrast and its two halves, without the CLIP that selected the photos; nothing where a table lacks.

    Args:
        shifts: from `realdata.claims.c9_shifts.read_shifts`, of the corrected tables.
        tables: for the photo counts.
    """
    if _TABLE not in shifts.clips:
        return []
    clips = shifts.clips[_TABLE]
    clips = clips[~is_selector(clips)]
    setting = {"setup": "1v1000", "prompt": "openai80", "averaging": "balanced", "selector": "excluded"}
    setting |= {"predictors": "ImageNet", "values": "corrected"}
    found = []
    for question, (weights, hypothesis) in _WEIGHTS.items():
        clusters = clusters_of(clips)
        by_way = {way: _effect(shifts, clips, tables, weights, labels) for way, labels in clusters.items()}
        found.append(Asked("C9", question, setting, hypothesis, clips, clusters, by_way))
    return found


def _effect(
    shifts: Shifts, clips: pd.DataFrame, tables: PublishedTables, weights: Mapping[str, float], labels: np.ndarray
) -> BothErrors:
    """The mean over CLIPs of a weighted sum of their leads.

    Args:
        shifts: the ImageNet models.
        clips: those in question.
        tables: for the photo counts.
        weights: of each test set.
        labels: the CLIPs' clusters.
    """
    x = np.column_stack([np.ones(len(clips)), logit(read_accuracies(clips, ["imagenet"])[:, 0])])
    values, photos, moved = np.zeros(len(clips)), np.zeros(len(clips)), [0.0]
    others: list[tuple[pd.Series, np.ndarray, np.ndarray, np.ndarray]] = []
    parts: list[Part] = []
    for name, weight in weights.items():
        models = keep_measured(shifts.imagenet["torchvision" if name == "counter" else "testbed"], (name, "imagenet"))
        shares = read_accuracies(models, ["imagenet", name])
        design, y = np.column_stack([np.ones(len(models)), logit(shares[:, 0])]), logit(shares[:, 1])
        predicted = expit(x @ np.linalg.lstsq(design, y, rcond=None)[0])
        own = read_accuracies(clips, [name])[:, 0]
        values += weight * 100 * (own - predicted)
        gradient = -weight * 100 * np.mean((predicted * (1 - predicted))[:, None] * x, axis=0)
        if name != "counter":
            others.append((models["cluster"], design, y, gradient))
            continue
        part = Part(y, design, pd.factorize(models["cluster"])[0].astype(np.int64), gradient)
        parts.append(part)
        counts = tables.classes["counter_photos"].to_numpy()
        of_line = standard_errors(shares[:, 1], counts, "balanced") / (shares[:, 1] * (1 - shares[:, 1]))
        of_own = weight * 100 * standard_errors(own, counts, "balanced")
        moved, photos = [float(np.mean(of_own)), float(part.weights @ of_line)], of_own**2
    if others:
        clusters = pd.factorize(pd.concat([each[0] for each in others]))[0].astype(np.int64)
        designs, ys, gradients = ([each[place] for each in others] for place in (1, 2, 3))
        parts.append(Part(np.concatenate(ys), block_diag(*designs), clusters, np.concatenate(gradients)))
    own_part = last_coefficient(values, np.ones((len(values), 1)), labels)
    shared, other_photos = sum(moved) ** 2, float(np.sum(np.square(moved)))
    return BothErrors(float(values.mean()), (own_part, *parts), shared, other_photos, photos)
