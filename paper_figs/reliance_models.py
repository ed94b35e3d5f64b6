"""Each model's index of spurious reliance with its error, ranked, from its averages and from its classes."""

import numpy as np
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.panels import COLOURS, name_axes
from paper_figs.reliance import STYLES
from realdata.reliance.table import FAMILY_NAMES

_SOURCES = ("paper", "replication")
_CLASSWISE_COLOUR = COLOURS[2]
# An index beyond is that of a model near 50%, whose two probits almost sum to 0.
_LARGEST = 2.0


def draw(context: Context) -> Figure:
    """A panel for each source: its models at 1 vs. 1000, class-balanced, the least reliant at the bottom."""
    models = context.reliance.models
    figure = Figure(figsize=(12.0, 9.5), layout="constrained")
    for number, source in enumerate(_SOURCES):
        shown = [
            model for model in models
            if model.source == source and model.table in ("3", "4", "replication") and model.reliance is not None
            and (model.setting["setup"], model.setting["averaging"]) == ("1v1000", "balanced")
        ]  # fmt: skip
        shown.sort(key=lambda model: model.reliance or 0.0)
        axis = figure.add_subplot(1, 2, number + 1)
        labelled: set[str] = set()
        for row, model in enumerate(shown):
            assert model.reliance is not None and model.interval is not None
            colour, marker = STYLES[model.family]
            label = None if model.family in labelled else f"{FAMILY_NAMES[model.family]}, from averages"
            labelled.add(model.family)
            beyond = model.reliance > _LARGEST
            axis.plot(np.clip(model.interval, None, _LARGEST), [row, row], color=colour, linewidth=1.2)
            axis.plot(min(model.reliance, _LARGEST), row, ">" if beyond else marker, color=colour, markersize=5,
                      label=label, clip_on=False)  # fmt: skip
            if model.classwise is not None:
                label = None if "classes" in labelled else "mean over classes; thin: one standard deviation of classes"
                labelled.add("classes")
                found = model.classwise
                spread = np.array([-found.spread, found.spread])
                axis.plot(found.reliance + spread, [row - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=0.7)
                axis.plot(found.interval, [row - 0.3] * 2, color=_CLASSWISE_COLOUR, linewidth=2.2)
                axis.plot(found.reliance, row - 0.3, "D", color=_CLASSWISE_COLOUR, markersize=4, label=label)
        axis.set_yticks(range(len(shown)), [f"{model.backbone} {model.pretrain}" for model in shown], fontsize=8)
        axis.axvline(0.0, color="0.4", linewidth=0.8)
        axis.axvline(1.0, color="0.4", linewidth=0.8, linestyle=":")
        axis.grid(alpha=0.25)
        axis.set_xlim(-0.1, _LARGEST)
        axis.set_ylim(-1, len(shown))
        words = "paper, Tables 3 and 4" if source == "paper" else "replication"
        missing = sum(model.source == source and model.table in ("3", "4", "replication") and model.reliance is None
                      and model.setting["setup"] == "1v1000" for model in models)  # fmt: skip
        title = f"{words}: 1 vs. 1000, class-balanced\n{missing} without an index"
        name_axes(axis, title, "index of spurious reliance [95%]", "model, by its index")
        axis.legend(fontsize=7.5, loc="lower right")
    figure.suptitle("Each model's index: better models lean less, and no model leans alike in all classes", fontsize=12)
    return figure
