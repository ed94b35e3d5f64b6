"""Claim C2: CLIPs against ImageNet models of the same accuracy, setting by setting."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logit

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.published.looks import (
    added_handles,
    figure_legend,
    mark_added,
    on_logits,
    percent_on_logits,
    photo_intervals,
)
from realdata.claims.c2_robustness import setting_robustness
from realdata.claims.settings import Setting, is_repeated, is_selector, settings
from workbench.palette import BLACK, BLUE, VERMILION

_CLIP, _IMAGENET = VERMILION, BLUE
_COLUMNS = 2
_COMMON, _COUNTER = (56.0, 95.0), (30.0, 92.0)  # ends of the axes, in %


def draw_effective_robustness(context: Context) -> Figure:
    """One panel for each setting in which C2 can be asked, the selecting model included and marked."""
    offered = list(settings(context.tables))
    chosen = [
        setting
        for setting in offered
        if setting.selector == "included" and len(setting.imagenet) and not is_repeated(setting, offered)
    ]
    rows = -(-len(chosen) // _COLUMNS)
    figure = Figure(figsize=(PRINT_WIDTH, 3.5 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    added = [
        model.accuracies[setting.averaging]
        for setting in chosen
        for _, model in context.added_in(setting.setup, setting.prompt)
    ]
    for place, (axis, setting) in enumerate(zip(axes, chosen, strict=False)):
        _draw_setting(axis, setting, _claim_row(setting, context), context, added)
        axis.label_outer()
        if place + _COLUMNS >= len(chosen):
            axis.xaxis.set_tick_params(labelbottom=True)
            axis.set_xlabel("accuracy on common photos (%)")
    handles = [*axes[0].get_legend_handles_labels()[0], *added_handles(context.added)]
    figure_legend(figure, handles, "lower")
    set_title(figure, [_claim_row(setting, context) for setting in chosen], "settings")
    return figure


def set_title(figure: Figure, rows: Sequence[Mapping[str, Any]], asked: str) -> None:
    """How often the claim is supported."""
    shown = sum(row["verdict"] == "supported" for row in rows)
    words = "CLIPs are shown to lose more than ImageNet models of their common accuracy"
    figure.suptitle(f"{words}\nin {shown} of {len(rows)} {asked}", fontsize=10, weight="bold")


def _claim_row(setting: Setting, context: Context) -> Mapping[str, Any]:
    """The claim's row for this setting, values as printed."""
    return next(
        row
        for row in context.claims["claims"]
        if row["claim"] == "C2"
        and row["source"] == setting.source
        and row["setting"]["values"] == "as printed"
        and row["setting"].items() >= setting.describe().items()
    )


def _draw_setting(
    axis: Axes,
    setting: Setting,
    row: Mapping[str, Any],
    context: Context,
    also: Sequence[tuple[float, float]],
) -> None:
    clips, imagenet = setting.clips, setting.imagenet
    line = setting_robustness(setting, context.tables)
    selecting = is_selector(clips)
    span = logit(np.linspace(*_COMMON, 50) / 100)
    axis.plot(span, line.intercept + line.slope * span, color=_IMAGENET, lw=1.2)
    axis.plot(span, span, color="0.6", lw=0.9, ls=":", label="no loss")
    for frame, colour, marker, label in (
        (imagenet, _IMAGENET, "s", "ImageNet models, their line"),
        (clips[~selecting], _CLIP, "o", "CLIPs"),
        (clips[selecting], BLACK, "X", "CLIP that selected the photos"),
    ):
        counter = frame["counter"].to_numpy()
        half = photo_intervals(frame, context, setting.averaging, "counter")
        places = on_logits(counter)
        ends = np.stack([places - on_logits(counter - half), on_logits(counter + half) - places])
        axis.errorbar(
            on_logits(frame["common"].to_numpy()),
            places,
            yerr=ends,
            fmt=marker,
            ms=5.5,
            color=colour,
            mec="white",
            mew=0.5,
            ecolor=colour,
            elinewidth=0.6,
            label=label,
        )
    for number, model in context.added_in(setting.setup, setting.prompt):
        common, counter_accuracy = on_logits(np.array(model.accuracies[setting.averaging]))
        mark_added(axis, float(common), float(counter_accuracy), number, len(context.added))
    low, high = row["interval"]
    clustered = row["clustered"] and "clustered [{:+.1f}, {:+.1f}]".format(*row["clustered"]["interval"])
    source = f"paper, Tables {' and '.join(setting.tables)}" if setting.tables else "replication"
    axis.set_title(
        f"{source}\n{setting.setup}, {setting.prompt}, {setting.averaging}\n"
        f"{row['effect']:+.1f} points [{low:+.1f}, {high:+.1f}], {clustered or 'no clusters'}\n{row['verdict']}",
        fontsize=8,
    )
    axis.grid(color="0.93")
    axis.set_axisbelow(True)
    percent_on_logits(axis, _COMMON, _COUNTER, also)
