"""Variance components of models that share data or architecture: restricted maximum likelihood (REML).

    values = design @ coefficients + sum over ways of (a normal effect for each cluster of that way) + normal noise

The likelihood is that of the residuals, which the coefficients do not enter (Patterson and Thompson 1971). With V the
covariance for a noise of variance 1, W = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, n models and p terms, it is, but for a
constant, -1/2 (log|V| + log|X'V^-1 X| + (n - p) log(y'W y)); the noise's variance is y'W y / (n - p). A way whose
effects the design takes up whole has no variance that could be seen, and gets 0.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

_LARGEST = 1e3  # of a component, in variances of the noise
_STARTS = (0.0, 0.5)
_ROUNDING = 1e-8


class Components(NamedTuple):
    """Variances, and the coefficients at these.

    Attributes:
        variances: by way to cluster, and `model` for the noise.
        coefficients: by generalised least squares.
        covariance: of the coefficients, the variances taken as known.
    """

    variances: dict[str, float]
    coefficients: Float[np.ndarray, " terms"]
    covariance: Float[np.ndarray, "terms terms"]


def covariance_of(
    ways: Mapping[str, Int[np.ndarray, " models"]], variances: Mapping[str, float]
) -> Float[np.ndarray, "models models"]:
    """The covariance of the values, from `Components.variances`."""
    models = len(next(iter(ways.values())))
    alike = [variances[way] * (labels[:, None] == labels) for way, labels in ways.items()]
    return variances["model"] * np.eye(models) + sum(alike)


def fit_components(
    values: Float[np.ndarray, " models"],
    design: Float[np.ndarray, "models terms"],
    ways: Mapping[str, Int[np.ndarray, " models"]],
) -> Components:
    """Fit the variances.

    Args:
        values: one for each model; more than terms.
        design: the terms' columns.
        ways: ways to cluster the models, each with a cluster's number for each model.
    """
    models, terms = design.shape
    off = np.eye(models) - design @ np.linalg.pinv(design)
    alike = {way: (labels[:, None] == labels).astype(float) for way, labels in ways.items()}
    seen = [way for way, same in alike.items() if np.abs(off @ same @ off).max() > _ROUNDING]

    def covariance(shares: np.ndarray) -> np.ndarray:
        return np.eye(models) + sum(share * alike[way] for share, way in zip(shares, seen, strict=True))

    def solve(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        inverse = np.linalg.inv(covariance(shares))
        information = design.T @ inverse @ design
        coefficients = np.linalg.solve(information, design.T @ inverse @ values)
        rest = values - design @ coefficients
        return inverse, information, coefficients, float(rest @ inverse @ rest)

    def loss(shares: np.ndarray) -> float:
        inverse, information, _, square = solve(shares)
        logs = -np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(information)[1]
        return float(logs + (models - terms) * np.log(max(square, 1e-300)))

    best = np.zeros(len(seen))
    if seen:
        fits = [
            minimize(loss, np.full(len(seen), start), method="L-BFGS-B", bounds=[(0.0, _LARGEST)] * len(seen))
            for start in _STARTS
        ]
        best = min(fits, key=lambda fit: fit.fun).x
    _, information, coefficients, square = solve(best)
    noise = square / (models - terms)
    shares = dict(zip(seen, best, strict=True))
    variances = {way: float(noise * shares.get(way, 0.0)) for way in ways} | {"model": noise}
    return Components(variances, coefficients, noise * np.linalg.inv(information))
