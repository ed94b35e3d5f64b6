"""`python -m realdata.compare A B`: two evaluations of the same photos, with paired intervals."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from realdata.evaluate.predictions import read_predictions
from realdata.statistics.bootstrap import comparison, pair
from workbench import program, results, terminal
from workbench.conventions import GROUPS
from workbench.errors import InputError

_SETTINGS = ("setup", "prompt", "names", "candidates_from", "mask")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.compare",
        "The difference of two models on the same photos, A minus B, with paired 95% intervals.",
    )
    for name in ("A", "B"):
        parser.add_argument(
            name.lower(),
            type=program.path,
            metavar=name,
            help="folder of realdata.evaluate's results, or predictions.csv",
        )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_json(options.json)
    places = {"a": options.a, "b": options.b}
    tables = {letter: read_predictions(place) for letter, place in places.items()}
    pairs = pair(tables["a"], tables["b"])
    if missing := set(GROUPS) - set(pairs.group):
        raise InputError(
            f"{options.a} and {options.b} have no {' and no '.join(sorted(missing))} photo in "
            "common, by path, class and group"
        )
    summaries = {letter: _summary(place) for letter, place in places.items()}
    content = {
        "models": {letter: summaries[letter].get("model", str(place)) for letter, place in places.items()},
        "from": {letter: str(place) for letter, place in places.items()},
        **comparison(pairs),
        "warnings": [*_left_out_notes(tables, pairs), *_setting_notes(summaries)],
    }
    if not results.emit_json(content, options.json):
        _show(content)


def _summary(place: Path) -> dict[str, Any]:
    """The summary in the folder of the predictions; empty if there is none."""
    path = (place if place.is_dir() else place.parent) / "summary.json"
    return results.read_json(path, "summary of an evaluation") if path.exists() else {}


def _left_out_notes(tables: Mapping[str, pd.DataFrame], pairs: pd.DataFrame) -> list[str]:
    return [
        f"left out, since the other has no such photo: {len(table) - len(pairs)} photos of {letter.upper()}"
        for letter, table in tables.items()
        if len(table) > len(pairs)
    ]


def _setting_notes(summaries: Mapping[str, dict[str, Any]]) -> list[str]:
    a, b = summaries["a"], summaries["b"]
    return [
        f"the two evaluations differ in {key}: {a[key]!r} and {b[key]!r}"
        for key in _SETTINGS
        if key in a and key in b and a[key] != b[key]
    ]


def _show(content: Mapping[str, Any]) -> None:
    console = terminal.output()
    for letter, model in content["models"].items():
        console.print(f"{letter.upper()}: {model} ({content['from'][letter]})", soft_wrap=True, markup=False)
    table = terminal.table(
        "A minus B, points, mean over classes; paired 95% intervals",
        ("", "difference", "over photos", "over classes too", "only A right", "only B right", "photos"),
    )
    for name, found in content["differences"].items():
        photos = content["photos"].get(name)
        counts = [str(photos[key]) for key in ("only_a_right", "only_b_right", "photos")] if photos else [""] * 3
        table.add_row(
            name,
            f"{found['value']:+.2f}",
            *(terminal.interval(found[key], "+.2f") for key in ("interval", "interval_over_classes")),
            *counts,
        )
    console.print(table)
    for warning in content["warnings"]:
        console.print(f"Note: {warning}.", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
