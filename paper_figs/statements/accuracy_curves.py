"""S28: models that differ in one thing lie on curves of probit axes; only one kind is steeper than the diagonal."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from matplotlib.figure import Figure

from paper_figs.looks import line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.accuracy_curves import (
    BACKGROUNDS,
    DIFFICULTIES,
    DIFFICULTY,
    EACH,
    NOISE,
    PANELS,
    PROBITS,
    RATIO,
    RELIANCE,
    SIGHT,
    SIGNAL,
    SIGNALS,
)
from sims.theorems.evidence import Evidence
from theory.statements.accuracy_curves import Constants, accuracy_pair, background_log_odds, curve_pair
from workbench.palette import SERIES

_TICKS = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
# Where each curve is named: common and counter accuracy.
_NAMES = {
    SIGHT: (0.43, 0.19, "sight of the animal\n(slope above 1)"),
    NOISE: (0.5, 0.345, "noise in everything"),
    RELIANCE: (0.905, 0.36, "reliance, and the\ntraining ratio:\none curve"),
    DIFFICULTY: (0.735, 0.215, "difficulty of the\ncounter photos"),
}


def curves() -> dict[str, np.ndarray]:
    """Pairs of accuracies along each curve, shape (points, 2)."""
    candidates = float(BACKGROUNDS * EACH)
    log_odds = float(background_log_odds(RATIO, BACKGROUNDS))
    signals, weights = jnp.linspace(1.2, 3.3, 60), jnp.linspace(0.0, 2.2, 60)
    constants = {SIGHT: Constants(log_odds=log_odds), NOISE: Constants(reliance=log_odds / SIGNALS[-1] ** 2)}
    found = {
        name: jax.vmap(lambda signal, of=of: curve_pair(signal, of, candidates, BACKGROUNDS))(signals)
        for name, of in constants.items()
    }
    found[RELIANCE] = jax.vmap(lambda weight: accuracy_pair(SIGNAL, weight, candidates, BACKGROUNDS))(weights)
    lacking = jnp.linspace(0.0, DIFFICULTIES[-1] * 1.1, 60)
    best = log_odds / SIGNAL
    found[DIFFICULTY] = jax.vmap(lambda h: accuracy_pair(SIGNAL, best, candidates, BACKGROUNDS, h))(lacking)
    return {name: np.asarray(pairs) for name, pairs in found.items()}


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """One panel; its axes are labelled in accuracy, spaced as probits."""
    figure, (axis,) = panels(1, height=5.6)
    figure.set_figwidth(6.6)
    for series, name in enumerate(PANELS[PROBITS]):
        if name in curves:
            places = np.asarray(ndtri(curves[name]))
            line(axis, series, places[:, 0], places[:, 1])
        points(axis, series, evidence[PROBITS][name])
    for series, name in enumerate(PANELS[PROBITS]):
        if name in _NAMES:
            common, counter, words = _NAMES[name]
            x, y = np.asarray(ndtri(jnp.array([common, counter]))).tolist()
            axis.text(x, y, words, fontsize=8.5, color=SERIES[series])
    ends = np.asarray(ndtri(jnp.array([0.15, 0.97])))
    axis.plot(ends, ends, ":", color="0.5")
    axis.annotate("equal accuracies", (ends[1], ends[1]), (-100, -8), textcoords="offset points", fontsize=8)
    for ticks, limits, (low, high) in (
        (axis.set_xticks, axis.set_xlim, (0.35, 0.97)), (axis.set_yticks, axis.set_ylim, (0.06, 0.97))
    ):  # fmt: skip
        ticks(np.asarray(ndtri(_TICKS)), [f"{100 * tick:g}%" for tick in _TICKS])
        limits(*np.asarray(ndtri(jnp.array([low, high]))))
    name_axes(
        axis,
        "models that differ in sight alone are the steepest\n(20 candidates, 4 backgrounds)",
        "accuracy on common photos (probit scale)",
        "accuracy on counter photos (probit scale)",
    )
    return figure
