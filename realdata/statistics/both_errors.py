"""Effects on accuracies with errors in both of them, with the line's own error, and with photos that all models saw.

Three things make an effect on effective robustness uncertain beside the spread of the models in question.

- The line through the baseline's models is estimated. Every model's distance depends on it in the same way, so that it
  is a part of its own (`realdata.statistics.few_clusters.Part`), clustered by the baseline's clusters.
- Common accuracies have errors from the photos, which flatten the line. Each model's logit X is shrunk towards their
  mean x: x + (share of the spread that is not error) (X - x). Least squares on such is the line of the
  errors-in-variables model with known error variances (Fuller 1987, section 1.2; regression calibration). The models in
  question enter with their logits as they are: a distance is linear in these, and its error has mean 0.
- All models saw the same photos. What of the errors belongs to single models is in the scatter. What all have in common
  is not, and moves an effect by the sum of its sensitivities times the errors. `shared` is its variance where a photo
  that is hard for one model is as hard for all, whichever their family: most of it cancels. `other_photos` is the
  variance where it is so within each family and not between: the most that other photos could change.

The errors from photos are bounds (`realdata.statistics.photo_error`). How strongly the models' answers agree is not
published; the variances hold for every correlation, since each part is taken at its largest.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit

from realdata.statistics.few_clusters import Part, last_coefficient

_LEAST_SIGNAL = 0.1  # of the spread of the common accuracies: where photo errors exceed it, nothing is a line


@dataclasses.dataclass(frozen=True)
class Measured:
    """Accuracies of several models, and their standard errors from the photos; all as shares.

    Attributes:
        common: in (0, 1).
        counter: likewise.
        common_errors: of the accuracies on common photos.
        counter_errors: of those on counter photos.
    """

    common: Float[np.ndarray, " models"]
    counter: Float[np.ndarray, " models"]
    common_errors: Float[np.ndarray, " models"]
    counter_errors: Float[np.ndarray, " models"]


class BothErrors(NamedTuple):
    """An effect, and what makes it uncertain.

    Attributes:
        effect: the estimate, in points.
        parts: of its variance; the first one is that of the models in question.
        shared: variance from the photos where all models find the same ones hard.
        other_photos: the same where only models of one family do.
        photos: variance from the photos of each model's value, where its errors are its own, in squared points.
    """

    effect: float
    parts: tuple[Part, ...]
    shared: float
    other_photos: float
    photos: Float[np.ndarray, " models"]


def calibrate(
    places: Float[np.ndarray, " models"], errors: Float[np.ndarray, " models"]
) -> Float[np.ndarray, " models"]:
    """Shrink measured places towards their mean by the share of their spread that is error.

    Args:
        places: one for each model.
        errors: their standard errors.
    """
    mean, spread = float(np.mean(places)), float(np.var(places, ddof=1))
    signal = max(spread - float(np.mean(errors**2)), _LEAST_SIGNAL * spread)
    return mean + signal / (signal + errors**2) * (places - mean)


def robustness_effect(
    baseline: Measured,
    models: Measured,
    design: Float[np.ndarray, "models terms"],
    labels: Int[np.ndarray, " models"],
    baseline_labels: Int[np.ndarray, " baseline"],
) -> BothErrors:
    """The last coefficient of a regression of effective robustness, with every source of its error.

    Args:
        baseline: the models that define the line.
        models: those in question.
        design: the regression's terms, the one of interest last; a column of ones for the mean.
        labels: clusters of the models in question, from 0.
        baseline_labels: those of the baseline's.
    """
    x, y = logit(baseline.common), logit(baseline.counter)
    errors = baseline.common_errors / (baseline.common * (1 - baseline.common))
    terms = np.column_stack([np.ones(len(x)), calibrate(x, errors)])
    line = np.linalg.lstsq(terms, y, rcond=None)[0]
    places = np.column_stack([np.ones(len(models.common)), logit(models.common)])
    predicted = expit(places @ line)
    values = 100 * (models.counter - predicted)
    own = last_coefficient(values, design, labels)
    weights, steep = own.weights, predicted * (1 - predicted)
    of_line = Part(y, terms, baseline_labels, -100 * ((weights * steep) @ places))

    common = -100 * steep * line[1] / (models.common * (1 - models.common)) * models.common_errors
    counter = 100 * models.counter_errors
    from_line = of_line.weights
    line_by_common = -line[1] * from_line * errors
    line_by_counter = from_line * baseline.counter_errors / (baseline.counter * (1 - baseline.counter))
    return BothErrors(
        float(own.weights @ values),
        (own, of_line),
        *_from_photos((weights * common, weights * counter), (line_by_common, line_by_counter)),
        common**2 + counter**2,
    )


def drop_effect(
    models: Measured, design: Float[np.ndarray, "models terms"], labels: Int[np.ndarray, " models"]
) -> BothErrors:
    """The last coefficient of a regression of drops; arguments as in `robustness_effect`."""
    values = 100 * (models.common - models.counter)
    own = last_coefficient(values, design, labels)
    common, counter = 100 * models.common_errors, -100 * models.counter_errors
    moved = _from_photos((own.weights * common, own.weights * counter))
    return BothErrors(float(own.weights @ values), (own,), *moved, common**2 + counter**2)


def _from_photos(*families: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Variances where all models' errors are one, and where those of each family are.

    Args:
        families: what one standard error of each model's common and counter accuracy does to the effect.
    """
    moved = np.array([[group.sum() for group in family] for family in families])
    return float(np.sum(moved.sum(axis=0) ** 2)), float(np.sum(moved**2))
