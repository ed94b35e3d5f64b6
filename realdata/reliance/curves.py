"""The curves of S28 on probit axes, followed by a common accuracy and fitted to a family's averages.

A theory names what the models of a family differ in, and what is the same for all of them:

- `sight`: how well they see the animal; the log odds beta of the background in training are the same;
- `noise`: noise in all that they see; the reliance rho is the same;
- `difficulty`: noise, without any background; the share h of the animal's signal that counter photos lack is the same;
- `sight and difficulty`: as `sight`, on counter photos that lack h besides.

Two that are no theories stand beside them: `shift`, a line of slope 1, and `line`, any line.

A curve is fitted as lines are (`realdata.reliance.average_lines`): counter probits scatter about it by the photos'
errors in both accuracies and by the models' own scatter omega. How many candidates there are is known, and how many
backgrounds matters little: it is taken from the classes' common backgrounds in Table 2.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import CubicSpline
from scipy.special import ndtri
from statsmodels.tools.eval_measures import aicc

from realdata.reliance.average_lines import Group
from theory.statements.accuracy_curves import Constants, curve_pair
from workbench.compilation import jit

# One over the chance that two of the 45 classes have the same common background.
BACKGROUNDS = 5.2
THEORIES: dict[str, tuple[str, ...]] = {
    "sight": ("log_odds",),
    "noise": ("reliance",),
    "difficulty": ("difficulty",),
    "sight and difficulty": ("log_odds", "difficulty"),
}
LINES: dict[str, tuple[str, ...]] = {"shift": ("intercept",), "line": ("intercept", "slope")}
# Where the search begins.
_START = {"log_odds": 1.0, "reliance": 0.1, "difficulty": 0.0, "intercept": -0.5, "slope": 1.0, "tilt": 0.0}
# From a choice of little more than chance to one that is right in all but 1e-8 of 1000; the spline between them is good
# to 1e-6 probits.
_SIGNALS = np.linspace(0.4, 9.0, 87)
_LEAST_SCATTER = 1e-4
_ITERATIONS = 300
# A constant moves by no more at once, since two of them act alike.
_LONGEST = 0.2


class Curve(NamedTuple):
    """A curve fitted to the models of one family.

    Attributes:
        names: of its constants.
        constants: their values.
        covariance: of their errors, by the photos' errors and the scatter.
        candidates: K.
        centre: common probit that a tilt turns the curve about.
        scatters: omega, in probits, as one value.
        log_likelihood: at the maximum.
        parameters: how many were fitted, the scatter among them.
        models: how many.
    """

    names: tuple[str, ...]
    constants: Float[np.ndarray, " constants"]
    covariance: Float[np.ndarray, "constants constants"]
    candidates: int
    centre: float
    scatters: Float[np.ndarray, "1"]
    log_likelihood: float
    parameters: int
    models: int

    @property
    def aicc(self) -> float:
        """Akaike's criterion, corrected for few models."""
        return float(aicc(self.log_likelihood, self.models, self.parameters))

    def named(self) -> dict[str, float]:
        """The constants by their names."""
        return dict(zip(self.names, self.constants.tolist(), strict=True))

    def without_background(self) -> "Curve":
        """The same where no background is seen: only the difficulty is left of a theory; a line stays as it is."""
        left = [name not in ("log_odds", "reliance") for name in self.names]
        return self._replace(constants=np.where(left, self.constants, 0.0))


def curve_with(constants: Mapping[str, float], candidates: int) -> Curve:
    """A curve to follow, with constants that are known."""
    names, values = tuple(constants), np.array(list(constants.values()), float)
    none = np.zeros((len(names), len(names)))
    return Curve(names, values, none, candidates, 0.0, np.zeros(1), 0.0, len(names) + 1, 0)


# It is called for every constant that a fit tries, hundreds of times.
@functools.partial(jit, long=True)
@functools.partial(jax.vmap, in_axes=(0, None, None))
def _pairs(signal: Float[Array, ""], constants: Constants, candidates: Float[Array, ""]) -> Float[Array, "2"]:
    return curve_pair(signal, constants, candidates, BACKGROUNDS)


@functools.lru_cache(maxsize=256)
def _spline(constants: Constants, candidates: int) -> CubicSpline:
    """Counter over common probits of one theory, where common accuracy rises with the signal."""
    with jax.enable_x64(True):
        pairs = _pairs(_SIGNALS, constants, float(candidates))
    common, counter = ndtri(np.asarray(pairs)).T
    rising = slice(int(np.argmin(common)), None)
    common, counter = common[rising], counter[rising]
    kept = np.isfinite(common) & np.isfinite(counter)
    return CubicSpline(common[kept], counter[kept])


def follow(
    curve: Curve, common: Float[np.ndarray, " models"]
) -> tuple[Float[np.ndarray, " models"], Float[np.ndarray, " models"]]:
    """Counter probits of a curve at these common probits, and its slope there; at its end for one beyond it."""
    given = curve.named()
    tilt = given.pop("tilt", 0.0)
    if "intercept" in given:
        slope = given.get("slope", 1.0)
        return given["intercept"] + slope * common + tilt * (common - curve.centre), np.full_like(common, slope + tilt)
    spline = _spline(Constants(**given), curve.candidates)
    inside = np.clip(common, spline.x[0], spline.x[-1])
    return spline(inside) + tilt * (common - curve.centre), spline(inside, 1) + tilt


def gradient(curve: Curve, common: Float[np.ndarray, " models"]) -> Float[np.ndarray, "models constants"]:
    """Derivatives of the counter probits in the constants, by differences."""
    step = 1e-4
    moved = [
        [follow(curve._replace(constants=curve.constants + sign * unit), common)[0] for sign in (-step, step)]
        for unit in np.eye(len(curve.names))
    ]
    return np.stack([(high - low) / (2 * step) for low, high in moved], axis=1)


def fit_curve(group: Group, theory: str, candidates: int, tilted: bool = False) -> Curve:
    """Fit a theory's constants to the models of a family, by Fisher scoring in constants and scatter in turns.

    Args:
        group: their places.
        theory: one of `THEORIES` or `LINES`.
        candidates: K.
        tilted: whether a straight line may be added that turns the curve about the models' mean: a theory that has the
            right slope does not need it.
    """
    x, x_error, y, y_error = group
    names = ({**THEORIES, **LINES})[theory] + (("tilt",) if tilted else ())
    start = np.array([_START[name] for name in names])
    curve = Curve(
        names, start, np.eye(len(names)), candidates, float(x.mean()), np.array([0.1]), 0.0, len(names) + 1, len(x)
    )
    for _ in range(_ITERATIONS):
        predicted, slope = follow(curve, x)
        variance = y_error**2 + (slope * x_error) ** 2 + curve.scatters**2
        residual, design = y - predicted, gradient(curve, x)
        information = design.T @ (design / variance[:, None])
        step = np.clip(np.linalg.solve(information, design.T @ (residual / variance)), -_LONGEST, _LONGEST)
        excess = residual**2 / variance - 1
        wider = np.sum(excess / variance) / np.sum(variance**-2)
        scatter = np.sqrt(np.maximum(curve.scatters**2 + wider, _LEAST_SCATTER**2))
        likelihood = -0.5 * float(np.sum(np.log(2 * np.pi * variance) + excess + 1))
        done = max(np.abs(step).max(), np.abs(scatter - curve.scatters).max()) < 1e-6
        curve = curve._replace(
            constants=curve.constants + step,
            covariance=np.linalg.inv(information) * len(x) / (len(x) - len(names)),
            scatters=scatter,
            log_likelihood=likelihood,
        )
        if done:
            break
    return curve
