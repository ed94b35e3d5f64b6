"""A claim's hypothesis about an effect, and p-values for and against it, with naive and with clustered errors.

All p-values are two-sided. A claim is supported at 5% exactly if the whole 95% interval is where the claim says, and
contradicted exactly if the whole interval is where the opposite says.

Models that share pre-training data or an architecture are not independent draws. Errors are clustered by data and by
architecture in turn (statsmodels' sandwich with its small-sample factor; Student's t, whose degrees of freedom are the
clusters minus 1), and the larger p-value is used. With few clusters such errors are still somewhat too small, so a
p-value near the level says little. Sometimes an effect rests on one cluster: without it, the effect cannot be
estimated. Then nothing separates the effect from other properties of the cluster, and no error is given.

Distances from one line share the line's own error, which a regression's scatter does not show. It is added. Without it,
a 5% test of size gave false alarms in 10% of 200 simulated draws where the line's models had a narrow range of accuracy
(`tests/realdata/test_few_clusters.py`).
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from jaxtyping import Float, Int
from statsmodels.stats.multitest import multipletests

from realdata.claims.settings import architecture, collection
from realdata.statistics.few_clusters import sum_variances
from realdata.statistics.student import quantile, tail
from workbench.conventions import LEVEL

_FEWEST = 3  # clusters that an error needs

# Given each model's weight in an effect, and whether errors are clustered: the variance that a line's own error gives
# it, and its degrees of freedom.
Line = Callable[[np.ndarray, bool], tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Effect:
    """An effect with its error.

    Attributes:
        effect: the effect, in the hypothesis' unit.
        stderr: its standard error, above 0.
        freedom: degrees of freedom of Student's t; infinite for a normal error.
    """

    effect: float
    stderr: float
    freedom: float = math.inf

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval."""
        half_width = quantile(1 - LEVEL / 2, self.freedom) * self.stderr
        return (self.effect - half_width, self.effect + half_width)

    def p_beyond(self, bound: float, direction: int) -> float:
        """The two-sided p-value that the effect is not above (direction 1) or not below (-1) the bound."""
        return min(1.0, 2 * tail(direction * (self.effect - bound) / self.stderr, self.freedom))


@dataclasses.dataclass(frozen=True)
class ClusteredEffect:
    """An effect's error if models that share data or an architecture are not independent draws.

    Attributes:
        method: the kind of clusters.
        clusters: number of clusters.
        stderr: standard error of the effect.
        interval: 95% interval, by Student's t with the clusters' degrees of freedom.
        p_value: two-sided p-value of the claim's null hypothesis.
        p_value_opposite: two-sided p-value of the opposite's null hypothesis.
    """

    method: str
    clusters: int
    stderr: float
    interval: tuple[float, float]
    p_value: float
    p_value_opposite: float


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A claim about the value of an effect.

    Attributes:
        null: the null hypothesis, in words.
        unit: unit of the effect.
        claimed: bounds, each with the direction in which the effect is beyond it; all must hold.
        opposite: the bound and direction of the opposite claim.
    """

    null: str
    unit: str
    claimed: tuple[tuple[float, int], ...]
    opposite: tuple[float, int]

    def p_values(self, effect: Effect) -> tuple[float, float]:
        """The p-values for the claim and for its opposite."""
        return (
            max(effect.p_beyond(bound, direction) for bound, direction in self.claimed),
            effect.p_beyond(*self.opposite),
        )

    def p_values_of_all(self, effects: Sequence[Effect]) -> tuple[float, float]:
        """The p-values for every effect as claimed (intersection-union), and for one as the opposite (Bonferroni)."""
        single = [self.p_values(effect) for effect in effects]
        opposites = multipletests([opposite for _, opposite in single], alpha=LEVEL, method="bonferroni")[1]
        return max(p for p, _ in single), float(opposites.min())


def negative(null: str, unit: str) -> Hypothesis:
    """The claim that an effect is below 0."""
    return Hypothesis(null, unit, ((0.0, -1),), (0.0, 1))


def positive(null: str, unit: str) -> Hypothesis:
    """The claim that an effect is above 0."""
    return Hypothesis(null, unit, ((0.0, 1),), (0.0, -1))


def clusters_of(models: pd.DataFrame) -> dict[str, Int[np.ndarray, " models"]]:
    """Clusters of models that share data, and of models that share an architecture, as numbers.

    Args:
        models: a row for each model, with `backbone` and `pretrain`.
    """
    shared = {
        "pre-training data": models["pretrain"].map(collection),
        "architecture": models["backbone"].map(architecture),
    }
    return {name: pd.factorize(labels)[0].astype(np.int64) for name, labels in shared.items()}


def regression(
    values: Float[np.ndarray, " models"],
    design: Float[np.ndarray, "models terms"],
    clusters: Mapping[str, Int[np.ndarray, " models"]],
    hypothesis: Hypothesis,
    line: Line | None = None,
) -> tuple[Effect, ClusteredEffect | None]:
    """The last term's coefficient by least squares, with naive and with clustered errors.

    Args:
        values: a value for each model.
        design: the terms' columns; the last one is of interest.
        clusters: ways to cluster the models, each with the number of each model's cluster.
        hypothesis: the hypothesis about the coefficient.
        line: the line from which the values are distances, whose error they share.

    Returns:
        The effect with its naive error, and with its clustered error; None for the latter if it rests on one cluster.

    Raises:
        ValueError: the coefficient cannot be estimated, or there are no more models than terms.
    """
    if len(values) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("too few models, or models that do not differ in what is asked")
    fit = sm.OLS(values, design).fit()
    weights = np.linalg.pinv(design)[-1]
    parts = [line(weights, clustered) for clustered in (False, True)] if line else []
    found = _sum_parts(float(fit.params[-1]), (float(fit.bse[-1]) ** 2, float(fit.df_resid)), parts[:1])
    effects = {
        name: _sum_parts(found.effect, (_clustered_variance(fit, labels), float(labels.max())), parts[1:])
        for name, labels in clusters.items()
        if is_estimable_without_any(design, labels)
    }
    # If one way to cluster gives no error, the effect rests on one of its clusters, and the other way does not help.
    if len(effects) < len(clusters):
        return found, None
    return found, widest(effects, clusters, hypothesis)


def widest(
    effects: Mapping[str, Effect], clusters: Mapping[str, Int[np.ndarray, " models"]], hypothesis: Hypothesis
) -> ClusteredEffect:
    """Of several ways to cluster, take the one with the largest p-value.

    Args:
        effects: the effect with its error, for each way to cluster.
        clusters: the ways to cluster.
        hypothesis: the hypothesis about the effect.
    """
    name = max(effects, key=lambda way: (hypothesis.p_values(effects[way])[0], effects[way].stderr))
    effect = effects[name]
    return ClusteredEffect(
        f"clustered by {name}",
        int(clusters[name].max()) + 1,
        effect.stderr,
        effect.interval,
        *hypothesis.p_values(effect),
    )


def clustered_covariance(fit: Any, labels: Int[np.ndarray, " models"]) -> Float[np.ndarray, "terms terms"]:
    """The covariance of a least-squares fit's coefficients, with clustered errors."""
    return np.asarray(fit.get_robustcov_results("cluster", groups=labels, use_t=True).cov_params())


def _clustered_variance(fit: Any, labels: Int[np.ndarray, " models"]) -> float:
    return max(float(clustered_covariance(fit, labels)[-1, -1]), 0.0)


def _sum_parts(effect: float, own: tuple[float, float], others: list[tuple[float, float]]) -> Effect:
    """An effect from its parts' variances; one of 0, of values exactly on a line, becomes their rounding."""
    stderr, freedom = sum_variances([(max(own[0], 1e-18), own[1]), *others])
    return Effect(effect, stderr, freedom)


def is_estimable_without_any(design: Float[np.ndarray, "models terms"], labels: Int[np.ndarray, " models"]) -> bool:
    """Whether the last coefficient can be estimated without any one of the clusters, of which there are enough."""
    if labels.max() + 1 < _FEWEST:
        return False
    # A design for each cluster, without it: rows of zeros do not count for a rank.
    kept = np.where(labels == np.arange(labels.max() + 1)[:, None], 0.0, 1.0)[:, :, None] * design
    return bool(np.all(np.linalg.matrix_rank(kept) > np.linalg.matrix_rank(kept[:, :, :-1])))
