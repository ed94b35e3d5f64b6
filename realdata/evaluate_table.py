"""An evaluation on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from workbench import terminal


def show(content: Mapping[str, Any]) -> None:
    """Print the groups, the drop and what could not be read, of a summary as `summary.json` holds it."""
    console = terminal.output()
    table = Table(
        title=f"Accuracy (%), {content['setup'].replace('v', ' of ')}, mean over classes; 95% intervals",
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
            _interval(group["interval"]),
            _interval(group["interval_over_classes"]),
            f"{group['accuracy_unbalanced']:.2f}",
        )
    drop = content["drop"]
    table.add_row(
        "drop", "", f"{drop['value']:.2f}", _interval(drop["interval"]), _interval(drop["interval_over_classes"]), ""
    )
    console.print(table)
    console.print(
        "over photos: these classes, other photos of them; over classes too: other classes as well, which is wider "
        "since classes differ. all photos alike: not averaged class by class."
    )
    for warning in content["warnings"]:
        console.print(f"Note: {warning}.", soft_wrap=True)
    for missing in content["unreadable"]:
        console.print(f"Left out, cannot be read: {missing['path']} ({missing['reason']})", soft_wrap=True)


def _interval(ends: list[float]) -> str:
    return f"[{ends[0]:.2f}, {ends[1]:.2f}]"
