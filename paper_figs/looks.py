"""How panels, models, data sets and intervals look: the same in every figure."""

import textwrap
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike
from scipy.special import logit
from statsmodels.stats.proportion import confint_proportions_2indep

from paper_figs.context import Context
from realdata.claims.added_models import AddedModel
from realdata.statistics.photo_error import proportions, standard_errors
from sims.theorems.evidence import Points
from workbench.conventions import Z95
from workbench.palette import BLACK, BLUE, BROWN, DARK_GREY, GREEN, ORANGE, PURPLE, SERIES, SKY_BLUE, VERMILION

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


_TICKS = np.array([1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99])

# Pre-training data in the order of their size: colour and marker, which also tells them apart in grey.
DATA = {
    "OpenAI": (VERMILION, "o"),
    "LAION400M": (ORANGE, "v"),
    "DataComp1B": (GREEN, "D"),
    "DFN2B": (PURPLE, "P"),
    "LAION2B": (SKY_BLUE, "^"),
    "DFN5B": (BROWN, "X"),
}
IMAGENET, LVLM, SELECTING = (BLUE, "s"), (DARK_GREY, "h"), BLACK
ADDED: dict[str, Any] = {"marker": "*", "color": BLACK, "markersize": 13, "linestyle": "", "zorder": 6}
FEW_ADDED = 8  # models; more have no names in legends, for which there would be no room
_ONE_OF_MANY = {"markersize": 6, "markerfacecolor": "none", "markeredgewidth": 0.8}
ADDED_LINES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SETUPS = {"1v1000": "1 vs. 1000", "1v20": "1 vs. 20"}


def short(label: str) -> str:
    """The first of a class's names."""
    return label.partition(",")[0]


def photo_intervals(frame: pd.DataFrame, context: Context, averaging: str, group: str) -> np.ndarray:
    """Half widths, in points, of 95% intervals of averaged accuracies: bounds (`realdata.statistics.photo_error`).

    Args:
        frame: with the accuracies of `group`, in %.
        context: has the photo counts.
        averaging: `balanced` or `unbalanced`.
        group: `common` or `counter`.

    Returns:
        Shape (models,).
    """
    photos = context.tables.classes[f"{group}_photos"].to_numpy()
    errors: np.ndarray = standard_errors(proportions(frame[group].to_numpy(dtype=float), photos), photos, averaging)
    return 100 * Z95 * errors


def drop_intervals(classes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """95% intervals in points of drops of single classes, by Newcombe's hybrid score.

    Args:
        classes: with `common` and `counter` in %, `common_photos` and `counter_photos`; NaN where there is none.

    Returns:
        Lower and upper ends, shape (classes,).
    """
    rights = [classes[group] / 100 * classes[f"{group}_photos"] for group in ("common", "counter")]
    low, high = confint_proportions_2indep(
        rights[0].to_numpy(),
        classes["common_photos"].to_numpy(),
        rights[1].to_numpy(),
        classes["counter_photos"].to_numpy(),
        method="newcomb",
    )
    return 100 * np.asarray(low), 100 * np.asarray(high)


def percent_on_logits(
    axis: Axes,
    common: tuple[float, float],
    counter: tuple[float, float],
    also: Sequence[tuple[float, float]] = (),
) -> None:
    """Scale both axes of a panel by the logit, and label them in %.

    Args:
        axis: the panel.
        common: ends of the axis for common photos.
        counter: the same for counter photos.
        also: accuracies on both, which the axes are made wider to show.
    """
    places = logit(_TICKS / 100)
    axis.set_xticks(places, [str(tick) for tick in _TICKS], fontsize=8)
    axis.set_yticks(places, [str(tick) for tick in _TICKS], fontsize=8)
    for limit, (low, high), values in (
        (axis.set_xlim, common, [pair[0] for pair in also]),
        (axis.set_ylim, counter, [pair[1] for pair in also]),
    ):
        places = on_logits(np.array([low, high, *values]))
        limit(
            min(places[0], places[2:].min(initial=np.inf) - 0.3), max(places[1], places[2:].max(initial=-np.inf) + 0.3)
        )
    axis.set_xlabel("accuracy on common photos (%)")
    axis.set_ylabel("accuracy on counter photos (%)")


def on_logits(percent: np.ndarray) -> np.ndarray:
    """The places of accuracies in % on logit-scaled axes; 0 and 100% are moved to 0.2 and 99.8%."""
    return logit(np.clip(np.asarray(percent, float) / 100, 0.002, 0.998))


def figure_legend(figure: Figure, handles: list[Any], place: Literal["upper", "lower"]) -> None:
    """Draw a legend above or below all panels, in as many columns as the figure is wide for.

    Args:
        figure: the figure.
        handles: artists, or matplotlib's containers of some, with their labels.
        place: `upper` or `lower`.
    """
    if not handles:
        return
    widest = max(len(str(handle.get_label())) for handle in handles) * 0.062 + 0.55  # inches at this size of text
    columns = max(1, min(len(handles), int(figure.get_size_inches()[0] / widest)))
    where: Literal["outside upper center", "outside lower center"] = (
        "outside upper center" if place == "upper" else "outside lower center"
    )
    figure.legend(handles=handles, loc=where, ncols=columns, fontsize=SMALL, frameon=False)


def data_handles(names: Sequence[str]) -> list[Line2D | Patch]:
    """Legend entries of pre-training data sets, in the order of `DATA`."""
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=6, label=name)
        for name, (colour, marker) in DATA.items()
        if name in names
    ]


def is_shown(model: AddedModel) -> bool:
    """Whether an added model was asked as published ones were, so that it stands beside them."""
    return model.setup in SETUPS and model.prompt in ("simple", "openai80", "none")


def mark_added(axis: Axes, x: float, y: float, number: int, of: int) -> None:
    """Draw a star for an added model, with its number beside it, as in the legend; of many, a small star alone.

    Args:
        axis: the panel.
        x: place in the panel.
        y: likewise.
        number: of the model, from 1.
        of: how many models are added.
    """
    if of > FEW_ADDED:
        axis.plot(x, y, **(ADDED | _ONE_OF_MANY))
        return
    axis.plot(x, y, **ADDED)
    axis.annotate(str(number), (x, y), (-5, 5), textcoords="offset points", ha="right", fontsize=SMALL, weight="bold")


def added_handles(models: Sequence[AddedModel], lines: bool = False) -> list[Line2D | Patch]:
    """Legend entries of added models: numbers and names, with a line each if they are drawn as lines.

    Of more than `FEW_ADDED` there is one entry, with how many they are.
    """
    handles: list[Line2D | Patch] = []
    if len(models) > FEW_ADDED:
        shown = sum(map(is_shown, models))
        return [Line2D([], [], **(ADDED | _ONE_OF_MANY), label=f"{shown} models, added")] if shown else []
    for place, model in enumerate(models):
        if not is_shown(model):
            continue
        style = {"linestyle": ADDED_LINES[place % len(ADDED_LINES)]} if lines else {}
        handles.append(
            Line2D(
                [],
                [],
                **(ADDED | style | {"markersize": 9}),
                label=f"{place + 1}: {model.name} (added, {SETUPS.get(model.setup, model.setup)})",
            )
        )
    return handles
