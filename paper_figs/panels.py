"""How a statement is drawn: the closed form as a line, its simulation as points with 95% intervals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import norm

from sims.theorems.evidence import Points

# Okabe and Ito's colours, told apart in colour-blind vision; the order alternates light and dark for print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_Z95 = float(norm.ppf(0.975))


def panels(count: int, height: float = 3.6, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, side by side."""
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.6 * columns, height * rows), layout="constrained")
    axes = [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
    for axis in axes:
        axis.grid(alpha=0.25)
    return figure, axes


def line(axis: Axes, series: int, x: ArrayLike, y: ArrayLike, label: str | None = None, style: str = "-") -> None:
    """A closed form over x, in the colour of the series with this number."""
    axis.plot(np.asarray(x), np.asarray(y), style, color=COLOURS[series % len(COLOURS)], label=label, linewidth=1.6)


def points(axis: Axes, series: int, measured: Points, label: str | None = None) -> None:
    """Simulated means with 95% intervals, in the colour of the series with this number."""
    axis.errorbar(
        measured.x,
        measured.mean,
        yerr=_Z95 * measured.standard_error,
        fmt=_MARKERS[series % len(_MARKERS)],
        color=COLOURS[series % len(COLOURS)],
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        capsize=2,
        linewidth=1.0,
        label=label,
        zorder=3,
    )


def name_axes(axis: Axes, title: str, x_label: str, y_label: str) -> None:
    """Title and axes of one panel; accuracies run from 0 to 1."""
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)


def legend(axis: Axes) -> None:
    """A small legend of what has a label."""
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7.5, frameon=False)
