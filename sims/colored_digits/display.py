"""A run's accuracies on the terminal and as an image: each learner in each group."""

from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from sims.colored_digits.result import COMPARED
from workbench import terminal
from workbench.palette import BLACK, BLUE, ORANGE, PURPLE, TEXT_SIZES

_HEADINGS = {"rand": "Rand", "rev": "Rev", "rest": "rest"}


def show(content: Mapping[str, Any]) -> None:
    """Print a result as `result.json` holds it: accuracies, what training said was best, and what is equal."""
    console = terminal.output()
    seeds = content["config"]["seeds"]
    over = " of one run" if seeds == 1 else f", mean ± standard deviation over {seeds} runs"
    table = terminal.table(
        f"Accuracy (%){over}, on {content['digits']['source']}",
        ("learner", "objective", *_HEADINGS.values()),
    )
    for row in content["results"]:
        table.add_row(row["learner"], row["objective"], *(_cell(row, column) for column in COMPARED))
    for rule, accuracies in content["bayes"].items():
        cells = ("-" if accuracies[column] is None else f"{accuracies[column]:.1f}" for column in COMPARED)
        table.add_row("Bayes", f"ties {rule.replace('_', ' ')}", *cells)
    console.print(table)
    console.print(
        "Rand, Rev: images of class 0 or 1 with random colours, and with the other's colour in 90%; rest: other "
        "classes. Bayes: reads every digit and knows the training distribution."
    )
    console.print()
    for line in sentences(content["equivalence"]):
        console.print(line)
    for line in content["published"] or ():
        console.print(
            f"Table 8 has {line['published_mean']:.1f} ± {line['published_std']:.1f} for {line['learner']}, "
            f"{_HEADINGS[line['column']]}: {line['difference']:+.1f} points here."
        )


def _cell(row: Mapping[str, Any], column: str) -> str:
    mean, std = row[f"{column}_mean"], row[f"{column}_std"]
    return "-" if mean is None else f"{mean:.1f}" + ("" if std is None else f" ± {std:.1f}")


def sentences(equivalence: Mapping[str, Any]) -> list[str]:
    """Which learners equal the supervised one, in words."""
    told = []
    for name, verdict in equivalence["verdicts"].items():
        parts = [
            f"{_HEADINGS[found['column']]} {found['difference']:+.1f}"
            + ("" if found["interval"] is None else " [{:+.1f}, {:+.1f}]".format(*found["interval"]))
            + f" {found['verdict']}"
            for found in equivalence["comparisons"]
            if found["objective"] == name
        ]
        told.append(f"{name} against supervised: {verdict} ({'; '.join(parts)})")
    if not told:
        return []
    number = len(equivalence["comparisons"])
    return [
        *told,
        f"equal: shown to differ by less than {equivalence['margin']:g} points; different: shown to differ, and not "
        f"equal (each at 5%, corrected for {number} comparisons; intervals are 95%, not corrected).",
    ]


# Okabe and Ito's colours, told apart with every kind of colour vision; learner to colour and marker.
STYLES = {
    "perfect_language": (BLUE, "o"),
    "infonce": (ORANGE, "s"),
    "siglip": (PURPLE, "^"),
    "cross_entropy": (BLACK, "D"),
}
NAMES = {
    "perfect_language": "contrastive, Eq. 10",
    "infonce": "contrastive, text encoder (InfoNCE)",
    "siglip": "contrastive, text encoder (SigLIP)",
    "cross_entropy": "supervised",
}
_GROUPS = {"rand": "Rand", "rev": "Rev", "rest": "rest"}


@rc_context(TEXT_SIZES)
def draw(content: Mapping[str, Any]) -> Figure:
    """Draw a result as `result.json` holds it."""
    rows = content["results"]
    figure = Figure(figsize=(8.0, 1.6 + 0.55 * len(rows)), layout="constrained")
    groups = [group for group in _GROUPS if rows[0][f"{group}_mean"] is not None]
    axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axis, group in zip(axes, groups, strict=True):
        bounds = [content["bayes"][rule][group] for rule in ("by_colour", "by_digit")]
        axis.axvspan(min(bounds), max(bounds), color="0.9", zorder=0)
        for bound in bounds:
            axis.axvline(bound, color="0.6", lw=1, zorder=0)
        for place, row in enumerate(rows):
            colour, marker = STYLES[row["objective"]]
            spread = row[f"{group}_std"] or 0.0
            axis.errorbar(row[f"{group}_mean"], place, xerr=spread, fmt=marker, color=colour, capsize=3)
        axis.set(title=_GROUPS[group], xlim=(-2, 102), xlabel="accuracy (%)")
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(rows)), [NAMES[row["objective"]] for row in rows])
    axes[0].invert_yaxis()
    config = content["config"]
    figure.suptitle(
        f"{config['classes']} digits, label = digit in {config['invariant_ratio']:.0%}, own colour in "
        f"{config['spurious_ratio']:.0%}; mean ± sd of {config['seeds']} runs; grey: Bayes",
        fontsize=9,
    )
    return figure
