"""How panels, models, data sets and intervals look: the same in every figure."""

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from sims.theorems.evidence import Points
from workbench.conventions import Z95
from workbench.palette import SERIES

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Of a page of A4 within its margins, inches. No figure is wider, so that its text is printed in the size that it has.
PRINT_WIDTH = 7.1
SMALL = 8.0  # points, the least size of text
# Labels so short and so few stand at the ends of their lines; longer ones in a legend.
_SHORT, _FEW = 17, 4


def panels(
    count: int, height: float = 2.9, columns: int = 2, share_x: bool = False, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels as wide as a page, in rows of at most `columns`.

    Args:
        count: how many.
        height: of a row, inches.
        columns: panels in a row.
        share_x: whether panels of a column have one x axis, named below the last.
        share_y: whether panels of a row have one y axis, named at the first.
    """
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(PRINT_WIDTH, height * rows), layout="constrained")
    axes: list[Axes] = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = axes[column] if share_x and row else None
        y = axes[row * columns] if share_y and column else None
        axis = figure.add_subplot(rows, columns, index + 1, sharex=x, sharey=y)
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=SMALL)
        if y is not None:
            axis.tick_params(labelleft=False)
            axis.yaxis.label.set_visible(False)
        if share_x and index + columns < count:
            axis.tick_params(labelbottom=False)
            axis.xaxis.label.set_visible(False)
        axes.append(axis)
    return figure, axes


def line(axis: Axes, series: int, x: ArrayLike, y: ArrayLike, label: str | None = None, style: str = "-") -> None:
    """Draw a closed form over x, in the colour of the series with this number."""
    axis.plot(np.asarray(x), np.asarray(y), style, color=SERIES[series % len(SERIES)], label=label, linewidth=1.6)


def points(axis: Axes, series: int, measured: Points, label: str | None = None) -> None:
    """Draw simulated means with 95% intervals, in the colour of the series with this number."""
    axis.errorbar(
        measured.x,
        measured.mean,
        yerr=Z95 * measured.standard_error,
        fmt=_MARKERS[series % len(_MARKERS)],
        color=SERIES[series % len(SERIES)],
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        capsize=2,
        linewidth=1.0,
        label=label,
        zorder=3,
    )


def name_axes(axis: Axes, title: str, x_label: str, y_label: str) -> None:
    """Write the title and the names of both axes of one panel, in lines that fit it."""
    width, height = _inches(axis)
    axis.set_title(textwrap.fill(title, int(15 * width)), fontsize=9)
    axis.set_xlabel(textwrap.fill(x_label, int(16 * width)), fontsize=8.5)
    axis.set_ylabel(textwrap.fill(y_label, int(18 * height)), fontsize=8.5)


def _inches(axis: Axes) -> tuple[float, float]:
    """Width and height of a panel, about; what it has before the layout."""
    return float(axis.bbox.width / axis.figure.dpi), float(axis.bbox.height / axis.figure.dpi)


def legend(axis: Axes) -> None:
    """Name the series of a panel: at the ends of their lines where names are few and short, else in a legend below it.

    Called once all is drawn and scaled.
    """
    handles, labels = axis.get_legend_handles_labels()
    if not labels:
        return
    if len(labels) <= _FEW and max(map(len, labels)) <= _SHORT and _label_ends(axis, handles, labels):
        return
    axis.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.27),
        borderaxespad=0.0,
        fontsize=SMALL,
        frameon=False,
        handlelength=1.6,
        labelspacing=0.25,
    )


class _End(NamedTuple):
    height: float  # share of the panel's
    label: str
    colour: Any


def _label_ends(axis: Axes, handles: Sequence[Any], labels: Sequence[str]) -> bool:
    """Write each label beside the right end of its series, in its colour; whether each has such an end."""
    axis.autoscale_view()
    ends = []
    for handle, label in zip(handles, labels, strict=True):
        drawn = handle if isinstance(handle, Line2D) else handle[0] if isinstance(handle, tuple) else None
        if drawn is None or drawn.get_transform() != axis.transData:
            return False
        places = np.asarray(drawn.get_xydata(), float)
        places = places[np.isfinite(places).all(axis=1)]
        if not len(places):
            return False
        last = axis.transData.transform(places[places[:, 0].argmax()])
        height = float(axis.transAxes.inverted().transform(last)[1])
        ends.append(_End(min(max(height, 0.0), 1.0), label, drawn.get_color()))
    gap = 1.2 * SMALL / 72 / (0.85 * _inches(axis)[1])
    heights: list[float] = []
    for end in sorted(ends, key=lambda end: end.height):
        heights.append(max(end.height, heights[-1] + gap) if heights else end.height)
    above = max(0.0, heights[-1] - 1.0)
    for height, end in zip(heights, sorted(ends, key=lambda end: end.height), strict=True):
        axis.text(
            1.02, height - above, end.label, color=end.colour, fontsize=SMALL, va="center", transform=axis.transAxes
        )
    return True
