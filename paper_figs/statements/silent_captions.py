"""S24: the label prompt's accuracy over the share of captions that name the background, and over the text's encoder."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.silent_captions import (
    ENCODERS,
    MODEL,
    OVER_SHARES,
    OVER_WIDTHS,
    WIDTH_SERIES,
    WIDTH_SHARE,
    WIDTHS,
)
from theory.model import Caption
from theory.statements.bayes import bayes_accuracies
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.logistic import logistic_direction
from theory.statements.silent_captions import free_text_rules
from workbench.palette import BLACK

# Of the quadratures: enough for five digits, in a fraction of the time.
_NODES = 49
_SHARES = np.linspace(0.04, 0.98, 9)


def _linear(share: Array) -> Array:
    critic = infonce_critic(MODEL, Caption("label-attribute", 1.0, share), 0.5, _NODES)
    return group_accuracies(MODEL, critic[:, 0])[1]


def _free(share: Array) -> Array:
    return group_accuracies(MODEL, free_text_rules(MODEL, share, 0.5, _NODES)[0])[1]


def curves() -> dict[str, np.ndarray]:
    """Accuracies over the share with linear and with free text encoders, the last share that of the widths' panel."""
    shares = jnp.asarray([*_SHARES, WIDTH_SHARE])
    of_text = [np.asarray(jax.jit(lambda shares, of=of: jax.lax.map(of, shares))(shares)) for of in (_linear, _free)]
    return {
        "shares": np.asarray(shares),
        "linear text": of_text[0],
        "free text": of_text[1],
        "supervised": np.asarray(group_accuracies(MODEL, logistic_direction(MODEL))[1]),
        "bayes": np.asarray(bayes_accuracies(MODEL)[1]),
    }


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left over the share, a series for each pair of encoders; right over the hidden units of the text's encoder."""
    figure, (left, right) = panels(2, height=4.2)
    supervised, shares = float(curves["supervised"]), curves["shares"][:-1]
    linear, free = curves["linear text"], curves["free text"]
    lines = linear[:-1], free[:-1], np.full(shares.shape, float(curves["bayes"]))
    for series, (name, drawn) in enumerate(zip(ENCODERS, lines, strict=True)):
        line(left, series, shares, drawn)
        points(left, series, evidence[OVER_SHARES][name], name)
    name_axes(left, "the label prompt's rule", "share q of captions that name the background", "conflicting accuracy")
    _mark(left, supervised, "logistic regression", 0.62)
    ends = (float(linear[-1]), "linear text encoder"), (float(free[-1]), "free text encoder")
    for series, (level, name) in enumerate(ends):
        line(right, series, [WIDTHS[0], WIDTHS[-1]], [level, level], f"{name}, closed form")
    points(right, 1, evidence[OVER_WIDTHS][WIDTH_SERIES], f"{WIDTH_SERIES}, trained")
    right.set_xscale("log", base=2)
    right.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
    name_axes(right, f"linear images, q = {WIDTH_SHARE:g}", "hidden units of the text encoder", "conflicting accuracy")
    _mark(right, supervised, "logistic regression", 1.0)
    for axis in (left, right):
        legend(axis)
    return figure


def _mark(axis: Axes, level: float, name: str, place: float) -> None:
    axis.axhline(level, color=BLACK, linestyle=":", linewidth=1.0)
    axis.annotate(name, (place, level), (0, 3), textcoords="offset points", fontsize=8)
