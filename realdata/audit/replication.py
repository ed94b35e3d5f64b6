"""The replication's tables: numbers of photos, missing classes, averages and drops.

An accuracy with six decimals is k/n for few n. The smallest n that fits nearly all models of a class and group is the
replication's number of photos, or a divisor of it, if every model's count shares a factor with it. A cell that is not
such a fraction is wrong. Every model of a class-wise table (the paper's too) has every class once, and the
replication's averages are means over its classes.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import COUNT, LARGEST, Key, photo_places
from realdata.audit.printed import CLASS_KEYS, CellPlace, short
from realdata.audit.result_rows import Expectation, check_row, row_places
from workbench.conventions import GROUPS

COMPLETE = "all classes"
AVERAGE = "replication: balanced average"
FRACTION = "replication: whole photos"
MORE = "replication: photo count"
STATEMENTS = {
    COMPLETE: "A model of a class-wise table has every class, once.",
    AVERAGE: "The replication's averages are the means of its class-wise accuracies.",
    FRACTION: "The replication's class-wise accuracies are whole numbers of the photos that its other models saw.",
    MORE: "The replication has at most as many photos of a class and group as the paper prints.",
}
_FILE = "replication_classwise.csv"
_MODELS = 3  # the fewest models
_AGREEING = 0.8  # share of the models that a number of photos must fit
_FEW = 0.9  # below this share of the printed photos there is a note
_NAMED = 3  # classes that a finding names


@dataclasses.dataclass(frozen=True)
class PhotoCount:
    """The number of photos of a class and group, by each source.

    Attributes:
        class_id: the class.
        group: `common` or `counter`.
        printed: the paper's number.
        corrected: the paper's number, corrected if it is wrong; None if it is not known.
        replication: the replication's number, recovered; None if too few models are published.
    """

    class_id: str
    group: str
    printed: int
    corrected: int | None
    replication: int | None


def check_replication_counts(ledger: Ledger, photos: Mapping[Key, int | None]) -> dict[Key, PhotoCount]:
    """Recover the replication's numbers of photos and compare them with the paper's.

    Args:
        ledger: the ledger to write to.
        photos: the paper's numbers, corrected.
    """
    tables = ledger.tables
    ids = {row["imagenet_index"]: row["class_id"] for row in tables.rows["classes.csv"].values()}
    cells: dict[Key, list[CellPlace]] = defaultdict(list)
    for line, row in tables.rows[_FILE].items():
        for group in GROUPS:
            if row[group] != "":
                cells[ids[row["imagenet_index"]], group].append(CellPlace(_FILE, line, group))
    counts = {}
    for key, place in photo_places(tables).items():
        recovered = _recover(ledger, cells[key], photos[key])
        counts[key] = PhotoCount(*key, int(tables.value(place)), photos[key], recovered)
        if recovered is not None:
            ledger.look(MORE, (place,))
            _compare(ledger, place, counts[key])
    return counts


def _recover(ledger: Ledger, cells: list[CellPlace], paper: int | None) -> int | None:
    tables = ledger.tables
    if len(cells) < _MODELS:
        return None
    values = np.array([float(tables.value(place)) for place in cells])
    half = float(tables.unit(cells[0])) / 2 * (1 + 1e-6)
    sizes = np.arange(1, LARGEST + 1)[:, None]
    suits = np.abs(100 * np.round(values * sizes / 100) / sizes - values) <= half
    total = suits.sum(axis=1)
    # The smallest of the best; up to the paper's number if one of those fits, since all have large multiples.
    best = int(total[:paper].argmax())
    if total[best] < _AGREEING * len(values):
        best = int(total.argmax())
    if total[best] < _AGREEING * len(values):
        return None
    photos = int(sizes[best, 0])
    ledger.look(FRACTION, cells)
    for place, fits in zip(cells, suits[best], strict=True):
        if not fits:
            ledger.find(
                place,
                FRACTION,
                "error",
                f"a whole number of {photos} photos",
                f"{photos} photos suit the {total[best]} other models' accuracies, and not this one: an evaluation "
                "that had not ended, or another set of photos.",
                corrected={place: None},
            )
    return photos


def _compare(ledger: Ledger, place: CellPlace, count: PhotoCount) -> None:
    have, paper = count.replication, count.corrected
    if have is None or paper is None or (ledger.has_finding(place) and have <= paper):
        return
    if have > paper:
        ledger.find(
            place,
            MORE,
            "warning",
            str(have),
            f"The replication's fractions are of {have} photos, more than are printed.",
        )
    elif have < _FEW * paper and not ledger.has_finding(place, "note") and ledger.is_confirmed(place, COUNT):
        ledger.find(
            place,
            MORE,
            "note",
            str(have),
            f"The replication's fractions are of {have} photos (or a multiple); the paper's of {paper}, which all its "
            "models' accuracies confirm: the replication lacked some.",
        )


def check_complete(ledger: Ledger) -> set[tuple[str, str]]:
    """Find classes that are missing or occur twice.

    Returns:
        The replication's models without complete class-wise accuracies.
    """
    tables = ledger.tables
    incomplete = set()
    for file, key in CLASS_KEYS.items():
        classes = [row[key] for row in tables.rows["classes.csv"].values()]
        lines: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for line in tables.rows[file]:
            lines[tables.table(file, line), *tables.model(file, line)].append(line)
        for (_, *model), of_model in lines.items():
            found = Counter(tables.rows[file][line][key] for line in of_model)
            empty = [line for line in of_model if "" in (tables.rows[file][line][group] for group in GROUPS)]
            missing = [short(tables.label(key, each)) for each in classes if each not in found]
            twice = [short(tables.label(key, each)) for each, times in found.items() if times > 1]
            if missing or twice or empty:
                if file != "classwise.csv":
                    incomplete.add((model[0], model[1]))
                parts = [_name_classes("lacks", missing), _name_classes("has twice", twice)]
                parts += [f"{len(empty)} classes without an accuracy"] if empty else []
                place = CellPlace(file, (empty or of_model)[0], "common")
                ledger.find(
                    place,
                    COMPLETE,
                    "warning",
                    f"{len(classes)} classes",
                    f"{' '.join(model)} {', '.join(part for part in parts if part)}: its averages are over other "
                    "classes than those of the other models.",
                )
    return incomplete


def _name_classes(words: str, classes: list[str]) -> str:
    if not classes:
        return ""
    more = f" and {len(classes) - _NAMED} more" if len(classes) > _NAMED else ""
    return f"{words} {len(classes)} of the classes ({', '.join(classes[:_NAMED])}{more})"


def check_replication_rows(ledger: Ledger, incomplete: set[tuple[str, str]]) -> None:
    """Check the drop of every row of the replication, and the average of models with complete classes."""
    tables = ledger.tables
    cells: Mapping[tuple[str, str], dict[str, list[CellPlace]]] = defaultdict(lambda: defaultdict(list))
    for line in tables.rows["replication_classwise.csv"]:
        for group in GROUPS:
            setup = tables.rows["replication_classwise.csv"][line]["setup"]
            cells[setup, " ".join(tables.model("replication_classwise.csv", line))][group].append(
                CellPlace("replication_classwise.csv", line, group)
            )
    for line, row in tables.rows["replication_results.csv"].items():
        model = tables.model("replication_results.csv", line)
        places = row_places("replication_results.csv", line)
        expected = {}
        if model not in incomplete and row["family"] == "clip":
            for place in places[:2]:
                found = cells[row["setup"], " ".join(model)][place.column]
                if found and not any(map(ledger.has_finding, found)):
                    expected[place] = [_mean(ledger, found)]
        check_row(ledger, places, expected)


def _mean(ledger: Ledger, cells: list[CellPlace]) -> Expectation:
    tables = ledger.tables
    half = tables.unit(cells[0]) / 2
    mean = sum((tables.value(place) for place in cells), Fraction(0)) / len(cells)
    return Expectation(AVERAGE, (mean - half, mean + half), "The replication's class-wise table")
