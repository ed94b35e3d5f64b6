"""How panels, models, data sets and intervals of published measurements look: the same in every figure."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import logit
from statsmodels.stats.proportion import confint_proportions_2indep

from paper_figs.context import Context
from paper_figs.looks import SMALL
from realdata.claims.added_models import AddedModel
from realdata.statistics.photo_error import proportions, standard_errors
from workbench.conventions import Z95
from workbench.palette import BLACK, BLUE, BROWN, DARK_GREY, GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILION

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
