"""Effective robustness on logit-scaled axes (Taori et al. 2020, arXiv 2007.00644; Miller et al. 2021, 2107.04649).

A line logit(counter) = a + b logit(common) is fitted by least squares to the ImageNet models. A model's effective
robustness, in points, is its accuracy on the counter group minus the line's prediction from its accuracy on the common
group. It is negative if the model loses more than ImageNet models of the same common accuracy.

The joint test asks whether the mean effective robustness of a group of models is 0. Its variance has two parts: the
spread of the models' own values, and the uncertainty of the line, which they share (delta method). The degrees of
freedom are Welch and Satterthwaite's. The test treats the models as independent draws, which they are not (they share
pre-training data). It is about these photos: the error does not include the choice of photos.
"""

import dataclasses
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy.special import expit, logit

from realdata.statistics.few_clusters import sum_variances
from realdata.statistics.student import quantile, tail
from workbench.conventions import LEVEL

# Models that a line and its error, and a mean and its error, need.
FEWEST_FOR_LINE, FEWEST_FOR_MEAN = 3, 2


@dataclasses.dataclass(frozen=True)
class EffectiveRobustness:
    """Effective robustness of a group of models against a baseline line; all in points.

    Attributes:
        intercept: the line's intercept, in logits.
        slope: the line's slope.
        values: the value of each model, shape (models,).
        intervals: 95% prediction intervals of each value for one more model of the baseline's kind, shape (models, 2);
            an interval without 0 means that the model does not behave like the baseline.
        mean: the mean over the models.
        stderr: standard error of the mean.
        interval: 95% interval of the mean.
        p_value: p-value of the joint test that the mean is 0, two-sided.
        freedom: degrees of freedom of the test.
        extrapolated: number of models outside the baseline's range of common accuracy.
    """

    intercept: float
    slope: float
    values: np.ndarray
    intervals: np.ndarray
    mean: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    freedom: float
    extrapolated: int


def effective_robustness(
    baseline_common: np.ndarray, baseline_counter: np.ndarray, common: np.ndarray, counter: np.ndarray
) -> EffectiveRobustness:
    """Effective robustness of models from their accuracies and those of the baseline's models.

    Args:
        baseline_common: accuracies in (0, 1) on the common group of the models that define the line.
        baseline_counter: their accuracies on the counter group.
        common: accuracies in (0, 1) of the models in question.
        counter: their accuracies on the counter group.

    Raises:
        ValueError: there are fewer than three baseline models or fewer than two models in question, or no line.
    """
    if len(baseline_common) < FEWEST_FOR_LINE or len(common) < FEWEST_FOR_MEAN:
        raise ValueError("a line and its errors need at least three baseline models and two models to compare")
    fit = _fit(baseline_common, baseline_counter)
    design = _design(common)
    predicted = expit(fit.predict(design))
    values = 100 * (counter - predicted)

    gradient = _gradient(predicted, design, np.full(len(values), 1 / len(values)))
    from_line = float(gradient @ fit.cov_params() @ gradient)
    from_models = float(np.var(values, ddof=1)) / len(values)
    mean = float(np.mean(values))
    stderr, freedom = sum_variances([(from_line, float(fit.df_resid)), (from_models, len(values) - 1.0)])
    half_width = quantile(1 - LEVEL / 2, freedom) * stderr

    return EffectiveRobustness(
        intercept=float(fit.params[0]),
        slope=float(fit.params[1]),
        values=values,
        intervals=_intervals(fit, common, counter),
        mean=mean,
        stderr=stderr,
        interval=(mean - half_width, mean + half_width),
        p_value=2 * tail(abs(mean) / stderr, freedom),
        freedom=freedom,
        extrapolated=int(np.sum(_outside(baseline_common, common))),
    )


def clustered_mean(
    baseline_common: np.ndarray,
    baseline_counter: np.ndarray,
    common: np.ndarray,
    counter: np.ndarray,
    baseline_clusters: np.ndarray,
    clusters: np.ndarray,
) -> tuple[float, float, float]:
    """The mean effective robustness, with errors for models that are clustered.

    Args:
        baseline_common: see `effective_robustness`.
        baseline_counter: see `effective_robustness`.
        common: see `effective_robustness`.
        counter: see `effective_robustness`.
        baseline_clusters: number of each baseline model's cluster, from 0; at least two clusters.
        clusters: number of each cluster of the models in question.

    Returns:
        The mean in points, its standard error, and its degrees of freedom; each part's are its clusters minus 1.
    """
    fit = _fit(baseline_common, baseline_counter)
    design = _design(common)
    predicted = expit(fit.predict(design))
    values = 100 * (counter - predicted)
    weights = np.full(len(values), 1 / len(values))
    mean = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    stderr, freedom = sum_variances(
        [
            line_error(baseline_common, baseline_counter, common, weights, baseline_clusters),
            (float(mean.cov_params()[0, 0]), float(clusters.max())),
        ]
    )
    return float(np.mean(values)), stderr, freedom


def line_error(
    baseline_common: np.ndarray,
    baseline_counter: np.ndarray,
    common: np.ndarray,
    weights: np.ndarray,
    baseline_clusters: np.ndarray | None = None,
) -> tuple[float, float]:
    """What the line's own error does to a weighted sum of effective robustness.

    Args:
        baseline_common: as in `effective_robustness`, and so the next two.
        baseline_counter: likewise.
        common: likewise.
        weights: of each model in the sum; those of a regression's coefficient, for one.
        baseline_clusters: the number of each baseline model's cluster, from 0; None for independent models.

    Returns:
        The variance in squared points, and its degrees of freedom.
    """
    fit = _fit(baseline_common, baseline_counter)
    design = _design(common)
    gradient = _gradient(expit(fit.predict(design)), design, weights)
    if baseline_clusters is None:
        return float(gradient @ fit.cov_params() @ gradient), float(fit.df_resid)
    covariance = fit.get_robustcov_results("cluster", groups=baseline_clusters, use_t=True).cov_params()
    return float(gradient @ covariance @ gradient), float(baseline_clusters.max())


@dataclasses.dataclass(frozen=True)
class OneModel:
    """Effective robustness of one model against a baseline line; in points.

    Attributes:
        value: its effective robustness.
        interval: 95% prediction interval for a model of the baseline's kind.
        p_value: p-value of the test that it is such a model, two-sided: Student's t of its distance in logits.
        extrapolated: whether it is outside the baseline's range of common accuracy.
    """

    value: float
    interval: tuple[float, float]
    p_value: float
    extrapolated: bool


def robustness_of_one(
    baseline_common: np.ndarray, baseline_counter: np.ndarray, common: float, counter: float
) -> OneModel:
    """Effective robustness of one model; arguments as in `effective_robustness`.

    Raises:
        ValueError: fewer than three baseline models, or no line through them.
    """
    if len(baseline_common) < FEWEST_FOR_LINE:
        raise ValueError("a line and its error need at least three baseline models")
    fit = _fit(baseline_common, baseline_counter)
    place = np.array([common])
    (predicted,), (error,) = _predict_one_more(fit, place)
    distance = float((logit(counter) - predicted) / error)
    low, high = _intervals(fit, place, np.array([counter]))[0]
    return OneModel(
        value=100 * (counter - float(expit(predicted))),
        interval=(float(low), float(high)),
        p_value=2 * tail(abs(distance), float(fit.df_resid)),
        extrapolated=bool(_outside(baseline_common, place)[0]),
    )


def _fit(common: np.ndarray, counter: np.ndarray) -> Any:
    if np.ptp(common) == 0:
        raise ValueError("a line needs baseline models of different common accuracy")
    return sm.OLS(logit(counter), sm.add_constant(logit(common))).fit()


def _gradient(predicted: np.ndarray, design: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The gradient of the weighted sum with respect to the line's two parameters."""
    return -100 * ((weights * predicted * (1 - predicted)) @ design)


def _design(common: np.ndarray) -> np.ndarray:
    return sm.add_constant(logit(common), has_constant="add")


def _predict_one_more(fit: Any, common: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The line at these places, and the error for one more baseline model there; in logits."""
    design = _design(common)
    of_line = np.sum(design @ fit.cov_params() * design, axis=1)
    return fit.predict(design), np.sqrt(of_line + fit.scale)


def _intervals(fit: Any, common: np.ndarray, counter: np.ndarray) -> np.ndarray:
    predicted, error = _predict_one_more(fit, common)
    half = quantile(1 - LEVEL / 2, float(fit.df_resid)) * error
    return 100 * (counter[:, None] - expit(np.stack([predicted + half, predicted - half], axis=1)))


def _outside(baseline: np.ndarray, common: np.ndarray) -> np.ndarray:
    return (common < np.min(baseline)) | (common > np.max(baseline))
