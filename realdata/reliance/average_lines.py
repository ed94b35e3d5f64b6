"""Lines on probit axes through models' average accuracies, with photos' errors in both and the models' own scatter.

Model i of a family has the probits x_i and y_i with photos' errors e_A and e_C. It deviates from the family's line

    y = g + alpha + k (x - g)

by a normal scatter with standard deviation omega, a parameter. Its true place on the line is integrated out over a flat
prior, which leaves y_i - g - alpha - k (x_i - g) ~ N(0, e_C^2 + k^2 e_A^2 + omega^2). The fit is by maximum likelihood,
with Fisher scoring.

The photos' errors are bounds (`realdata.statistics.photo_error`); where they are too large, omega becomes smaller, down
to 0. Nested lines are compared by the likelihood ratio, as in the exact test of a regression, F = df (exp(LR / n) - 1)
/ number of tested parameters; other lines by Akaike's criterion with its correction for few models (AICc).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.stats import f as fisher
from statsmodels.tools.eval_measures import aicc

# Far below any photo's error.
_LEAST_SCATTER = 1e-4
_ITERATIONS = 1_000


class Group(NamedTuple):
    """The models of one family: probits and photos' errors of both groups of photos, arrays of shape (models,)."""

    common: Float[np.ndarray, " models"]
    common_error: Float[np.ndarray, " models"]
    counter: Float[np.ndarray, " models"]
    counter_error: Float[np.ndarray, " models"]


class AverageLine(NamedTuple):
    """The families' lines.

    Attributes:
        intercepts: alpha of each family.
        slopes: k of each family.
        scatters: omega of each family.
        log_likelihood: its value at the maximum.
        parameters: number of fitted parameters, including scatters.
        models: number of models of all families.
    """

    intercepts: Float[np.ndarray, " families"]
    slopes: Float[np.ndarray, " families"]
    scatters: Float[np.ndarray, " families"]
    log_likelihood: float
    parameters: int
    models: int

    @property
    def aicc(self) -> float:
        """Akaike's criterion, corrected for few models."""
        return float(aicc(self.log_likelihood, self.models, self.parameters))


def fit_lines(
    groups: Sequence[Group],
    *,
    intercept: float | None = None,
    slope: float | None = None,
    meeting: float = 0.0,
    same_intercept: bool = False,
    same_slope: bool = False,
) -> AverageLine:
    """Fit each family's line.

    Args:
        groups: the families.
        intercept: alpha of all families; fitted by default.
        slope: k of all families; fitted by default.
        meeting: g, the probit at which the intercept is measured.
        same_intercept: whether the families share a fitted intercept.
        same_slope: whether they share a fitted slope.
    """
    families = len(groups)
    x, x_error, y, y_error = (np.concatenate(part) - centre for part, centre in zip(zip(*groups, strict=True),
                              (meeting, 0.0, meeting, 0.0), strict=True))  # fmt: skip
    member = np.repeat(np.eye(families), [len(group.common) for group in groups], axis=0)
    none, one = np.zeros((families, 0)), np.ones((families, 1))
    # Maps from the free parameters to each family's parameters.
    to_intercepts = none if intercept is not None else one if same_intercept else np.eye(families)
    to_slopes = none if slope is not None else one if same_slope else np.eye(families)
    split = to_intercepts.shape[1]
    design = np.hstack([member @ to_intercepts, x[:, None] * (member @ to_slopes)])

    free = np.concatenate([np.full(split, np.mean(y - x)), np.ones(to_slopes.shape[1])])
    scatter_squared = np.full(families, 0.01)
    for _ in range(_ITERATIONS):
        intercepts = np.full(families, intercept or 0.0) + to_intercepts @ free[:split]
        slopes = np.full(families, slope or 0.0) + to_slopes @ free[split:]
        k = member @ slopes
        variance = y_error**2 + (k * x_error) ** 2 + member @ scatter_squared
        residual = y - member @ intercepts - k * x
        excess = residual**2 / variance - 1
        # For a steeper line, the common photos' error has a larger part in the variance.
        by_slope = np.hstack([np.zeros((len(x), split)), (k * x_error**2)[:, None] * (member @ to_slopes)])
        weighted, spread = design / variance[:, None], by_slope / variance[:, None]
        step = np.zeros(0)
        if len(free):
            step = np.linalg.solve(
                weighted.T @ design + 2 * spread.T @ spread, weighted.T @ residual + spread.T @ excess
            )
        wider = (member.T @ (excess / variance)) / (member.T @ variance**-2)
        narrow = np.maximum(scatter_squared + wider, _LEAST_SCATTER**2)
        done = max(np.abs(step).max(initial=0.0), np.abs(np.sqrt(narrow) - np.sqrt(scatter_squared)).max()) < 1e-10
        if done:
            break
        free, scatter_squared = free + step, narrow
    return AverageLine(
        intercepts,
        slopes,
        np.sqrt(scatter_squared),
        -0.5 * float(np.sum(np.log(2 * np.pi * variance) + excess + 1)),
        len(free) + families,
        len(x),
    )


@runtime_checkable
class Fitted(Protocol):
    """What a line or a curve says of how well it fits; attributes as of `AverageLine`."""

    @property
    def scatters(self) -> Float[np.ndarray, " families"]:
        """Of each family."""

    @property
    def log_likelihood(self) -> float:
        """At the maximum."""

    @property
    def parameters(self) -> int:
        """How many were fitted, scatters among them."""

    @property
    def models(self) -> int:
        """Of all families."""


def p_value(smaller: Fitted, larger: Fitted) -> float:
    """The p-value of the test that the smaller of two nested models is enough."""
    tested = larger.parameters - smaller.parameters
    freedom = larger.models - (larger.parameters - len(larger.scatters))
    ratio = max(0.0, 2 * (larger.log_likelihood - smaller.log_likelihood))
    return float(fisher.sf(freedom * np.expm1(ratio / larger.models) / tested, tested, freedom))


def covariance(group: Group, line: AverageLine) -> Float[np.ndarray, "2 2"]:
    """Covariance of the intercept (at 50%) and slope of one family's line."""
    variance = group.counter_error**2 + (line.slopes[0] * group.common_error) ** 2 + line.scatters[0] ** 2
    design = np.stack([np.ones_like(group.common), group.common], axis=1)
    freedom = line.models - 2
    # Correct the scatter's maximum likelihood estimate for the two fitted parameters.
    return np.linalg.inv(design.T @ (design / variance[:, None])) * line.models / freedom
