"""Every model of a class-wise table has every class once; the replication's averages are means over its classes."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction

from realdata.audit.averages import Expectation
from realdata.audit.finding import Ledger
from realdata.audit.printed import GROUPS, Place, short
from realdata.audit.result_rows import check_row, row_places

COMPLETE = "all classes"
AVERAGE = "replication: balanced average"
STATEMENTS = {
    COMPLETE: "A model of a class-wise table has every class, once.",
    AVERAGE: "The replication's averages are the means of its class-wise accuracies.",
}
_KEYS = {"classwise.csv": "class_id", "replication_classwise.csv": "imagenet_index"}
_NAMED = 3


def check_complete(ledger: Ledger) -> set[tuple[str, str]]:
    """Look for classes that are missing or given twice.

    Returns:
        The replication's models whose class-wise accuracies are not complete.
    """
    tables = ledger.tables
    incomplete = set()
    for file, key in _KEYS.items():
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
                parts = [_many("lacks", missing), _many("has twice", twice)]
                parts += [f"{len(empty)} classes without an accuracy"] if empty else []
                place = Place(file, (empty or of_model)[0], "common")
                ledger.find(
                    place,
                    COMPLETE,
                    "warning",
                    f"{len(classes)} classes",
                    f"{' '.join(model)} {', '.join(part for part in parts if part)}: its averages are over other "
                    "classes than those of the other models.",
                )
    return incomplete


def _many(words: str, classes: list[str]) -> str:
    if not classes:
        return ""
    more = f" and {len(classes) - _NAMED} more" if len(classes) > _NAMED else ""
    return f"{words} {len(classes)} of the classes ({', '.join(classes[:_NAMED])}{more})"


def check_replication_rows(ledger: Ledger, incomplete: set[tuple[str, str]]) -> None:
    """Check the drop of every row of the replication, and the average of models whose classes are complete."""
    tables = ledger.tables
    cells: Mapping[tuple[str, str], dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for line in tables.rows["replication_classwise.csv"]:
        for group in GROUPS:
            setup = tables.rows["replication_classwise.csv"][line]["setup"]
            cells[setup, " ".join(tables.model("replication_classwise.csv", line))][group].append(
                Place("replication_classwise.csv", line, group)
            )
    for line, row in tables.rows["replication_results.csv"].items():
        model = tables.model("replication_results.csv", line)
        places = row_places("replication_results.csv", line)
        expected = {}
        if model not in incomplete and row["family"] == "clip":
            for place in places[:2]:
                found = cells[row["setup"], " ".join(model)][place.column]
                if found and not any(map(ledger.found, found)):
                    expected[place] = [_mean(ledger, found)]
        check_row(ledger, places, expected)


def _mean(ledger: Ledger, cells: list[Place]) -> Expectation:
    tables = ledger.tables
    half = tables.unit(cells[0]) / 2
    mean = sum((tables.value(place) for place in cells), Fraction(0)) / len(cells)
    return Expectation(AVERAGE, (mean - half, mean + half), "The replication's class-wise table")
