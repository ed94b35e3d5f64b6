"""Models that are not independent draws: those that share pre-training data, or an architecture.

Errors are clustered by the one and by the other in turn (statsmodels' sandwich with its small-sample factor, Student's
t with one degree of freedom less than there are clusters), and the one with the larger p-value is used. With a handful
of clusters such errors are still somewhat too small, so that a p-value near the level says little. Where an effect
rests on one cluster, so that it could not be estimated without it, no error can tell that cluster's other peculiarities
from the effect, and none is given.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from jaxtyping import Float, Int

from realdata.claims.claim_test import ClusteredEffect
from realdata.claims.hypothesis import Estimate, Hypothesis
from realdata.claims.model_facts import architecture, collection

_FEWEST = 3


def clusters_of(models: pd.DataFrame) -> dict[str, Int[np.ndarray, " models"]]:
    """Which models share data and which an architecture, as numbers of clusters.

    Args:
        models: a row for each, with `backbone` and `pretrain`.
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
) -> tuple[Estimate, ClusteredEffect | None]:
    """The last term's coefficient by least squares, with naive and with clustered errors.

    Args:
        values: one for each model.
        design: the terms' columns, the one of interest last.
        clusters: ways to cluster the models, each with a cluster's number for each model.
        hypothesis: about the coefficient.

    Returns:
        The naive estimate; and the clustered one, None where the coefficient rests on a single cluster.

    Raises:
        ValueError: the coefficient cannot be estimated, or there are no more models than terms.
    """
    if len(values) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("too few models, or models that do not differ in what is asked")
    fit = sm.OLS(values, design).fit()
    found = Estimate(float(fit.params[-1]), _positive(float(fit.bse[-1])), float(fit.df_resid))
    estimates = {
        name: Estimate(found.effect, _clustered_error(fit, labels), float(labels.max()))
        for name, labels in clusters.items()
        if _is_estimable_without_any(design, labels)
    }
    # Where one way to cluster gives no error, the effect rests on one such cluster, and the other way cannot mend that.
    if len(estimates) < len(clusters):
        return found, None
    return found, widest(estimates, clusters, hypothesis)


def widest(
    estimates: Mapping[str, Estimate], clusters: Mapping[str, Int[np.ndarray, " models"]], hypothesis: Hypothesis
) -> ClusteredEffect:
    """Of several ways to cluster, the one that says least.

    Args:
        estimates: of the same effect, by the way to cluster.
        clusters: the ways.
        hypothesis: about the effect.
    """
    name = max(estimates, key=lambda way: (hypothesis.p_values(estimates[way])[0], estimates[way].stderr))
    estimate = estimates[name]
    return ClusteredEffect(
        f"clustered by {name}",
        int(clusters[name].max()) + 1,
        estimate.stderr,
        estimate.interval,
        *hypothesis.p_values(estimate),
    )


def clustered_covariance(fit: Any, labels: Int[np.ndarray, " models"]) -> Float[np.ndarray, "terms terms"]:
    """Of a least-squares fit's coefficients."""
    return np.asarray(fit.get_robustcov_results("cluster", groups=labels, use_t=True).cov_params())


def _clustered_error(fit: Any, labels: Int[np.ndarray, " models"]) -> float:
    return _positive(math.sqrt(max(float(clustered_covariance(fit, labels)[-1, -1]), 0.0)))


def _positive(error: float) -> float:
    """An error of 0 is that of values which lie on a line exactly: rounding is left."""
    return max(error, 1e-9)


def _is_estimable_without_any(design: Float[np.ndarray, "models terms"], labels: Int[np.ndarray, " models"]) -> bool:
    if labels.max() + 1 < _FEWEST:
        return False
    for label in range(int(labels.max()) + 1):
        kept = design[labels != label]
        others = kept[:, :-1]
        if np.linalg.matrix_rank(kept) == np.linalg.matrix_rank(others):
            return False
    return True
