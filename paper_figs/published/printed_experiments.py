"""Tables 7 and 8 as printed: CLIPs fine-tuned on coloured backgrounds, and learners of coloured digits."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from workbench.palette import BLUE, ORANGE, VERMILION

_WAYS = {
    "zero_shot": "none\n(zero-shot)",
    "obj": "CLIP's loss:\ncaptions\nname the\nobject",
    "objbkg": "CLIP's loss:\nthe back-\nground,\ntoo",
    "supervised": "supervised",
}
_SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "in_distribution": ("backgrounds as in training", {"color": BLUE}),
    "out_of_distribution": ("other backgrounds", {"color": ORANGE, "hatch": "////", "edgecolor": "white"}),
}
_CLASSES = 9
_WIDTH = 0.38


def draw_colored_coco(context: Context) -> Figure:
    """A panel for each backbone: accuracy in both tests for every way of fine-tuning."""
    table = context.colored_coco
    backbones = list(dict.fromkeys(table["backbone"]))
    figure = Figure(figsize=(PRINT_WIDTH, 3.6), layout="constrained")
    axes = figure.subplots(1, len(backbones), sharey=True, squeeze=False)[0]
    for axis, backbone in zip(axes, backbones, strict=True):
        rows = table[table["backbone"] == backbone].set_index("approach")
        ways = [way for way in _WAYS if way in rows.index]
        places = np.arange(len(ways))
        for number, (column, (label, look)) in enumerate(_SETS.items()):
            values = rows.loc[ways, column].to_numpy()
            bars = axis.bar(places + _WIDTH * (number - 0.5), values, _WIDTH, label=label, **look)
            axis.bar_label(bars, [f"{value:.1f}" for value in values], fontsize=8, padding=1,
                           bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
        axis.axhline(
            100 / _CLASSES, color="black", lw=1, ls=":", zorder=1.5, label=f"guessing among {_CLASSES} classes"
        )
        axis.set_xticks(places, [_WAYS[way] for way in ways], fontsize=8)
        axis.set_xlabel("fine-tuning")
        axis.set_title(f"{backbone}, {rows['pretrain'].iloc[0]}", fontsize=10)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy (%)")
    axes[0].set_ylim(0, 108)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


_TESTS = {"rand": "Rand: any colour", "rev": "Rev: the other's colour in 90%", "rest": "the other digits"}
_LOOKS = {"contrastive": (VERMILION, "o", "-", -0.09), "supervised": (BLUE, "s", "--", 0.09)}


def draw_multicolored_mnist(context: Context) -> Figure:
    """A column for each pair of ratios, a row for each test; accuracy against the number of digits."""
    table = context.multicolored_mnist
    ratios = sorted(set(zip(table["p_inv"].astype(float), table["p_spu"].astype(float), strict=True)), reverse=True)
    classes = sorted(set(table["classes"]))
    figure = Figure(figsize=(PRINT_WIDTH, 6.0), layout="constrained")
    axes = figure.subplots(len(_TESTS), len(ratios), sharex=True, sharey=True, squeeze=False)
    for column, (p_inv, p_spu) in enumerate(ratios):
        chosen = table[(table["p_inv"] == p_inv) & (table["p_spu"] == p_spu)]
        for row, test in enumerate(_TESTS):
            axis = axes[row][column]
            _draw_panel(axis, chosen, test, classes)
            if column == 0:
                axis.set_ylabel(f"accuracy (%)\n{_TESTS[test]}", fontsize=8)
        tie = " (a tie)" if p_inv == p_spu else ""
        axes[0][column].set_title(f"label = digit in {p_inv:.0%},\nown colour in {p_spu:.0%}{tie}", fontsize=8)
        axes[-1][column].set_xlabel("number of digits")
    figure.legend(
        *axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False
    )
    return figure


def _draw_panel(axis: Axes, table: pd.DataFrame, test: str, classes: list[float]) -> None:
    for method, (colour, marker, style, beside) in _LOOKS.items():
        rows = table[table["method"] == method].dropna(subset=f"{test}_mean").sort_values("classes")
        places = [classes.index(count) + beside for count in rows["classes"]]
        axis.errorbar(
            places,
            rows[f"{test}_mean"],
            yerr=rows[f"{test}_std"],
            color=colour,
            marker=marker,
            ls=style,
            ms=4.5,
            lw=1.1,
            capsize=2,
            label=method,
        )
    axis.set_xticks(range(len(classes)), [f"{count:.0f}" for count in classes])
    axis.set_ylim(0, 100)
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
