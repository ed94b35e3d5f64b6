"""Lines on probit axes through models with counts as accuracies, and tests of them that allow shared errors.

The fit is by maximum likelihood with binomial errors in both accuracies. For each class on its own, model i gets a_i of
n common photos right, a binomial count of probability Phi(x_i), and b_i of m counter photos, of probability Phi(y_i),
with

    y_i = g + alpha + k (x_i - g)

on a line of slope k through (g, g + alpha). Every x_i is a parameter, so that common accuracies have errors too
(errors in variables). In Fisher scoring, the places x_i are eliminated with each group's working response and weight.
The line is then a regression of the rest, with the variances 1 / w_C + k^2 / w_A. All classes are fitted at once.

Against the saturated model, the degrees of freedom of deviance and of Pearson's chi-square are the number of models
minus the line's free parameters.

All models saw the same photos, so their errors are correlated by an unknown amount. Let the models' standardised
residuals from a line have one correlation rho, between 0 (independent) and 1 (a hard photo is hard for every model). Of
the line's chi-square with d degrees of freedom, the direction in which all models move together has the variance
1 - rho + rho M f. Here f is the share of that direction that the line's parameters do not absorb, and M the number of
models. The other d - 1 directions have the variance 1 - rho. The p-value here is the largest over rho, so that a
rejection needs no assumption about it. For models far from the origin a ray absorbs most of the common movement, and
the largest p-value is that of independent errors. For a line with an intercept f is 0.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import chdtrc, log_ndtr, ndtr, ndtri, xlogy
from scipy.stats import norm

from workbench.conventions import GROUPS

# Probits of accuracies of 1 in 3.5 million and their complements: a few hundred photos give no information beyond.
_FURTHEST = 5.0
_STEEPEST = 10.0
_LONGEST_STEP, _SHORTEST_STEP = 0.5, 1e-8
ITERATIONS = 60
_CORRELATIONS = np.linspace(0.0, 1.0, 21)
# A normal variable's absolute values, far into its tail; the integrand is smooth except at one corner.
_PLACES, _SHARES = np.polynomial.legendre.leggauss(400)
_REACH = 9.0

Counted = tuple[Float[np.ndarray, "classes models"], Float[np.ndarray, "classes models"]]


class CountLine(NamedTuple):
    """Lines of several classes.

    Attributes:
        intercept: alpha, in probits of the counter photos.
        slope: k.
        places: x, probits of the models' common accuracies.
        deviance: deviance from the saturated model.
        pearson: Pearson's chi-square.
        weights: inverse variances of the models' residuals from the line, in probits.
        slope_error: standard error of k for binomial errors; 0 for a given k.
    """

    intercept: Float[np.ndarray, " classes"]
    slope: Float[np.ndarray, " classes"]
    places: Float[np.ndarray, "classes models"]
    deviance: Float[np.ndarray, " classes"]
    pearson: Float[np.ndarray, " classes"]
    weights: Float[np.ndarray, "classes models"]
    slope_error: Float[np.ndarray, " classes"]


def fit_counts(
    right: Mapping[str, Float[np.ndarray, "classes models"]],
    photos: Mapping[str, Float[np.ndarray, "classes models"]],
    known: Bool[np.ndarray, "classes models"],
    *,
    intercept: float | Float[np.ndarray, " classes"] | None = None,
    slope: float | None = None,
    meeting: float = 0.0,
    iterations: int = ITERATIONS,
) -> CountLine:
    """Fit a line to each class's models.

    Args:
        right: number of photos that each model got right, of `common` and `counter`.
        photos: number of photos.
        known: which models take part in which class.
        intercept: alpha, for all classes or for each; fitted by default.
        slope: k; fitted by default.
        meeting: g, the probit at which the intercept is measured.
        iterations: largest number of iterations of Fisher scoring.
    """
    common, counter = ((right[group], photos[group]) for group in GROUPS)
    x, y = (ndtri((got + 0.5) / (of + 1)) - meeting for got, of in (common, counter))
    classes = len(x)
    starts = [np.full(classes, 1.0 if slope is None else slope)]
    if slope is None and intercept is not None:
        # A line through a given point may be steep; the likelihood can have an optimum on each side of the vertical.
        y = y - np.broadcast_to(intercept, (classes,))[:, None]
        cross = np.sum(known * x * y, axis=1)
        cross = np.where(np.abs(cross) < 1e-9, 1e-9, cross)
        starts = [
            np.clip(start, -_STEEPEST, _STEEPEST)
            for start in (cross / np.sum(known * x**2, axis=1), np.sum(known * y**2, axis=1) / cross)
        ]
    found = [_fit(common, counter, known, intercept, slope, meeting, start, iterations) for start in starts]
    if len(found) == 1:
        return found[0]
    second = found[1].deviance < found[0].deviance
    return CountLine(
        *(np.where(second.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in zip(found[0], found[1], strict=True))
    )


def _fit(
    common: Counted,
    counter: Counted,
    known: Bool[np.ndarray, "classes models"],
    intercept: float | Float[np.ndarray, " classes"] | None,
    slope: float | None,
    meeting: float,
    start: Float[np.ndarray, " classes"],
    iterations: int,
) -> CountLine:
    classes = len(known)
    x = ndtri((common[0] + 0.5) / (common[1] + 1))
    k = start.astype(float)
    y = ndtri((counter[0] + 0.5) / (counter[1] + 1))
    if intercept is None:
        alpha = np.sum(known * (y - meeting - k[:, None] * (x - meeting)), axis=1) / np.sum(known, axis=1)
    else:
        alpha = np.broadcast_to(np.asarray(intercept, float), (classes,)).copy()
    free = [intercept is None, slope is None]
    covariance = np.zeros((classes, 2, 2))
    weights = np.zeros_like(x)
    for _ in range(iterations):
        y = _line(x, alpha, k, meeting)
        (gap_x, weight_x), (gap_y, weight_y) = _working(x, *common), _working(y, *counter)
        steep = k[:, None]
        weights = known / (1 / weight_y + steep**2 / weight_x)
        design = np.stack([np.ones_like(x), x - meeting], axis=-1)[..., free]
        step = np.zeros((classes, 2))
        if any(free):
            information = np.einsum("cmi,cm,cmj->cij", design, weights, design) + 1e-10 * np.eye(sum(free))
            inverse = np.linalg.inv(information)
            found = np.einsum("cij,cmj,cm,cm->ci", inverse, design, weights, gap_y - steep * gap_x)
            step[:, free] = np.clip(found, -_LONGEST_STEP, _LONGEST_STEP)
            places = np.flatnonzero(free)
            covariance[:, places[:, None], places] = inverse
        rest = gap_y - step[:, :1] - step[:, 1:] * (x - meeting)
        along = (weight_x * gap_x + steep * weight_y * rest) / (weight_x + steep**2 * weight_y)
        alpha, k = alpha + step[:, 0], np.clip(k + step[:, 1], -_STEEPEST, _STEEPEST)
        moved = np.clip(x + np.clip(along, -_LONGEST_STEP, _LONGEST_STEP), -_FURTHEST, _FURTHEST)
        furthest = max(np.abs(step).max(initial=0.0), np.abs(known * (moved - x)).max(initial=0.0))
        x = moved
        if furthest < _SHORTEST_STEP:
            break
    y = _line(x, alpha, k, meeting)
    return CountLine(
        alpha,
        k,
        x,
        np.sum(known * (_deviance(x, *common) + _deviance(y, *counter)), axis=1),
        np.sum(known * (_pearson(x, *common) + _pearson(y, *counter)), axis=1),
        weights,
        np.sqrt(covariance[:, 1, 1]),
    )


def _line(x: np.ndarray, alpha: np.ndarray, k: np.ndarray, meeting: float) -> np.ndarray:
    return np.clip(meeting + alpha[:, None] + k[:, None] * (x - meeting), -_FURTHEST - 1, _FURTHEST + 1)


def _working(probit: np.ndarray, right: np.ndarray, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance of the working response from the probit, and its weight (the Fisher information)."""
    share, rest, density = ndtr(probit), ndtr(-probit), np.exp(-(probit**2) / 2) / np.sqrt(2 * np.pi)
    weight = photos * density**2 / (share * rest)
    return (right / share - (photos - right) / rest) * density / weight, weight


def _deviance(probit: np.ndarray, right: np.ndarray, photos: np.ndarray) -> np.ndarray:
    wrong = photos - right
    most = xlogy(right, right / photos) + xlogy(wrong, wrong / photos)
    return 2 * (most - right * log_ndtr(probit) - wrong * log_ndtr(-probit))


def _pearson(probit: np.ndarray, right: np.ndarray, photos: np.ndarray) -> np.ndarray:
    share = ndtr(probit)
    return (right - photos * share) ** 2 / (photos * share * ndtr(-probit))


def left_share(
    weights: Float[np.ndarray, "classes models"], design: Float[np.ndarray, "classes models parameters"]
) -> Float[np.ndarray, " classes"]:
    """f: the share of a common movement of all standardised residuals that a line's parameters do not absorb.

    Args:
        weights: inverse variances of the residuals; 0 for a model that takes no part.
        design: derivatives of the line with respect to its free parameters.
    """
    root = np.sqrt(weights)
    together = (weights > 0).astype(float)
    tangents = root[..., None] * design
    solved = np.einsum(
        "cij,cmj,cm->ci", np.linalg.pinv(np.einsum("cmi,cmj->cij", tangents, tangents)), tangents, together
    )
    left = together - np.einsum("cmi,ci->cm", tangents, solved)
    return np.sum(left**2, axis=1) / np.sum(together, axis=1)


def largest_p_value(
    chi_square: Float[np.ndarray, " classes"],
    freedom: Int[np.ndarray, " classes"],
    models: Int[np.ndarray, " classes"],
    left: Float[np.ndarray, " classes"],
) -> Float[np.ndarray, " classes"]:
    """The largest p-value over the correlation of the models' errors.

    Args:
        chi_square: chi-square of each class's residuals.
        freedom: its degrees of freedom, at least 2.
        models: number of models.
        left: f of each class.
    """
    z = (_PLACES + 1) / 2 * _REACH
    mass = _SHARES * _REACH * norm.pdf(z)
    most = chdtrc(freedom, chi_square)
    for rho in _CORRELATIONS[1:]:
        together = (1 - rho + rho * models * left)[:, None] * z**2
        rest = chi_square[:, None] - together
        tail = chdtrc((freedom - 1)[:, None], np.maximum(rest, 0.0) / (1 - rho)) if rho < 1 else rest < 0
        most = np.maximum(most, tail @ mass)
    return np.minimum(most, 1.0)
