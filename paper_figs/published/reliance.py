"""S19 on the published accuracies: each family's lines on probit axes, setting by setting."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figs.context import Context
from paper_figs.looks import added_handles, mark_added
from paper_figs.looks import legend as figure_legend
from paper_figs.panels import COLOURS, name_axes, panels
from realdata.reliance.table import FAMILY_NAMES

STYLES = {"clip": (COLOURS[5], "o"), "imagenet": (COLOURS[0], "s")}
_TICKS = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98])


def draw(context: Context) -> Figure:
    """A panel for each setting in which both families were measured; axes in accuracy, spaced as probits."""
    found = context.reliance
    rows = [row for row in found.comparisons if row.setting["selector"] == "included"]
    figure, axes = panels(len(rows), height=4.6)
    for axis, row in zip(axes, rows, strict=True):
        for family, (colour, marker) in STYLES.items():
            of_imagenet = {"prompt": "none", "selector": "none"}
            setting = row.setting if family == "clip" else row.setting | of_imagenet
            own = row.tables[:1] if family == "clip" else row.tables[1:]
            (test,) = (t for t in found.tests if (t.family, t.source, t.tables, t.setting) ==
                       (family, row.source, own, setting))  # fmt: skip
            (line,) = (t for t in found.alternatives if (t.family, t.source, t.tables, t.setting) ==
                       (family, row.source, own, setting))  # fmt: skip
            table = (own or ("replication",))[0]
            models = [
                model for model in found.models
                if (model.source, model.table, model.family) == (row.source, table, family)
                and all(model.setting[key] == row.setting[key] for key in ("setup", "averaging"))
            ]  # fmt: skip
            places = norm.ppf(np.clip(np.array([[m.common, m.counter] for m in models]) / 100, 1e-4, 1 - 1e-4))
            axis.plot(places[:, 0], places[:, 1], marker, color=colour, markersize=5, markeredgecolor="white", zorder=3)
            low, high = test.interval
            ends = np.array([0.0, norm.ppf(0.955)])
            steepest, flattest = ((1 - tau) / (1 + tau) * ends for tau in (low, high))
            axis.fill_between(ends, flattest, steepest, color=colour, alpha=0.12, linewidth=0)
            label = f"{FAMILY_NAMES[family]}, one index: {test.reliance:.2f} [{low:.2f}, {high:.2f}], {test.verdict}"
            axis.plot(ends, test.slope * ends, color=colour, linewidth=1.5, label=label)
            ends = np.array([norm.ppf(0.2), norm.ppf(0.955)])
            low, high = line.slope_interval
            label = f"any line: slope {line.slopes['line']:.2f} [{low:.2f}, {high:.2f}]; best: {_best(line.aicc)}"
            axis.plot(ends, line.intercepts["line"] + line.slopes["line"] * ends, "--", color=colour, linewidth=1.2,
                      label=label)  # fmt: skip
        for number, model in context.added_in(row.setting["setup"], row.setting["prompt"]):
            shares = np.array(model.accuracies[row.setting["averaging"]]) / 100
            common, counter = norm.ppf(np.clip(shares, 1e-4, 1 - 1e-4))
            mark_added(axis, float(common), float(counter), number)
        axis.plot([-2.0, 3.0], [-2.0, 3.0], ":", color="0.6", label="equal accuracies: index 0")
        for ticks in (axis.set_xticks, axis.set_yticks):
            ticks(norm.ppf(_TICKS / 100), [f"{tick}" for tick in _TICKS])
        axis.set_xlim(float(norm.ppf(0.38)), float(norm.ppf(0.955)))
        axis.set_ylim(float(norm.ppf(0.1)), float(norm.ppf(0.992)))
        source = f"paper, Tables {' and '.join(row.tables)}" if row.tables else "replication"
        title = f"{source}\n{row.setting['setup']}, {row.setting['prompt']}, {row.setting['averaging']}"
        name_axes(axis, title, "accuracy on common photos (%)", "accuracy on counter photos (%)")
        axis.legend(fontsize=7.5, loc="upper left", framealpha=0.9, edgecolor="none")
    if context.added:
        figure_legend(figure, added_handles(context.added), "lower")
    figure.suptitle(
        "One index of spurious reliance a family (S19) is a line through (50%, 50%): bands are 95%", fontsize=12
    )
    return figure


def _best(aicc: dict[str, float]) -> str:
    return min(aicc, key=lambda name: aicc[name])
