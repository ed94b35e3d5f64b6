"""Figs. 1 and 2: accuracy on counter photos against that on common photos, for both setups and both sources."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import logit

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.published.looks import (
    DATA,
    IMAGENET,
    LVLM,
    SELECTING,
    SETUPS,
    added_handles,
    data_handles,
    figure_legend,
    mark_added,
    on_logits,
    percent_on_logits,
    photo_intervals,
)
from realdata.claims.settings import Setting, is_selector, settings
from realdata.statistics.photo_error import proportions
from workbench.palette import VERMILION

_COMMON, _COUNTER = (38.0, 94.0), (26.0, 92.0)  # ends of the axes, in %
_ENDS = logit(np.array(_COMMON) / 100)
_CLIP_LINE = VERMILION


def draw(context: Context) -> Figure:
    """A panel for each setup and source: models with intervals, a line with a band for each family."""
    chosen = [
        setting
        for setting in settings(context.tables)
        if setting.selector == "included"
        and (setting.prompt, setting.averaging) == ("simple", "balanced")
        and setting.tables[:1] != ("9",)
    ]
    figure = Figure(figsize=(PRINT_WIDTH, 3.5 * -(-len(chosen) // 2)), layout="constrained")
    axes = figure.subplots(-(-len(chosen) // 2), 2, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    shown = set()
    added = [
        model.accuracies["balanced"]
        for setting in chosen
        for _, model in context.added_in(setting.setup, setting.prompt)
    ]
    for axis, setting in zip(axes, chosen, strict=False):
        _draw_setting(axis, setting, context, added)
        axis.label_outer()
        shown |= set(setting.clips["pretrain"])
    handles: list[Line2D | Patch] = [
        *data_handles(tuple(shown)),
        Line2D([], [], color=SELECTING, marker="o", mfc="none", mew=1.6, ms=11, ls="", label="selected the photos"),
        Line2D([], [], color=_CLIP_LINE, ls="--", label="CLIPs: line"),
        Line2D([], [], color=IMAGENET[0], marker=IMAGENET[1], ls="-", label="ImageNet models, line"),
        Line2D([], [], color=LVLM[0], marker=LVLM[1], ls="", ms=7, label="LVLMs"),
        Line2D([], [], color="0.5", ls=":", label="no loss: y = x"),
        *added_handles(context.added),
    ]
    figure_legend(figure, handles, "lower")
    return figure


def _draw_setting(axis: Axes, setting: Setting, context: Context, also: Sequence[tuple[float, float]]) -> None:
    axis.plot(_ENDS, _ENDS, ":", color="0.5", lw=1)
    for frame, colour, style in ((setting.imagenet, IMAGENET[0], "-"), (setting.clips, _CLIP_LINE, "--")):
        if len(frame) >= 3:
            _draw_line(axis, frame, context, colour, style)
    _draw_models(axis, setting.imagenet, context, *IMAGENET)
    for name, (colour, marker) in DATA.items():
        _draw_models(axis, setting.clips[setting.clips["pretrain"] == name], context, colour, marker)
    selecting = setting.clips[is_selector(setting.clips)]
    places = [on_logits(selecting[group].to_numpy()) for group in ("common", "counter")]
    axis.plot(*places, "o", mfc="none", mec=SELECTING, mew=1.6, ms=11, zorder=5)
    results = context.tables.results
    if setting.source == "paper" and setting.setup == "1v20":
        _draw_models(axis, results[results["family"] == "lvlm"], context, *LVLM)
    for number, model in context.added_in(setting.setup, setting.prompt):
        common, counter = (on_logits(np.array([value]))[0] for value in model.accuracies["balanced"])
        ends = {group: on_logits(np.array(model.intervals[group])) for group in ("common", "counter")}
        axis.plot(ends["common"], [counter] * 2, color="black", lw=0.9, zorder=5)
        axis.plot([common] * 2, ends["counter"], color="black", lw=0.9, zorder=5)
        mark_added(axis, common, counter, number, len(context.added))
    percent_on_logits(axis, _COMMON, _COUNTER, also)
    tables = [*setting.tables, *(["5"] if setting.setup == "1v20" else [])]
    source = f"paper, Tables {', '.join(tables)}" if setting.source == "paper" else "replication"
    axis.set_title(f"{SETUPS[setting.setup]}: {source}", fontsize=9)
    axis.grid(color="0.93")
    axis.set_axisbelow(True)


def _draw_models(axis: Axes, frame: pd.DataFrame, context: Context, colour: str, marker: str) -> None:
    if frame.empty:
        return
    halves = {group: photo_intervals(frame, context, "balanced", group) for group in ("common", "counter")}
    values = {group: frame[group].to_numpy() for group in halves}
    middle = {group: on_logits(values[group]) for group in halves}
    errors = {
        group: np.abs(
            np.stack([on_logits(values[group] - halves[group]), on_logits(values[group] + halves[group])])
            - middle[group]
        )
        for group in halves
    }
    axis.errorbar(
        middle["common"],
        middle["counter"],
        xerr=errors["common"],
        yerr=errors["counter"],
        fmt=marker,
        color=colour,
        ms=6,
        mec="white",
        mew=0.6,
        elinewidth=0.7,
        zorder=4,
    )


def _draw_line(axis: Axes, frame: pd.DataFrame, context: Context, colour: str, style: str) -> None:
    """The family's line by least squares on logits, and the 95% band of its mean."""
    x, y = (
        logit(proportions(frame[group].to_numpy(), context.tables.classes[f"{group}_photos"].to_numpy()))
        for group in ("common", "counter")
    )
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    places = np.linspace(_ENDS[0], _ENDS[1], 80)
    low, high = fit.get_prediction(sm.add_constant(places)).conf_int(alpha=0.05).T
    axis.plot(places, fit.params[0] + fit.params[1] * places, style, color=colour, lw=1.3, zorder=2)
    axis.fill_between(places, low, high, color=colour, alpha=0.15, lw=0, zorder=1)
