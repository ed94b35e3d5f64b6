"""The paper's numbers of photos: against the class-wise accuracies, and against the printed totals.

A class-wise accuracy is k/n, where n is the number of photos of the class and group in Fig. 3. A single accuracy that
is not k/n is wrong. If n fits no model, or few, and another number of photos fits all, the number of photos is wrong. A
number is proposed if it is the only one that a small mistake, such as a lost or an added digit, turns into the printed
one. The totals are the sums over the classes.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from realdata.audit.arithmetic import Evidence, changes
from realdata.audit.finding import Ledger
from realdata.audit.printed import CellPlace, PrintedTables
from workbench.conventions import GROUPS

COUNT = "photo count"
SHARE = "whole photos"
STATEMENTS = {
    SHARE: "A class-wise accuracy is a whole number of photos out of the number printed for its class and group.",
    COUNT: "The printed number of photos of a class and group suits the accuracies of the models; if it suits at most "
    "half of them, and another suits them all, it is wrong.",
}
TOTAL = "total"
TOTAL_STATEMENT = "The printed totals of photos are the sums over the classes."
LARGEST = 2000  # the largest number of photos of a class that is tried
_MODELS = 3  # the fewest models that must agree on another number of photos

Key = tuple[str, str]  # class_id and group


def share(value: Fraction, unit: Fraction, photos: int) -> Fraction | None:
    """The k/n in % that is printed as `value`, if there is one; the nearest one, if n is so large that there are more.

    Args:
        value: the printed number, a multiple of the unit.
        unit: one unit of its last decimal.
        photos: n.
    """
    # In whole numbers, since this runs for every number of photos: |100 k / n - value| <= unit / 2.
    scale = unit.denominator
    units = value.numerator * scale // value.denominator
    correct = round(units * photos / (100 * scale))
    fits = abs(200 * scale * correct - 2 * units * photos) <= photos and 0 <= correct <= photos
    return Fraction(100 * correct, photos) if fits else None


def suitable_counts(values: Iterable[tuple[Fraction, Fraction]], largest: int = LARGEST) -> list[int]:
    """All numbers of photos up to `largest` that fit every value (given with its unit)."""
    left = list(range(1, largest + 1))
    for value, unit in values:
        left = [photos for photos in left if share(value, unit, photos) is not None]
    return left


def photo_places(tables: PrintedTables) -> dict[Key, CellPlace]:
    """The cell of each class's printed number of photos, by class and group."""
    return {
        (row["class_id"], group): CellPlace("classes.csv", line, f"{group}_photos")
        for line, row in tables.rows["classes.csv"].items()
        for group in GROUPS
    }


def check_photo_counts(ledger: Ledger) -> dict[Key, int | None]:
    """Compare the numbers of photos with the class-wise accuracies.

    Returns:
        The number of photos of each class and group, corrected if it is wrong; None if no number fits.
    """
    tables = ledger.tables
    cells: dict[Key, dict[tuple[str, str], CellPlace]] = defaultdict(dict)
    for line, row in tables.rows["classwise.csv"].items():
        for group in GROUPS:
            # A model in two tables is one measurement.
            cells[row["class_id"], group].setdefault(
                tables.model("classwise.csv", line), CellPlace("classwise.csv", line, group)
            )
    photos: dict[Key, int | None] = {}
    for key, place in photo_places(tables).items():
        photos[key] = _check(ledger, place, list(cells[key].values()))
    _keep_evidence(ledger, photos)
    return photos


def _check(ledger: Ledger, place: CellPlace, cells: list[CellPlace]) -> int | None:
    tables = ledger.tables
    printed = int(tables.value(place))
    accuracies = [(tables.value(cell), tables.unit(cell)) for cell in cells]
    if not accuracies:
        return printed
    ledger.look(COUNT, (place,))
    suited = sum(share(*accuracy, printed) is not None for accuracy in accuracies)
    if 2 * suited > len(accuracies) or len(accuracies) < _MODELS:
        return printed
    suiting = suitable_counts(accuracies)
    if not suiting:
        return printed
    proposals = [
        proposal
        for proposal in changes(tables.text(place), lost=True)
        if proposal.value.isdigit() and int(proposal.value) in suiting
    ]
    # If a number fits, its multiples fit too; they are not separate possibilities.
    values = sorted(int(proposal.value) for proposal in proposals)
    proposals = [each for each in proposals if not any(int(each.value) % less == 0 for less in values
                 if less < int(each.value))]  # fmt: skip
    found = [int(proposal.value) for proposal in proposals]
    photos = found[0] if len(found) == 1 else (suiting[0] if not found else None)
    several = f"; {len(proposals)} small mistakes would lead to one that does" if len(proposals) > 1 else ""
    ledger.find(
        place,
        COUNT,
        "error",
        " or ".join(map(str, found or suiting[:1])),
        f"{printed} photos suit {suited} of the {len(accuracies)} models' accuracies, {(found or suiting)[0]} all of "
        f"them{_multiples(suiting)}{several}.",
        proposals[0] if len(proposals) == 1 else None,
        corrected={place: None if photos is None else str(photos)},
    )
    return photos


def _multiples(suiting: list[int]) -> str:
    if len(suiting) == 1:
        return " and no other number does"
    if all(photos % suiting[0] == 0 for photos in suiting):
        return " (and its multiples)"
    return f" (and {len(suiting) - 1} others up to {LARGEST})"


def _keep_evidence(ledger: Ledger, photos: Mapping[Key, int | None]) -> None:
    tables = ledger.tables
    ways: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for line, row in tables.rows["classwise.csv"].items():
        for group in GROUPS:
            count = photos[row["class_id"], group]
            place = CellPlace("classwise.csv", line, group)
            if count is not None:
                value, unit = tables.value(place), tables.unit(place)
                above = Fraction(100 * math.ceil(value * count / 100), count)
                ways[row["table"]].append((share(value, unit, count) is not None, above < value + unit))
    for table, found in ways.items():
        rounds, cuts = (sum(way) for way in zip(*found, strict=True))
        ledger.rounding.append(Evidence(table, "class-wise accuracies", 2, len(found), rounds, cuts))


def check_totals(ledger: Ledger) -> None:
    """Compare the totals with the sums of the printed and of the corrected numbers of photos."""
    tables = ledger.tables
    for line, row in tables.rows.get("totals.csv", {}).items():
        total = CellPlace("totals.csv", line, "photos")
        cells = [place for (_, group), place in photo_places(tables).items() if group == row["group"]]
        ledger.look(TOTAL, (total, *cells))
        printed = sum(int(tables.value(place)) for place in cells)
        corrected = sum(int(ledger.corrections.get(place) or tables.value(place)) for place in cells)
        given = int(tables.value(total))
        wrong = [place for place in cells if place in ledger.corrections]
        if corrected == given:
            continue
        if printed == given:
            names = ", ".join(f"{tables.words(place)} ({tables.text(place)})" for place in wrong)
            ledger.find(
                total,
                TOTAL,
                "error",
                str(corrected),
                f"The sum over the classes as printed; it was taken with the wrong number of photos of {names}.",
            )
            continue
        gap = given - corrected
        slips = [
            (place, proposal)
            for place in cells
            if place not in wrong and not ledger.is_confirmed(place, COUNT)
            for proposal in changes(tables.text(place), lost=True)
            if proposal.value.isdigit() and int(proposal.value) - int(tables.value(place)) == gap
        ]
        ending = ""
        if slips:
            named = " or ".join(f"{proposal.value} for {tables.words(place)}" for place, proposal in slips)
            ending = f"; {named} in Fig. 3 would make up the difference"
        ledger.find(total, TOTAL, "error", str(corrected), f"The sum over the classes is {corrected}{ending}.")
