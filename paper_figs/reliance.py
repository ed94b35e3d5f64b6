"""S19 on the published accuracies: each family's line through the origin of probit axes, setting by setting."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figs.context import Context
from paper_figs.panels import COLOURS, legend, name_axes, panels
from realdata.reliance import evaluate_reliance
from realdata.reliance_table import FAMILY_NAMES

_STYLES = {"clip": (COLOURS[5], "o"), "imagenet": (COLOURS[0], "s")}
_TICKS = np.array([20, 30, 40, 50, 60, 70, 80, 90, 95])


def draw(context: Context) -> Figure:
    """A panel for each setting in which both families were measured; axes in accuracy, spaced as probits."""
    tests, comparisons = evaluate_reliance(context.tables)
    both = []
    for row in comparisons:
        if row.setting["selector"] == "included":
            clip = next(
                t for t in tests if (t.source, t.setting, t.tables) == (row.source, row.setting, row.tables[:1])
            )
            imagenet = next(
                t
                for t in tests
                if (t.family, t.source, t.tables) == ("imagenet", row.source, row.tables[1:])
                and t.setting["averaging"] == row.setting["averaging"]
            )
            both.append((row, (clip, imagenet)))
    figure, axes = panels(len(both), height=4.4)
    for axis, (row, group) in zip(axes, both, strict=True):
        for test in group:
            colour, marker = _STYLES[test.family]
            shares = np.array([[model["common"], model["counter"]] for model in test.models]) / 100
            places = norm.ppf(shares)
            axis.plot(places[:, 0], places[:, 1], marker, color=colour, markersize=5, markeredgecolor="white")
            low, high = test.interval
            label = f"{FAMILY_NAMES[test.family]}: {test.reliance:.2f} [{low:.2f}, {high:.2f}], {test.verdict}"
            ends = np.array([0.0, norm.ppf(0.95)])
            axis.plot(ends, test.slope * ends, color=colour, linewidth=1.5, label=label)
        axis.plot([-1.0, 2.0], [-1.0, 2.0], ":", color="0.6", label="no reliance: 0")
        for ticks in (axis.set_xticks, axis.set_yticks):
            ticks(norm.ppf(_TICKS / 100), [f"{tick}%" for tick in _TICKS])
        axis.set_xlim(-0.1, float(norm.ppf(0.955)))
        axis.set_ylim(float(norm.ppf(0.2)), float(norm.ppf(0.955)))
        source = f"paper, Tables {' and '.join(row.tables)}" if row.tables else "replication"
        title = f"{source}\n{row.setting['setup']}, {row.setting['prompt']}, {row.setting['averaging']}"
        name_axes(axis, title, "accuracy on common photos", "accuracy on counter photos")
        legend(axis)
    figure.suptitle("Lines through the origin (50%, 50%): one index of spurious reliance a family (S19)", fontsize=12)
    return figure
