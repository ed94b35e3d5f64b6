"""What a check of photos prints."""

from collections.abc import Mapping
from typing import Any

from workbench import terminal
from workbench.conventions import GROUPS

_SHOWN = 10  # lines of a long list on the terminal; --json has all


def show(content: Mapping[str, Any]) -> None:
    """Print the numbers of photos, and lists of what is unusual, as `check_photos` gives them."""
    console = terminal.output()
    title = f"Photos of {content['data']}"
    if content["photos"].keys() == set(GROUPS):
        columns = [f"{group}_photos" for group in GROUPS]
        table = terminal.table(title, ("class", "label", *(column.replace("_", " ") for column in columns)))
        for row in content["classes"]:
            table.add_row(str(row["class_index"]), row["label"], *(str(row[column]) for column in columns))
        table.add_section()
        table.add_row("", "all", *(str(content["photos"][group]) for group in GROUPS))
    else:
        table = terminal.table(title, ("group", "photos"))
        for group, number in content["photos"].items():
            table.add_row(group, str(number))
    console.print(table)
    kinds = ", ".join(f"{number} {mode}" for mode, number in content["modes"].items())
    console.print(
        f"Read: {kinds or 'none'}; cannot be read: {len(content['unreadable'])}; turned by their EXIF data, which "
        f"CLIPs do not heed: {len(content['turned_by_exif'])}",
        soft_wrap=True,
    )
    terminal.print_list("Notes", content["warnings"], _SHOWN)
    terminal.print_list(
        "Cannot be read", [f"{each['path']} ({each['reason']})" for each in content["unreadable"]], _SHOWN
    )
    terminal.print_list(
        "Duplicates",
        [
            f"{each['where']}, {'same file' if each['same_file'] else 'same pixels'}: {', '.join(each['paths'])}"
            for each in content["duplicates"]
        ],
        _SHOWN,
    )
