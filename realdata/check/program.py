"""`python -m realdata.check`: a folder of photos checked as `realdata.evaluate` reads it, and for duplicates."""

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from published.tables import read_published_tables
from realdata.check.duplicates import duplicates
from realdata.check.inspection import Inspection, inspect
from realdata.photos.class_names import ClassNames, add_class_options, read_class_names, read_mapping
from realdata.photos.decoding import Decoders, Unreadable, processors
from realdata.photos.folders import GROUPS, Photo, PhotoFolder, differences, find_photos, warnings
from workbench import program, results, terminal

_BATCH = 64
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
    add("--workers", type=program.whole_number(0), default=processors(), metavar="N", help="processes that decode")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    classes = read_class_names(options.names)
    folder = find_photos(options.data, classes, read_mapping(options.classes) if options.classes else None)
    found, unreadable = _inspected(folder.root, folder.photos, options.workers)
    content = _content(folder, classes, found, unreadable)
    if not results.emit_json(content, options.json):
        _show(content)


def _inspected(root: Path, photos: list[Photo], workers: int) -> tuple[dict[str, Inspection], dict[str, str]]:
    found, unreadable = {}, {}
    with Decoders(inspect, min(workers, len(photos))) as decoders, terminal.progress(unit="photos") as display:
        bar = display.add_task("photos", total=len(photos), status="")
        start = 0
        for batch in decoders.batches([root / photo.path for photo in photos], _BATCH):
            for photo, outcome in zip(photos[start : start + len(batch)], batch, strict=True):
                if isinstance(outcome, Unreadable):
                    unreadable[photo.path] = str(outcome)
                else:
                    found[photo.path] = outcome
            start += len(batch)
            display.advance(bar, len(batch))
    return found, unreadable


def _content(
    folder: PhotoFolder, classes: ClassNames, found: Mapping[str, Inspection], unreadable: Mapping[str, str]
) -> dict[str, Any]:
    photos = folder.photos
    counted = Counter((photo.class_index, photo.group) for photo in photos)
    kinds = Counter(each.mode for each in found.values())
    return {
        "data": str(folder.root),
        "photos": {group: sum(photo.group == group for photo in photos) for group in GROUPS},
        "classes": [
            {"class_index": index, "label": classes.names[index]}
            | {f"{group}_photos": counted[index, group] for group in GROUPS}
            for index in sorted({photo.class_index for photo in photos})
        ],
        "modes": dict(kinds.most_common()),
        "turned_by_exif": [path for path, each in found.items() if each.turned],
        "warnings": [
            *folder.notes,
            *warnings(photos, classes),
            *differences(photos, read_published_tables().classes),
        ],
        "unreadable": [{"path": path, "reason": reason} for path, reason in unreadable.items()],
        "duplicates": [each._asdict() for each in duplicates(photos, found)],
    }


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
