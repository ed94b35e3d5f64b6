"""Claim C2 in one picture: CLIPs and ImageNet models on logit-scaled axes, setting by setting (after Fig. 2)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logit

from published.tables import PublishedTables
from realdata.claim_test import ClaimTest
from realdata.claims.c2_robustness import setting_robustness
from realdata.claims.evaluate import evaluate_claims
from realdata.effective_robustness import EffectiveRobustness
from realdata.settings import Setting, is_selector, settings

_CLIP, _IMAGENET = "#D55E00", "#0072B2"
_COLUMNS = 3
_TICKS = np.array([20, 30, 40, 50, 60, 70, 80, 90])


def draw(tables: PublishedTables) -> Figure:
    """One panel for each setting in which C2 can be asked, the selecting model included and marked."""
    tests = [test for test in evaluate_claims() if test.claim == "C2" and test.setting["selector"] == "included"]
    offered = {(item.source, item.tables, str(item.describe())): item for item in settings(tables)}
    rows = -(-len(tests) // _COLUMNS)
    figure = Figure(figsize=(3.6 * _COLUMNS, 3.8 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(tests) :]:
        axis.set_axis_off()
    for axis in axes[max(len(tests) - _COLUMNS, 0) : len(tests)]:
        axis.tick_params(labelbottom=True)  # also where the panel below is missing
    for axis, test in zip(axes, tests, strict=False):
        setting = offered[(test.source, test.tables, str(test.setting))]
        _draw_setting(axis, setting, test, setting_robustness(setting, tables))
    figure.supylabel("accuracy on counter photos (%)", fontsize=11)
    axes[0].legend(loc="upper left", fontsize=8, frameon=False)
    figure.supxlabel("accuracy on common photos (%)", fontsize=11)
    figure.suptitle(
        "At the same common accuracy, do CLIPs lose more than ImageNet models? It depends on prompt and averaging",
        fontsize=12,
    )
    return figure


def _draw_setting(axis: Axes, setting: Setting, test: ClaimTest, line: EffectiveRobustness) -> None:
    clips, imagenet = setting.clips, setting.imagenet
    selecting = is_selector(clips)
    everything = logit(np.concatenate([clips["common"], imagenet["common"]]) / 100)
    span = np.linspace(everything.min() - 0.1, everything.max() + 0.1, 50)
    axis.plot(span, line.intercept + line.slope * span, color=_IMAGENET, lw=1.2)
    axis.plot(span, span, color="0.6", lw=0.9, ls=":", label="no loss")
    for frame, colour, marker, label in (
        (imagenet, _IMAGENET, "s", "ImageNet models, their line"),
        (clips[~selecting], _CLIP, "o", "CLIPs"),
        (clips[selecting], "#000000", "X", "CLIP that selected the photos"),
    ):
        axis.plot(
            logit(frame["common"] / 100),
            logit(frame["counter"] / 100),
            marker,
            ms=5,
            color=colour,
            mec="white",
            mew=0.5,
            label=label,
        )
    axis.set_xticks(logit(_TICKS / 100), [str(tick) for tick in _TICKS])
    axis.set_yticks(logit(_TICKS / 100), [str(tick) for tick in _TICKS])
    low, high = test.interval
    source = f"paper, Tables {' and '.join(test.tables)}" if test.tables else "replication"
    axis.set_title(
        f"{source}\n{test.setting['setup']}, {test.setting['prompt']}, {test.setting['averaging']}\n"
        f"{test.effect:+.1f} points [{low:+.1f}, {high:+.1f}]: {test.verdict}",
        fontsize=9.5,
    )
    axis.grid(color="0.93")
    axis.set_axisbelow(True)
    axis.set_xlim(float(everything.min()) - 0.2, float(logit(0.94)))
    axis.set_ylim(float(logit(0.30)), float(logit(0.92)))
