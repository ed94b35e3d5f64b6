"""An evaluation on the terminal: tables of accuracies, and a sentence for each of the other results."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realdata.evaluate.candidates import IMAGENETS
from realdata.evaluate.predictions import FILE
from realdata.names import ALL, IMAGENET, TWENTY
from workbench import terminal

_SHOWN = 10  # lines of a long list; summary.json has all


def show(content: Mapping[str, Any]) -> None:
    """Print the content of `summary.json`: groups, drop, what else was measured, notes and unreadable photos."""
    console = terminal.output()
    table = terminal.table(
        f"Accuracy (%), {content['setup'].replace('v', ' vs. ')}, mean over classes; 95% intervals",
        ("", "photos", "accuracy", "over photos", "over classes too", "all photos alike"),
    )
    for name, group in content["groups"].items():
        table.add_row(
            name,
            str(group["photos"]),
            f"{group['accuracy']:.2f}",
            terminal.interval(group["interval"]),
            terminal.interval(group["interval_over_classes"]),
            f"{group['accuracy_unbalanced']:.2f}",
        )
    drop = content["drop"]
    table.add_row(
        "drop",
        "",
        f"{drop['value']:.2f}",
        terminal.interval(drop["interval"]),
        terminal.interval(drop["interval_over_classes"]),
        "",
    )
    console.print(table)
    console.print(
        "over photos: these classes, other photos of them; over classes too: other classes as well, which is wider "
        "since classes differ. all photos alike: not averaged class by class."
    )
    for line in _lines(content):
        console.print(line, soft_wrap=True, markup=False)
    show_left_out(content)


_WEIGHTINGS = {
    "by_photos": "average, all photos alike",
    "by_training_groups": "average, groups weighted as in training",
    "all_groups_alike": "average, all groups alike",
}


def show_groups(content: Mapping[str, Any]) -> None:
    """Print the content of `summary.json` where groups are classes with attributes: groups, averages, worst, notes."""
    console = terminal.output()
    table = terminal.table(
        f"Accuracy (%), {content['setup'].replace('v', ' vs. ')}; 95% intervals",
        ("", "photos", "in training", "accuracy", "over photos"),
    )
    for name, group in content["groups"].items():
        training = group["training_photos"]
        counts = str(group["photos"]), "-" if training is None else str(training)
        table.add_row(name, *counts, f"{group['accuracy']:.2f}", terminal.interval(group["interval"]))
    for name, average in content["average"].items():
        if average is not None:
            cells = f"{average['value']:.2f}", terminal.interval(average["interval"])
            table.add_row(_WEIGHTINGS[name], "", "", *cells)
    worst = content["worst_group"]
    cells = f"{worst['accuracy']:.2f}", terminal.interval(worst["interval"])
    table.add_row(f"worst group: {worst['group']}", str(worst["photos"]), "", *cells)
    console.print(table)
    console.print(
        "The worst group's interval is of the least accuracy, whichever group has it: it allows for the choice."
    )
    show_left_out(content)


def show_repairs(content: Mapping[str, Any]) -> None:
    """Print the repairs of `summary.json` beside the plain prompt."""
    console, repairs = terminal.output(), content["repairs"]
    in_groups = "average" in content
    shown = ("average",) if in_groups else ("common", "counter")
    table = terminal.table(
        "Repairs beside the plain prompt: accuracy (%), then its change in points with a paired 95% interval",
        ("", *shown, "worst group", "photos/s"),
    )
    if in_groups:
        plain = [content["average"]["by_photos"]["value"]]
    else:
        plain = [content["groups"][name]["accuracy"] for name in shown]
    cells = [f"{value:.1f}" for value in (*plain, content["worst_group"]["accuracy"])]
    table.add_row("plain", *cells, f"{repairs['photos_a_second']['plain']:.0f}")
    for name, found in repairs["each"].items():
        parts = [found["average"]["by_photos"]] if in_groups else [found["groups"][group] for group in shown]
        cells = []
        for part in (*parts, found["worst_group"]):
            value, change = part["value"] if "value" in part else part["accuracy"], part["change"]
            cells.append(f"{value:.1f} {change['value']:+.1f} {terminal.interval(change['interval'], '.1f')}")
        table.add_row(name, *cells, f"{repairs['photos_a_second'][name]:.0f}")
    console.print(table)
    rate = repairs["photos_a_second"]["embedding"]
    if rate is not None:
        console.print(f"The pass over the photos, which all of them share: {rate:.1f} photos a second.")
    for name, constant in repairs["constants"].items():
        values = constant if isinstance(constant, list) else [constant]
        console.print(f"Constant of {name}: {', '.join(f'{value:g}' for value in values)}", soft_wrap=True)


def show_left_out(content: Mapping[str, Any]) -> None:
    """Print the notes and the photos that could not be read."""
    terminal.print_list("Notes", content["warnings"], _SHOWN)
    unreadable = [f"{each['path']} ({each['reason']})" for each in content["unreadable"]]
    terminal.print_list("Left out, cannot be read", unreadable, _SHOWN)


def _lines(content: Mapping[str, Any]) -> list[str]:
    """The results beside the groups' accuracies, a sentence each."""
    worst, found = content["worst_group"], content["mistakes"]
    lines = [f"Worst group: {worst['label']}, {worst['group']} photos, {worst['accuracy']:.2f}% of {worst['photos']}."]
    if content["setup"] not in (ALL, TWENTY):
        lines.append(f"Candidates: {content['candidates']}, not ImageNet's {IMAGENETS}.")
    if found["with_background"] is not None:
        line = f"On counter photos {found['with_background']:.0f}% of the mistakes name a class that goes with the "
        line += f"photo's background (of {found['judged']}, for which other classes' photos tell; "
        line += f"{found['counter_mistakes']} in all)"
        if found["expected"] is not None:
            line += f", {found['expected']:.0f}% expected by chance (p = {found['p_value']:.2g})"
        lines.append(f"{line}.")
    confused = content["confusion"]
    if confused is not None:
        near, far = (confused[kind]["more_on_counter"] for kind in ("near", "far"))
        lines.append(
            f"Of the drop, {near['value']:.1f} points {terminal.interval(near['interval'], '.1f')} are mistakes for "
            f"near classes (a WordNet group of at most {confused['near_is']} of ImageNet's holds both), "
            f"{far['value']:.1f} {terminal.interval(far['interval'], '.1f')} for far ones."
        )
    robustness, reliance = content["effective_robustness"], content["reliance"]
    if "value" in robustness:
        lines.append(
            f"Effective robustness: {robustness['value']:+.2f} points "
            f"{terminal.interval(robustness['interval'], '+.2f')} against the published ImageNet models."
        )
    if "value" in reliance:
        lines.append(
            f"Index of spurious reliance: {reliance['value']:.3f} {terminal.interval(reliance['interval'], '.3f')} (0: "
            "ignores the background; 1: right on half of the counter photos)."
        )
    for row in content["published"]:
        lines.append(
            f"Published, Table {row['table']}: common {row['common']:.2f}, counter {row['counter']:.2f}, "
            f"drop {row['drop']}, mean over classes."
        )
    return lines


def show_uncurated(content: Mapping[str, Any], out: Path, names: str) -> None:
    """Print how many photos are right, and what to do next.

    Args:
        content: the summary.
        out: the folder with the predictions.
        names: the candidates' names, as `names` of the configuration.
    """
    console = terminal.output()
    console.print(f"{content['accuracy_unbalanced']:.2f}% of {content['photos']} photos are right, all photos alike.")
    show_left_out(content)
    place = out / FILE
    named = "" if names == IMAGENET else f" --names {shlex.quote(names)}"
    following = f"python -m realdata.curate --predictions {shlex.quote(str(place))}{named}"
    console.print(f"Written: {place}. Next: {following}", soft_wrap=True)
