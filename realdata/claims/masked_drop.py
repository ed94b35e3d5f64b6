"""How much of the drop remains where the background is masked out (OCCAM, arXiv 2504.07092; `published/README.md`).

Each model saw the photos of both groups whole, and cut out by a mask on grey. What drop remains cannot be the
background's. What disappears goes with the background, or with what masks cost: they cost accuracy in both groups, and
may cut common and counter photos differently well.

Errors are from the number of photos, and bounds (`realdata.statistics.photo_error`), since OCCAM publishes averages
alone. What pairing there is cannot be recovered:

- the groups are different photos, so that their errors add in squares;
- the two views are the same photos, whose answers are not published one by one. Their drops' errors may be correlated
  in any way, and are added, which bounds the error of their difference;
- the models saw the same photos, so that a mean over models has the mean of their errors, also a bound.

Points shrink where accuracy is near 100% and grow near 50%, and masks lower accuracy. So the drop is given in logits
too, and each view's distance from the line through Table 4's ImageNet models (whole photos, at that common accuracy).
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
    """One model's drop with and without the background, or the mean of several; in points but where stated.

    Attributes:
        model: its name; `mean` for the mean of the models that saw the photos on grey.
        mask: how the background was taken away.
        drop: of whole photos.
        drop_interval: 95%, and so the next.
        masked: the drop that remains.
        masked_interval: its interval.
        removed: the one less the other: what goes with the background.
        removed_interval: its interval.
        remaining: the share of the drop that remains.
        remaining_logits: the share that remains of the drop in logits.
        cost_common: what masking costs on common photos.
        cost_counter: the same on counter photos.
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
    """Each model's drop on whole and on masked photos, and last the mean over those masked on grey.

    Nothing where Table 4 holds too few models for a line.

    Args:
        tables: the paper's.
        measured: `occam_counteranimal.csv`: a row for each model and view.

    Raises:
        InputError: a model stands in one view and not in the other, or has several masks.
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
    """Of one model, or of the mean of several.

    Args:
        model: its name.
        mask: how the background was taken away.
        accuracies: in %, shape (views, models, groups).
        errors: of the drops, shape (views, models).
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
