"""The output of a curation and of the selecting model's excess: tables, the answer in words, a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.table import Table

from workbench import terminal
from workbench.conventions import GROUPS, LEVEL
from workbench.palette import BLUE, TEXT_SIZES, VERMILION

_MOST = 5  # classes that are named

_NAIVE, _CORRECTED, _CHANCE = VERMILION, BLUE, "0.8"


def show(content: Mapping[str, Any]) -> None:
    """Print the content of `curation.json`."""
    console = terminal.output()
    table = terminal.narrow_table("Drop from the most to the least accurate background (points)")
    table.add_column("class", max_width=24, no_wrap=True)
    table.add_column("common", max_width=14, no_wrap=True)
    table.add_column("counter", max_width=14, no_wrap=True)
    for heading in ("naive", "corrected [95%]", "chance", "p (Holm)"):
        table.add_column(heading, no_wrap=True, justify="right")
    table.add_column("kept")
    for row in content["classes"]:
        if row["naive_drop"] is None:
            numbers = [""] * 4
        else:
            numbers = [
                f"{row['naive_drop']:.1f}",
                f"{row['corrected_drop']:.1f} [{row['corrected_low']:.1f}, {row['corrected_high']:.1f}]",
                f"{row['chance_drop']:.1f}",
                terminal.p_value(row["p_holm"]),
            ]
        backgrounds = [row[f"{group}_background"] or "" for group in GROUPS]
        table.add_row(row["label"], *backgrounds, *numbers, "yes" if row["kept"] else f"no: {row['why_not']}")
    console.print(table)
    for line in describe(content):
        console.print(line)
    for note in content["notes"]:
        console.print(f"Note: {note}.", soft_wrap=True)


def describe(content: Mapping[str, Any]) -> list[str]:
    """The answer in paragraphs: what remains of the drop, the answer class by class, the meaning of the numbers."""
    classes = [row for row in content["classes"] if row["p_value"] is not None]
    chance, threshold = content["chance"], content["parameters"]["threshold"]
    if content["naive_drop"] is None:
        return [f"No class has two backgrounds that differ by more than {threshold:g} points: nothing is selected."]
    answer = f"{content['classes_kept']} of {len(content['classes'])} classes are kept. "
    if content["corrected"]["drop"] is None:
        answer += (
            f"Their drop is {content['naive_drop']:.1f} points; no part of the photos selects any class, so that it "
            "cannot be corrected."
        )
    else:
        corrected, halves = content["corrected"], content["split_half"]
        over_photos, over_classes, of_halves = (
            ends and terminal.interval(ends, ".1f")
            for ends in (corrected["interval"], corrected["interval_over_classes"], halves["interval"])
        )
        answer += (
            f"{describe_drop(content)}: on photos that did not choose, {corrected['drop']:.1f} "
            f"{over_photos} are left ({over_classes} for other classes as well)"
        )
        answer += "." if corrected["interval"][0] > 0 else ", which are not shown to be above 0."
        if halves["drop"] is not None:
            answer += f" Split-half, which understates more on average: {halves['drop']:.1f} {of_halves}."
    if chance["drop"] is not None:
        answer += (
            f" Were no background to matter, the same choice would find {chance['drop']:.1f} points "
            f"(p {terminal.p_value(chance['p_value'], '= ')})."
        )
    shown = sum(row["p_holm"] < LEVEL for row in classes)
    discovered = sum(row["p_fdr"] < LEVEL for row in classes)
    return [
        answer,
        f"The background matters in {shown} of {len(classes)} classes by the permutation test at 5% after Holm's "
        f"correction, in {discovered} at a false discovery rate of 5% (Benjamini-Hochberg).",
        "Drops of all classes together are means over the kept classes, not over photos.",
        "corrected: four fifths of the photos choose, the rest measure, many times over; four fifths choose a little "
        "worse than all, so that a drop that is real but small is understated. chance: the mean difference of best and "
        "worst background after shuffling them. Intervals: these classes and backgrounds, other photos. A class's own "
        "value does without the threshold; those of the kept classes, which were lucky to be kept, do not average to "
        "the overall drop.",
    ]


def describe_drop(content: Mapping[str, Any]) -> str:
    """How much of the drop is due to the selection, in words."""
    chosen = content["from_the_choice"]
    part = "none are" if chosen < 0.05 else "all are" if chosen > content["naive_drop"] else f"{chosen:.1f} are"
    return f"Of a drop of {content['naive_drop']:.1f} points, {part} expected from the choice alone"


def show_selector(content: Mapping[str, Any]) -> None:
    """Print the result of `realdata.curate.selector_excess`."""
    console = terminal.output()
    name = " ".join(content["selector"].values())
    console.print(f"{name}, which selected the photos: what its own drop owes to that (points)", style="bold")
    rows = content["settings"]
    table = _table(("setting", "others", "common", "drop", "other CLIPs there", "excess [95%]", "p (Holm)", "verdict"))
    for row in rows:
        setting = row["setting"]
        table.add_row(
            f"{' '.join([row['source'], *row['tables']])}: {' '.join(setting.values())}",
            str(row["others"]),
            f"{row['common']:.1f}",
            f"{row['drop']:.1f}",
            f"{row['expected_drop']:.1f}",
            *_judgement(row),
        )
    console.print(table)
    console.print(
        f"{_verdicts(rows, 'settings')}. Its drop is {_range(row['drop'] for row in rows)} points; CLIPs of its common "
        f"accuracy that did not select lose {_range(row['expected_drop'] for row in rows)}. Not measured on its own "
        f"selection, its drop would be smaller by {_range(row['excess'] for row in rows)} points, if it is like them."
    )
    if outside := sum(row["extrapolated"] for row in rows):
        console.print(
            f"Note: in {outside} settings its common accuracy is outside the others', and the line is extended."
        )
    if content["classwise"]:
        console.print()
        console.print("Class by class: its drop minus the others' mean drop", style="bold")
        table = _table(
            ("source, against", "models", "common", "counter", "excess [95%]", "p (Holm)", "verdict", "classes above 0")
        )
        for row in content["classwise"]:
            table.add_row(
                f"{row['source']}: {row['against']}",
                str(len(row["models"])),
                f"{row['common_difference']:+.1f}",
                f"{row['counter_difference']:+.1f}",
                *_judgement(row),
                f"{row['classes_above_0']} of {len(row['classes'])}",
            )
        console.print(table)
        console.print(f"{_verdicts(content['classwise'], 'comparisons')}.")
        for row in content["classwise"]:
            most = ", ".join(f"{each['label'].split(',')[0]} {each['excess']:+.0f}" for each in row["classes"][:_MOST])
            console.print(f"Most, {row['source']}, {row['against']}: {most}.")
    for note in content["notes"]:
        console.print(f"Note, {note}.")
    console.print(
        "Assumed: the other CLIPs are independent draws about their line. CLIPs trained on the same data fail on the "
        "same photos, so that the selection moved their drops too: the excess is a lower bound of what it added to the "
        "drop of CLIPs. Larger backbones and better data lose less of themselves, and some of an excess class by class "
        "is that; the line compares at one accuracy. Intervals: settings, of one more such CLIP; class by class, "
        "bootstrap over classes; uncorrected."
    )


def _table(headings: Sequence[str]) -> Table:
    table = terminal.narrow_table()
    for heading in headings:
        table.add_column(heading, no_wrap="[" in heading)
    return table


def _judgement(row: Mapping[str, Any]) -> tuple[str, str, str]:
    low, high = row["interval"]
    return f"{row['excess']:+.1f} [{low:+.1f}, {high:+.1f}]", terminal.p_value(row["p_holm"]), row["verdict"]


def _verdicts(rows: Sequence[Mapping[str, Any]], what: str) -> str:
    shown = sum(row["verdict"] == "excess shown" for row in rows)
    smaller = sum(row["verdict"] == "smaller than expected" for row in rows)
    answer = f"An excess is shown in {shown} of {len(rows)} {what}"
    return answer + (f", and the opposite in {smaller}" if smaller else "")


def _range(values: Any) -> str:
    ends = sorted(values)
    return f"{ends[0]:.1f} to {ends[-1]:.1f}"


@rc_context(TEXT_SIZES)
def draw(content: Mapping[str, Any]) -> Figure:
    """Draw the content of `curation.json`: a row for each class with two backgrounds."""
    rows = sorted((row for row in content["classes"] if row["naive_drop"] is not None), key=lambda r: r["naive_drop"])
    columns = ("naive_drop", "corrected_drop", "corrected_low", "corrected_high", "chance_drop")
    values = {name: [row[name] for row in rows] for name in columns}
    labels = [terminal.shorten(row["label"]) + ("" if row["kept"] else " (not kept)") for row in rows]
    places = [float(place) for place in range(len(rows))]
    corrected = content["corrected"]
    if content["naive_drop"] is not None and corrected["drop"] is not None and content["chance"]["drop"] is not None:
        overall = (content["naive_drop"], corrected["drop"], *corrected["interval"], content["chance"]["drop"])
        for name, value in zip(columns, overall, strict=True):
            values[name].append(value)
        labels.append("all kept classes")
        places.append(len(rows) + 0.6)
    naive, middle, low, high, chance = (np.array(values[name]) for name in columns)

    figure = Figure(figsize=(8.0, 2.0 + 0.2 * len(places)), layout="constrained")
    axis = figure.subplots()
    axis.barh(places, chance, height=0.8, color=_CHANCE, label="chance alone (backgrounds shuffled)", zorder=1)
    axis.hlines(places, middle, naive, color="0.55", lw=0.8, zorder=2)
    axis.errorbar(
        middle,
        places,
        xerr=np.stack([middle - low, high - middle]),
        fmt="o",
        ms=4.5,
        color=_CORRECTED,
        elinewidth=1.0,
        label="corrected: on photos that did not choose [95%]",
        zorder=3,
    )
    # Open markers, since the two values often coincide.
    axis.plot(naive, places, "D", ms=6.5, mfc="none", mec=_NAIVE, mew=1.3, label="naive: as selected", zorder=4)
    axis.axvline(0.0, color="0.3", lw=0.8)
    axis.set_yticks(places, labels, fontsize=8)
    axis.set_ylim(-0.8, places[-1] + 0.8)
    axis.set_xlabel("drop from the most to the least accurate background (points)")
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    if content["from_the_choice"] is not None:
        figure.suptitle(f"{describe_drop(content)}\n{content['classes_kept']} classes kept", fontsize=10)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure
