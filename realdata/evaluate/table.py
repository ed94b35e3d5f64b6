"""An evaluation on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from realdata.evaluate.candidates import ALL, IMAGENETS, TWENTY
from workbench import terminal

_SHOWN = 10  # of a long list; summary.json has all


def show(content: Mapping[str, Any]) -> None:
    """Print the groups, the drop and what could not be read, of a summary as `summary.json` holds it."""
    console = terminal.output()
    table = Table(
        title=f"Accuracy (%), {content['setup'].replace('v', ' vs. ')}, mean over classes; 95% intervals",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for heading in ("", "photos", "accuracy", "over photos", "over classes too", "all photos alike"):
        table.add_column(heading, no_wrap=True)
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


def show_left_out(content: Mapping[str, Any]) -> None:
    """Print what a person should know, and what could not be read."""
    terminal.print_list("Notes", content["warnings"], _SHOWN)
    unreadable = [f"{each['path']} ({each['reason']})" for each in content["unreadable"]]
    terminal.print_list("Left out, cannot be read", unreadable, _SHOWN)


def _lines(content: Mapping[str, Any]) -> list[str]:
    """What there is to say beside the groups."""
    worst, found = content["worst_group"], content["mistakes"]
    lines = [f"Worst group: {worst['label']}, {worst['group']} photos, {worst['accuracy']:.2f}% of {worst['photos']}."]
    if content["setup"] not in (ALL, TWENTY):
        lines.append(f"Candidates: {content['candidates']}, not ImageNet's {IMAGENETS}.")
    if found["with_background"] is not None:
        line = f"Mistakes on counter photos that go with the background: {found['with_background']:.0f}%"
        line += f" of the {found['judged']} of {found['counter_mistakes']} that other classes' photos can judge"
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
