"""Errors of an effect where models come in few clusters: CR2, two-way clusters, a wild bootstrap, permutations.

An effect is a sum of contrasts of independent regressions: a mean distance from a line, for one, is a coefficient of
the models in question plus a contrast of the line's own coefficients. Each regression is a `Part`, and the variances of
parts add. What every model shares, such as the photos, is not in them.

- CR2 (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018, arXiv 1601.01981). The sandwich whose residuals of cluster
  g are multiplied by (I - H_gg)^(-1/2), H the hat matrix: unbiased where errors are independent. Degrees of freedom by
  Satterthwaite under the same working model: with p_g the vector of weights that cluster g's part of the variance gives
  to the errors, (sum_g p_g'p_g)^2 / sum_gh (p_g'p_h)^2. Parts are summed by Welch and Satterthwaite.
- Two-way clusters (Cameron, Gelbach and Miller 2011): the two one-way variances less that of the cells (statsmodels).
- Wild cluster bootstrap (Cameron, Gelbach and Miller 2008): residuals of the fit under the null hypothesis, a cluster's
  all times one of Webb's six weights, and the t statistic of each draw.
- Permutation of a covariate that belongs to labels, over the labels, and of the signs of clusters: exact where labels
  are exchangeable, or values as likely with the other sign.

The effect of a `Part` is the last coefficient where no contrast is given.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from jaxtyping import Float, Int

DRAWS = 1999
_WEBB = np.sqrt([0.5, 1.0, 1.5])
_ALL = 20_000  # permutations up to which all are made
_ROUNDING = 1e-9


class Part(NamedTuple):
    """A regression by least squares that enters an effect.

    Attributes:
        values: one for each model.
        design: the terms' columns.
        labels: each model's cluster, from 0.
        contrast: what the effect has of the coefficients.
    """

    values: Float[np.ndarray, " models"]
    design: Float[np.ndarray, "models terms"]
    labels: Int[np.ndarray, " models"]
    contrast: Float[np.ndarray, " terms"]

    @property
    def weights(self) -> Float[np.ndarray, " models"]:
        """What the effect has of each value."""
        return self.design @ np.linalg.solve(self.design.T @ self.design, self.contrast)

    @property
    def residuals(self) -> Float[np.ndarray, " models"]:
        """Of the fit."""
        return self.values - self.design @ np.linalg.lstsq(self.design, self.values, rcond=None)[0]


def last_coefficient(
    values: Float[np.ndarray, " models"],
    design: Float[np.ndarray, "models terms"],
    labels: Int[np.ndarray, " models"],
) -> Part:
    """The part whose contrast is the last term's coefficient."""
    return Part(values, design, labels, np.eye(design.shape[1])[-1])


class Adjusted(NamedTuple):
    """How a part's CR2 variance follows from residuals: it depends on the design alone.

    Attributes:
        scores: a column for each cluster; the variance is the sum of squares of `values @ scores`.
        freedom: Satterthwaite's degrees of freedom.
    """

    scores: Float[np.ndarray, "models clusters"]
    freedom: float


def adjust(part: Part) -> Adjusted:
    """CR2's adjustment of a part.

    Args:
        part: whose values are not used.
    """
    design, labels, weights = part.design, part.labels, part.weights
    models, clusters = len(labels), int(labels.max()) + 1
    off = np.eye(models) - design @ np.linalg.solve(design.T @ design, design.T)
    scores = np.zeros((models, clusters))
    for label in range(clusters):
        own = np.flatnonzero(labels == label)
        scores[own, label] = _inverse_root(off[np.ix_(own, own)]) @ weights[own]
    spread = off @ scores  # p_g, in columns
    products = spread.T @ spread
    total = float(np.trace(products))
    return Adjusted(spread, total**2 / float(np.sum(products**2)) if total > 0 else math.inf)


def _inverse_root(matrix: Float[np.ndarray, "own own"]) -> Float[np.ndarray, "own own"]:
    """The symmetric inverse root, where directions that the fit takes up whole count for nothing."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.where(values > _ROUNDING, 1 / np.sqrt(np.maximum(values, _ROUNDING)), 0.0)
    return (vectors * root) @ vectors.T


def variance(part: Part) -> tuple[float, float]:
    """A part's CR2 variance and its degrees of freedom."""
    scores, freedom = adjust(part)
    return float(np.sum((part.values @ scores) ** 2)), freedom


def sum_variances(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The standard error of a sum of independent parts and its degrees of freedom (Welch, Satterthwaite).

    Args:
        parts: variance and degrees of freedom of each.
    """
    total = sum(part for part, _ in parts)
    below = sum(part**2 / freedom for part, freedom in parts)
    return math.sqrt(total), total**2 / below if below > 0 else math.inf


def classic_variance(part: Part, others: Int[np.ndarray, " models"] | None = None) -> tuple[float, float]:
    """A part's variance by statsmodels' sandwich with its small-sample factor, and one less than its clusters.

    Args:
        part: with its labels.
        others: a second way's labels, for two-way clusters; the variance is then at least that of each way alone, and
            the degrees of freedom are those of the way with fewer clusters.
    """
    fit = sm.OLS(part.values, part.design).fit()

    def of(labels: np.ndarray) -> float:
        covariance = fit.get_robustcov_results("cluster", groups=labels, use_t=True).cov_params()
        return float(part.contrast @ np.asarray(covariance) @ part.contrast)

    if others is None:
        return of(part.labels), float(part.labels.max())
    ways = (part.labels, others)
    together = max(of(np.stack(ways, axis=1)), *map(of, ways))
    return together, float(min(labels.max() for labels in ways))


def wild_bootstrap(parts: Sequence[Part], effect: float, null: float, draws: int = DRAWS, seed: int = 0) -> float:
    """The two-sided p-value of an effect by the wild cluster bootstrap, at least 1 / (draws + 1).

    Args:
        parts: of the effect; the first one's fit is moved so that the effect is the null hypothesis'.
        effect: the estimate.
        null: the effect under the null hypothesis.
        draws: of the bootstrap.
        seed: of its weights.
    """
    generator = np.random.default_rng(seed)
    estimates, squares, first = np.zeros(draws), np.zeros(draws), True
    observed = 0.0
    for part in parts:
        clusters = int(part.labels.max()) + 1
        off = np.eye(len(part.labels)) - part.design @ np.linalg.pinv(part.design)
        weights, residuals = part.weights, part.residuals
        scores = np.zeros((len(weights), clusters))
        scores[np.arange(len(weights)), part.labels] = weights
        factor = clusters / (clusters - 1)
        observed += factor * float(np.sum((residuals @ scores) ** 2))
        if first:  # residuals under the null hypothesis: by least squares where the effect is held there
            residuals = residuals + weights * (effect - null) / float(weights @ weights)
            first = False
        signs = generator.choice(np.concatenate([-_WEBB, _WEBB]), size=(draws, clusters))
        drawn = residuals * signs[:, part.labels]
        estimates += drawn @ weights
        squares += factor * np.sum((drawn @ off @ scores) ** 2, axis=1)
    as_large = np.abs(estimates) / np.sqrt(squares) >= abs(effect - null) / math.sqrt(observed) * (1 - _ROUNDING)
    return float((1 + np.sum(as_large)) / (1 + draws))


class Permuted(NamedTuple):
    """A permutation test.

    Attributes:
        p_value: two-sided.
        smallest: the smallest p-value that it could have given.
        permutations: how many different ones there are, or how many were drawn.
    """

    p_value: float
    smallest: float
    permutations: int


def permute(
    values: Float[np.ndarray, " models"],
    design: Float[np.ndarray, "models terms"],
    labels: Int[np.ndarray, " models"],
    seed: int = 0,
) -> Permuted:
    """Permute the last term among the labels that it belongs to, and compare its coefficients.

    Args:
        values: one for each model.
        design: the terms' columns; the last one is the same for all models of a label.
        labels: each model's, from 0.
        seed: of the permutations, where there are too many to make all.

    Returns:
        The share of permutations whose coefficient is as far from 0. Such without an estimate count as not so far.
    """
    number = int(labels.max()) + 1
    own = np.array([design[labels == label, -1].mean() for label in range(number)])
    if math.factorial(number) <= _ALL:
        orders = np.array(list(itertools.permutations(range(number))))
    else:
        generator = np.random.default_rng(seed)
        orders = generator.permuted(np.tile(np.arange(number), (_ALL, 1)), axis=1)
        orders[0] = np.arange(number)
    terms = np.unique(own[orders], axis=0) if len(orders) < _ALL else own[orders]
    others = design[:, :-1]
    off = np.eye(len(values)) - others @ np.linalg.pinv(others)
    moved, kept = terms[:, labels] @ off, off @ values
    size = np.sum(moved**2, axis=1)
    coefficients = np.where(size > _ROUNDING, moved @ kept / np.maximum(size, _ROUNDING), 0.0)
    mine = float(off @ design[:, -1] @ kept / np.sum((off @ design[:, -1]) ** 2))
    extreme = np.abs(coefficients) >= abs(mine) - _ROUNDING
    far = np.abs(coefficients)
    ties = int(np.sum(far >= far.max() - _ROUNDING))
    return Permuted(float(np.mean(extreme)), ties / len(terms), len(terms))


def flip_signs(values: Float[np.ndarray, " models"], labels: Int[np.ndarray, " models"]) -> Permuted:
    """Give each cluster's values the other sign or not, in every way there is, and compare the means.

    Args:
        values: one for each model.
        labels: each model's cluster, from 0; at most 14 clusters.
    """
    sums = np.bincount(labels, weights=values)
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(sums))))
    sizes = np.abs(signs @ sums)
    return Permuted(
        float(np.mean(sizes >= sizes[0] - _ROUNDING)),
        float(np.mean(sizes >= sizes.max() - _ROUNDING)),
        len(signs),
    )
