"""Averages recomputed from the class-wise tables: over classes (balanced) and over photos (unbalanced).

The class-wise accuracies are counts over numbers of photos, so the averages are known exactly, except how the average
itself was rounded. If a table's averages were cut off, a number less than one more unit away may come from cut class
accuracies, and is a note.
"""

import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from realdata.audit.arithmetic import Interval, evidence, is_cut_off
from realdata.audit.classwise import ClassRow, Option
from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import Key
from realdata.audit.printed import CellPlace
from realdata.audit.result_rows import Expectation
from workbench.conventions import GROUPS

RULES = {"balanced": "balanced average", "unbalanced": "unbalanced average"}
STATEMENTS = {
    RULES["balanced"]: "A class-balanced accuracy is the mean of the model's class-wise accuracies.",
    RULES["unbalanced"]: "An unbalanced accuracy is the mean of the class-wise accuracies weighted by their photos.",
}
_MOST_COMBINATIONS = 4096
_EVERYTHING = 20  # in %: a wider interval does not restrict an average


def expect_averages(
    ledger: Ledger, rows: Sequence[ClassRow], photos: Mapping[Key, int | None]
) -> dict[CellPlace, Expectation]:
    """Recompute the averages, choose among class rows' options with them, and derive the values of results.csv."""
    tables = ledger.tables
    models: dict[tuple[str, str], list[ClassRow]] = {}
    by_table: dict[tuple[tuple[str, str], str], list[ClassRow]] = defaultdict(list)
    for row in rows:
        by_table[row.model, row.table].append(row)
    for (model, _), of_model in by_table.items():
        if len({row.class_id for row in of_model}) == len(tables.rows["classes.csv"]) == len(of_model):
            models.setdefault(model, of_model)
    printed = {
        averaging: [
            (line, tables.model("results.csv", line))
            for line, row in tables.rows["results.csv"].items()
            if (row["setup"], row["prompt"], row["averaging"]) == ("1v1000", "simple", averaging)
            and row["checkpoint"] == "" and tables.model("results.csv", line) in models
        ]
        for averaging in RULES
    }  # fmt: skip
    for (model, _), of_model in by_table.items():
        if len(of_model) == len(tables.rows["classes.csv"]):
            _choose(ledger, of_model, [line for line, each in printed["balanced"] if each == model])
    expected: dict[CellPlace, Expectation] = {}
    for averaging, lines in printed.items():
        exact: dict[CellPlace, tuple[Interval, str]] = {}
        totals = {group: sum(photos[key] or 0 for key in photos if key[1] == group) for group in GROUPS}
        for line, model in lines:
            for group in GROUPS:
                weights = [photos[row.class_id, group] if averaging == "unbalanced" else 1 for row in models[model]]
                if None in weights:
                    continue
                mean = _mean([row.options for row in models[model]], group, [weight or 0 for weight in weights])
                if mean[1] - mean[0] < _EVERYTHING:
                    exact[CellPlace("results.csv", line, group)] = (mean, models[model][0].table)
        said = _with_rounding(ledger, RULES[averaging], exact)
        if averaging == "unbalanced":
            said = {place: _in_photos(each, tables.value(place), totals[place.column]) for place, each in said.items()}
        expected |= said
    return expected


def _in_photos(expectation: Expectation, value: Fraction, photos: int) -> Expectation:
    more = round((value - (expectation.exact[0] + expectation.exact[1]) / 2) * photos / 100)
    detail = f" ({abs(more)} {'more' if more > 0 else 'fewer'} of {photos} photos)"
    return dataclasses.replace(expectation, source=f"{expectation.source} with the numbers of photos", detail=detail)


def _mean(options: Sequence[Sequence[Option]], group: str, weights: Sequence[int]) -> Interval:
    low = sum(
        (weight * min(option.accuracies[group][0] for option in each)
         for weight, each in zip(weights, options, strict=True)), Fraction(0))  # fmt: skip
    high = sum(
        (weight * max(option.accuracies[group][1] for option in each)
         for weight, each in zip(weights, options, strict=True)), Fraction(0))  # fmt: skip
    return low / sum(weights), high / sum(weights)


def _choose(ledger: Ledger, rows: list[ClassRow], lines: list[int]) -> None:
    """Keep those options of inconsistent rows that agree with the printed averages, if any do."""
    doubtful = [row for row in rows if len(row.options) > 1]
    if not doubtful or not lines or math.prod(len(row.options) for row in doubtful) > _MOST_COMBINATIONS:
        return
    tables = ledger.tables
    distances = {}
    for chosen in itertools.product(*(range(len(row.options)) for row in doubtful)):
        picked = dict(zip((row.line for row in doubtful), chosen, strict=True))
        options = [[row.options[picked[row.line]]] if row.line in picked else row.options for row in rows]
        total = Fraction(0)
        for group in GROUPS:
            place = CellPlace("results.csv", lines[0], group)
            low, high = _mean(options, group, [1] * len(rows))
            value = tables.value(place)
            # Two units: the average may have been cut off, and the accuracies in it too.
            total += max(Fraction(0), low - value - 2 * tables.unit(place), value - high - tables.unit(place))
        distances[chosen] = total
    fitting = [chosen for chosen, distance in distances.items() if distance == 0]
    for index, row in enumerate(doubtful):
        if fitting:
            row.options = [row.options[number] for number in sorted({chosen[index] for chosen in fitting})]


def _with_rounding(
    ledger: Ledger, rule: str, exact: Mapping[CellPlace, tuple[Interval, str]]
) -> dict[CellPlace, Expectation]:
    tables = ledger.tables
    ledger.look(rule, exact)
    by_table: dict[str, list[CellPlace]] = defaultdict(list)
    for place in exact:
        by_table[tables.table(place.file, place.line)].append(place)
    expected = {}
    for table, places in by_table.items():
        found = evidence(
            table, f"{rule}s", [(tables.value(place), tables.unit(place), exact[place][0]) for place in places]
        )
        ledger.rounding.append(found)
        for place in places:
            interval, source = exact[place]
            expected[place] = Expectation(rule, interval, f"Table {source}", is_cut_off(found))
    return expected
