"""Table 8 on coloured digits: every learner in every row, beside the Bayes classifier and the printed accuracies."""

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from paper_figs.context import Context
from sims.colored_digits.figure import NAMES, STYLES
from sims.colored_digits.grid import load_table

_COLUMNS = {"rand": "Rand: any colour", "rev": "Rev: the other's colour in 90%"}
_PRINTED = {"contrastive": "perfect_language", "supervised": "cross_entropy"}


def draw(context: Context) -> Figure:
    """Draw the table that `sims.colored_digits table` saved under a folder of results."""
    content = load_table(context.results / "colored_digits_table")
    rows = content["rows"]
    ratios = sorted({(row["p_inv"], row["p_spu"]) for row in rows}, reverse=True)
    figure = Figure(figsize=(3.3 * len(ratios), 6.6), layout="constrained")
    axes = figure.subplots(len(_COLUMNS), len(ratios), sharex=True, sharey=True, squeeze=False)
    for (line, column), (place, pair) in itertools.product(enumerate(_COLUMNS), enumerate(ratios)):
        axis = axes[line][place]
        chosen = [row for row in rows if (row["p_inv"], row["p_spu"]) == pair]
        _draw_panel(axis, chosen, column, context.multicolored_mnist)
        if line == 0:
            tie = " (a tie)" if pair[0] == pair[1] else ""
            axis.set_title(f"label = digit in {pair[0]:.0%},\nown colour in {pair[1]:.0%}{tie}", fontsize=10)
        else:
            axis.set_xlabel("number of digits")
        if place == 0:
            axis.set_ylabel(f"accuracy on 0 and 1 (%)\n{_COLUMNS[column]}")
    handles: list[Any] = [
        Line2D([], [], color=colour, marker=marker, label=NAMES[name])
        for name, (colour, marker) in STYLES.items()
        if any(cells["objective"] == name for cells in rows[0]["results"])
    ]
    for method, name in _PRINTED.items():
        colour, marker = STYLES[name]
        handles.append(
            Line2D([], [], color=colour, marker=marker, mfc="none", ls=":", label=f"Table 8 ({method}, MNIST)")
        )
    handles.append(Patch(color="0.88", label="Bayes; between its two ways with a tie"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8.5, frameon=False)
    figure.suptitle(
        f"Contrastive and supervised learners on the same coloured digits ({content['digits']}); "
        f"mean ± sd of {content['config']['seeds']} runs"
    )
    return figure


def _draw_panel(axis: Axes, rows: list[Mapping[str, Any]], column: str, printed: pd.DataFrame) -> None:
    classes = [row["classes"] for row in rows]
    bounds = [[row["bayes"][rule][column] for row in rows] for rule in ("by_colour", "by_digit")]
    low, high = ([pick(pair) for pair in zip(*bounds, strict=True)] for pick in (min, max))
    axis.fill_between(classes, [value - 0.7 for value in low], [value + 0.7 for value in high], color="0.88", lw=0)
    for index, cells in enumerate(rows[0]["results"]):
        colour, marker = STYLES[cells["objective"]]
        means = [row["results"][index][f"{column}_mean"] for row in rows]
        spread = [row["results"][index][f"{column}_std"] or 0.0 for row in rows]
        axis.errorbar(classes, means, yerr=spread, color=colour, marker=marker, ms=4.5, lw=1.4, capsize=2)
    printed = printed[(printed.p_inv == rows[0]["p_inv"]) & (printed.p_spu == rows[0]["p_spu"])]
    for method, name in _PRINTED.items():
        colour, marker = STYLES[name]
        part = printed[printed.method == method]
        axis.plot(part.classes, part[f"{column}_mean"], ":", color=colour, marker=marker, mfc="none", ms=6, lw=1)
    axis.set_ylim(0, 100)
    axis.set_xticks(classes)
    axis.grid(alpha=0.25)
