"""Each model's index of spurious reliance with its error, ranked, from its averages and from its classes."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.context import Context
from paper_figs.looks import ADDED, added_handles
from paper_figs.looks import legend as figure_legend
from paper_figs.panels import COLOURS, name_axes
from paper_figs.published.reliance import STYLES
from realdata.reliance.models import ClasswiseIndex
from realdata.reliance.table import FAMILY_NAMES

_SOURCES = ("paper", "replication")
_CLASSWISE_COLOUR = COLOURS[2]
# An index beyond is that of a model near 50%, whose two probits almost sum to 0.
_LARGEST = 2.0


class _Row(NamedTuple):
    """A model with its index; `family` is `added` for one that was evaluated here."""

    name: str
    value: float
    interval: tuple[float, float]
    family: str
    classwise: ClasswiseIndex | None


def draw(context: Context) -> Figure:
    """A panel for each source: its models at 1 vs. 1000, class-balanced, the least reliant at the bottom."""
    figure = Figure(figsize=(12.0, 9.5), layout="constrained")
    for place, source in enumerate(_SOURCES):
        models = [
            model for model in context.reliance.models
            if model.source == source and model.table in ("3", "4", "replication")
            and (model.setting["setup"], model.setting["averaging"]) == ("1v1000", "balanced")
        ]  # fmt: skip
        rows = [
            _Row(f"{model.backbone} {model.pretrain}", model.reliance, model.interval, model.family, model.classwise)
            for model in models
            if model.reliance is not None and model.interval is not None
        ]
        missing = len(models) - len(rows)
        rows += [
            _Row(f"{number}: {model.name}", found["value"], (found["interval"][0], found["interval"][1]), "added", None)
            for number, model in context.added_in("1v1000", "simple")
            if "value" in (found := model.reliance)
        ]
        rows.sort(key=lambda row: row.value)
        axis = figure.add_subplot(1, 2, place + 1)
        for height, row in enumerate(rows):
            _draw(axis, height, row)
        axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.axvline(1.0, color="0.4", linewidth=0.8, linestyle=":")
        axis.grid(alpha=0.25)
        axis.set_xlim(-0.1, _LARGEST)
        axis.set_ylim(-1, len(rows))
        words = "paper, Tables 3 and 4" if source == "paper" else "replication"
        title = f"{words}: 1 vs. 1000, class-balanced\n{missing} without an index"
        name_axes(axis, title, "index of spurious reliance [95%]", "model, by its index")
    handles: list[Any] = [
        Line2D([], [], color=colour, marker=marker, label=f"{FAMILY_NAMES[family]}, from averages")
        for family, (colour, marker) in STYLES.items()
    ]
    handles.append(
        Line2D([], [], color=_CLASSWISE_COLOUR, marker="D", label="mean over classes; thin: one standard deviation")
    )
    figure_legend(
        figure, handles + added_handles([model for _, model in context.added_in("1v1000", "simple")]), "lower"
    )
    figure.suptitle("Each model's index: better models lean less, and no model leans alike in all classes", fontsize=12)
    return figure


def _draw(axis: Axes, height: int, row: _Row) -> None:
    if row.family == "added":
        axis.plot(np.clip(row.interval, None, _LARGEST), [height, height], color="black", linewidth=1.2)
        axis.plot(min(row.value, _LARGEST), height, **(ADDED | {"markersize": 11}), clip_on=False)
        return
    colour, marker = STYLES[row.family]
    axis.plot(np.clip(row.interval, None, _LARGEST), [height, height], color=colour, linewidth=1.2)
    beyond = row.value > _LARGEST
    axis.plot(min(row.value, _LARGEST), height, ">" if beyond else marker, color=colour, markersize=5, clip_on=False)
    if row.classwise is not None:
        found = row.classwise
        spread = np.array([-found.spread, found.spread])
        axis.plot(found.reliance + spread, [height - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=0.7)
        axis.plot(found.interval, [height - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=2.2)
        axis.plot(found.reliance, height - 0.3, "D", color=_CLASSWISE_COLOUR, markersize=4)
