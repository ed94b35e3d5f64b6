"""The selecting model's excess on the terminal: settings, classes, and the answer in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from workbench import terminal

_MOST = 5  # classes named


def show(content: Mapping[str, Any]) -> None:
    """Print what `realdata.curate.selector_excess` gives."""
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
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap="[" in heading)
    return table


def _judgement(row: Mapping[str, Any]) -> tuple[str, str, str]:
    low, high = row["interval"]
    p_value = "<0.0001" if row["p_holm"] < 0.0001 else f"{row['p_holm']:.4f}"
    return f"{row['excess']:+.1f} [{low:+.1f}, {high:+.1f}]", p_value, row["verdict"]


def _verdicts(rows: Sequence[Mapping[str, Any]], what: str) -> str:
    shown = sum(row["verdict"] == "excess shown" for row in rows)
    smaller = sum(row["verdict"] == "smaller than expected" for row in rows)
    answer = f"An excess is shown in {shown} of {len(rows)} {what}"
    return answer + (f", and the opposite in {smaller}" if smaller else "")


def _range(values: Any) -> str:
    ends = sorted(values)
    return f"{ends[0]:.1f} to {ends[-1]:.1f}"
