"""Table 8: contrastive and supervised learners of coloured digits, as printed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.panels import COLOURS

_TESTS = {"rand": "Rand: any colour", "rev": "Rev: the other's colour in 90%", "rest": "the other digits"}
_LOOKS = {"contrastive": (COLOURS[5], "o", "-", -0.09), "supervised": (COLOURS[0], "s", "--", 0.09)}


def draw(context: Context) -> Figure:
    """A column for each pair of ratios, a row for each test; accuracy against the number of digits."""
    table = context.multicolored_mnist
    ratios = sorted(set(zip(table["p_inv"].astype(float), table["p_spu"].astype(float), strict=True)), reverse=True)
    classes = sorted(set(table["classes"]))
    figure = Figure(figsize=(2.7 * len(ratios), 7.4), layout="constrained")
    axes = figure.subplots(len(_TESTS), len(ratios), sharex=True, sharey=True, squeeze=False)
    for column, (p_inv, p_spu) in enumerate(ratios):
        chosen = table[(table["p_inv"] == p_inv) & (table["p_spu"] == p_spu)]
        for row, test in enumerate(_TESTS):
            axis = axes[row][column]
            _draw_panel(axis, chosen, test, classes)
            if column == 0:
                axis.set_ylabel(f"accuracy (%)\n{_TESTS[test]}", fontsize=9)
        tie = " (a tie)" if p_inv == p_spu else ""
        axes[0][column].set_title(f"label = digit in {p_inv:.0%},\nown colour in {p_spu:.0%}{tie}", fontsize=9.5)
        axes[-1][column].set_xlabel("number of digits")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
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
