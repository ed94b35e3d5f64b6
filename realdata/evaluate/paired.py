"""Two evaluations of the same photos, with paired intervals.

Of common and counter photos both groups and the drop are compared; of groups of class and attribute each group, the
worst one and the averages.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from realdata.evaluate.predictions import read_predictions
from realdata.photos.folders import DataSet
from realdata.repairs.comparison import compare as compare_answers
from realdata.statistics.bootstrap import comparison, pair
from workbench import results, terminal
from workbench.conventions import GROUPS
from workbench.errors import InputError

_SETTINGS = ("setup", "prompt", "names", "candidates_from", "mask")


def compare(a: Path, b: Path) -> dict[str, Any]:
    """Compare two evaluations, A minus B, on the photos that both have.

    Args:
        a: folder of an evaluation's results, or its predictions.csv.
        b: the same of the other.

    Returns:
        The content for `--json`.

    Raises:
        InputError: predictions cannot be read, or the two have no photo of a group in common.
    """
    places = {"a": a, "b": b}
    tables = {letter: _read(place) for letter, place in places.items()}
    pairs = pair(tables["a"], tables["b"])
    in_groups = not pairs.empty and not set(pairs.group) <= set(GROUPS)
    if missing := () if in_groups else set(GROUPS) - set(pairs.group):
        raise InputError(
            f"{a} and {b} have no {' and no '.join(sorted(missing))} photo in common, by path, class and group"
        )
    summaries = {letter: _summary(place) for letter, place in places.items()}
    return {
        "models": {letter: summaries[letter].get("model", str(place)) for letter, place in places.items()},
        "from": {letter: str(place) for letter, place in places.items()},
        **(_compare_groups(tables, pairs) if in_groups else comparison(pairs)),
        "warnings": [*_left_out_notes(tables, pairs), *_setting_notes(summaries)],
    }


def _read(place: Path) -> pd.DataFrame:
    """Predictions of common and counter photos, or of photos in other groups; not of both."""
    table = read_predictions(place, groups=None)
    known = table.group.isin(GROUPS)
    # Reading again as common and counter photos tells the line that is neither.
    return read_predictions(place) if known.any() and not known.all() else table


def _compare_groups(tables: Mapping[str, pd.DataFrame], pairs: pd.DataFrame) -> dict[str, Any]:
    """A's accuracy minus B's in points, in each group of class and attribute, in the worst one, and on average."""
    a, b = (table[table.path.isin(pairs.path)] for table in tables.values())
    # The weights of groups in the training split stand in no predictions.
    found = compare_answers(b, a, DataSet(Path(), [], []), in_groups=True)
    parts = found["groups"] | {
        "worst group": found["worst_group"],
        "average over photos": found["average"]["by_photos"],
        "average over groups": found["average"]["all_groups_alike"],
    }
    return {
        "differences": {name: part["change"] for name, part in parts.items()},
        "photos": {"only_a_right": found["only_repair_right"], "only_b_right": found["only_plain_right"]}
        | {"photos": len(pairs)},
    }


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


def show(content: Mapping[str, Any]) -> None:
    """Print what `compare` found."""
    console = terminal.output()
    for letter, model in content["models"].items():
        console.print(f"{letter.upper()}: {model} ({content['from'][letter]})", soft_wrap=True, markup=False)
    if "drop" not in content["differences"]:
        _show_groups(content)
        return
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
    _show_notes(content)


def _show_groups(content: Mapping[str, Any]) -> None:
    console = terminal.output()
    table = terminal.table("A minus B, points; paired 95% intervals over photos", ("", "difference", "interval"))
    for name, found in content["differences"].items():
        table.add_row(name, f"{found['value']:+.2f}", terminal.interval(found["interval"], "+.2f"))
    console.print(table)
    photos = content["photos"]
    console.print(
        f"Of {photos['photos']} photos only A is right on {photos['only_a_right']}, only B on {photos['only_b_right']}."
    )
    _show_notes(content)


def _show_notes(content: Mapping[str, Any]) -> None:
    for warning in content["warnings"]:
        terminal.output().print(f"Note: {warning}.", soft_wrap=True)
