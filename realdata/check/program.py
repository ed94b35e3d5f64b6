"""`python -m realdata.check`: a folder of photos checked as `realdata.evaluate` reads it, and for duplicates."""

import argparse
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from realdata.check.check import check_photos
from realdata.photos.class_names import add_class_options, read_class_names, read_mapping
from realdata.photos.decoding import processor_count
from workbench import program, results, terminal
from workbench.conventions import GROUPS

_SHOWN = 10  # of a long list on the terminal; --json has all


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.check",
        "Check a folder of photos in CounterAnimal's layout: classes and groups, the published counts, photos that "
        "cannot be read, unusual kinds of pictures, and duplicates.",
    )
    add = parser.add_argument
    add("--data", type=program.path, required=True, metavar="ROOT", help="folder of class folders, as CounterAnimal's")
    add_class_options(parser)
    add("--workers", type=program.whole_number(0), default=processor_count(), metavar="N", help="processes that decode")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    classes = read_class_names(options.names)
    mapping = read_mapping(options.classes) if options.classes else None
    content = check_photos(options.data, classes, mapping, options.workers)
    if not results.emit_json(content, options.json):
        _show(content)


def _show(content: Mapping[str, Any]) -> None:
    console = terminal.output()
    table = Table(title=f"Photos of {content['data']}", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("class", "", *(f"{group} photos" for group in GROUPS)):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "" else "right")
    for row in content["classes"]:
        table.add_row(str(row["class_index"]), row["label"], *(str(row[f"{group}_photos"]) for group in GROUPS))
    table.add_section()
    table.add_row("", "all", *(str(content["photos"][group]) for group in GROUPS))
    console.print(table)
    kinds = ", ".join(f"{number} {mode}" for mode, number in content["modes"].items())
    console.print(
        f"Pictures: {kinds or 'none'}; turned by their EXIF data, which CLIPs do not heed: "
        f"{len(content['turned_by_exif'])}",
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
