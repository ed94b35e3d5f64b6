"""A curation on the terminal: a row for each class, and the answer in words."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from workbench import terminal


def show(content: Mapping[str, Any]) -> None:
    """Print a curation as `curation.json` holds it."""
    console = terminal.output()
    table = Table(
        title="Drop from the most to the least accurate background (points)",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
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
                _p_value(row["p_holm"]),
            ]
        backgrounds = [row[f"{group}_background"] or "" for group in ("common", "counter")]
        table.add_row(row["label"], *backgrounds, *numbers, "yes" if row["kept"] else f"no: {row['why_not']}")
    console.print(table)
    for line in in_words(content):
        console.print(line)
    for note in content["notes"]:
        console.print(f"Note: {note}.", soft_wrap=True)


def in_words(content: Mapping[str, Any]) -> list[str]:
    """The answer, a paragraph each: what is left of the drop, class by class, and what the numbers are."""
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
        answer += (
            f"{of_the_drop(content)}: on photos that did not choose, {corrected['drop']:.1f} "
            f"{_interval(corrected['interval'])} are left ({_interval(corrected['interval_over_classes'])} for other "
            "classes as well)"
        )
        answer += "." if corrected["interval"][0] > 0 else ", which are not shown to be above 0."
        if halves["drop"] is not None:
            answer += (
                f" Split-half, which understates more on average: {halves['drop']:.1f} {_interval(halves['interval'])}."
            )
    if chance["drop"] is not None:
        answer += (
            f" Were no background to matter, the same choice would find {chance['drop']:.1f} points "
            f"(p {_p_value(chance['p_value'], '= ')})."
        )
    shown = sum(row["p_holm"] < 0.05 for row in classes)
    discovered = sum(row["p_fdr"] < 0.05 for row in classes)
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


def of_the_drop(content: Mapping[str, Any]) -> str:
    """How much of the drop is due to the choice, where that is known."""
    chosen = content["from_the_choice"]
    part = "none are" if chosen < 0.05 else "all are" if chosen > content["naive_drop"] else f"{chosen:.1f} are"
    return f"Of a drop of {content['naive_drop']:.1f} points, {part} expected from the choice alone"


def _interval(ends: list[float]) -> str:
    return f"[{ends[0]:.1f}, {ends[1]:.1f}]"


def _p_value(value: float, equals: str = "") -> str:
    return "<0.0001" if value < 0.0001 else f"{equals}{value:.4f}"
