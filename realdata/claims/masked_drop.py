"""How much of the drop remains with a masked background (OCCAM, arXiv 2504.07092; `published/README.md`).

Each model saw the photos of both groups whole, and with a mask's grey in place of the background. The drop that remains
cannot come from the background. The part that disappears comes from the background or from the masks: they lower the
accuracy in both groups, and may fit common and counter photos differently well.

Errors come from the number of photos, and are bounds (`realdata.statistics.photo_error`), since OCCAM publishes
averages only. The pairing of answers cannot be recovered:

- The groups are different photos, so their errors add in squares.
- The two views are the same photos, whose single answers are not published. Their drops' errors may have any
  correlation. Their sum bounds the error of the difference.
- The models saw the same photos, so the mean of their errors bounds the error of their mean.

A drop in points is smaller near 100% than near 50%, and masks lower accuracy. So the drop is also given in logits, and
as each view's distance from the line through Table 4's ImageNet models (whole photos, at that common accuracy).
"""

import dataclasses

import numpy as np
import pandas as pd
from scipy.special import logit

from published.tables import PublishedTables
from realdata.claims.c1_drop import drop_errors
from realdata.claims.hypothesis import Effect
from realdata.claims.other_models import FULL, has_line
from realdata.statistics.effective_robustness import robustness_of_one
from realdata.statistics.photo_error import group_proportions
from workbench.conventions import GROUPS
from workbench.errors import InputError

GREY = "oracle foreground mask on grey (HQES)"
ALL = "mean"


@dataclasses.dataclass(frozen=True)
class MaskedDrop:
    """One model's drop with and without the background, or the mean of several models; in points unless stated.

    Attributes:
        model: the model's name; `mean` for the mean of the models that saw the photos on grey.
        mask: how the background was replaced.
        drop: the drop on whole photos.
        drop_interval: its 95% interval.
        masked: the drop on masked photos.
        masked_interval: its 95% interval.
        removed: the drop on whole photos minus the drop on masked ones.
        removed_interval: its 95% interval.
        remaining: the share of the drop that remains.
        remaining_logits: the share of the drop in logits that remains.
        cost_common: the loss of accuracy by masking on common photos.
        cost_counter: the loss of accuracy by masking on counter photos.
        above_line: distance from the ImageNet models' line, whole and masked.
    """

    model: str
    mask: str
    drop: float
    drop_interval: tuple[float, float]
    masked: float
    masked_interval: tuple[float, float]
    removed: float
    removed_interval: tuple[float, float]
    remaining: float
    remaining_logits: float
    cost_common: float
    cost_counter: float
    above_line: tuple[float, float]


def masked_drops(tables: PublishedTables, measured: pd.DataFrame) -> list[MaskedDrop]:
    """Each model's drop on whole and on masked photos, and last the mean over the models with grey masks.

    The list is empty if Table 4 has too few models for a line.

    Args:
        tables: the paper's tables.
        measured: `occam_counteranimal.csv`, a row for each model and view.

    Raises:
        InputError: a model has only one of the two views, or several masks.
    """
    if not has_line(tables):
        return []
    full = measured[measured["view"] == FULL].set_index("model")
    masked = measured[measured["view"] != FULL].set_index("model")
    wrong = sorted(set(full.index) ^ set(masked.index) | set(masked.index[masked.index.duplicated()]))
    if wrong:
        raise InputError(f"occam_counteranimal.csv: not once whole and once masked: {', '.join(wrong)}")
    masked = masked.loc[full.index]
    accuracies = np.stack([frame[list(GROUPS)].to_numpy(dtype=float) for frame in (full, masked)])
    errors = np.stack([drop_errors(frame, "balanced", tables) for frame in (full, masked)])
    imagenet = tables.results[tables.results["table"] == "4"]
    line = group_proportions(imagenet, tables.classes)
    above = np.array([[robustness_of_one(*line, *pair).value for pair in view.tolist()] for view in accuracies / 100])
    models = [
        _record(model, mask, accuracies[:, [number]], errors[:, [number]], above[:, [number]])
        for number, (model, mask) in enumerate(zip(full.index, masked["view"], strict=True))
    ]
    grey = (masked["view"] == GREY).to_numpy()
    return [*models, _record(ALL, GREY, accuracies[:, grey], errors[:, grey], above[:, grey])]


def _record(model: str, mask: str, accuracies: np.ndarray, errors: np.ndarray, above: np.ndarray) -> MaskedDrop:
    """The drop of one model, or of the mean of several.

    Args:
        model: the model's name.
        mask: how the background was replaced.
        accuracies: accuracies in %, shape (views, models, groups).
        errors: errors of the drops, shape (views, models).
        above: distances from the line, shape (views, models).
    """
    means = accuracies.mean(axis=1)
    drops, stderrs = means[:, 0] - means[:, 1], errors.mean(axis=1)
    whole, masked = (Effect(float(drop), float(error)) for drop, error in zip(drops, stderrs, strict=True))
    removed = Effect(whole.effect - masked.effect, whole.stderr + masked.stderr)
    in_logits = (logit(accuracies[..., 0] / 100) - logit(accuracies[..., 1] / 100)).mean(axis=1)
    whole_line, masked_line = above.mean(axis=1).tolist()
    return MaskedDrop(
        model,
        mask,
        whole.effect,
        whole.interval,
        masked.effect,
        masked.interval,
        removed.effect,
        removed.interval,
        masked.effect / whole.effect,
        float(in_logits[1] / in_logits[0]),
        float(means[0, 0] - means[1, 0]),
        float(means[0, 1] - means[1, 1]),
        (whole_line, masked_line),
    )
