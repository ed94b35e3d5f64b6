"""The paper's totals of photos against the sums over classes."""

from realdata.audit.digits import changes
from realdata.audit.finding import Ledger
from realdata.audit.photo_counts import COUNT, photo_places
from realdata.audit.printed import Place

TOTAL = "total"
STATEMENT = "The printed totals of photos are the sums over the classes."


def check_totals(ledger: Ledger) -> None:
    """Compare the totals with the sums, with the printed numbers of photos and with the corrected ones."""
    tables = ledger.tables
    for line, row in tables.rows.get("totals.csv", {}).items():
        total = Place("totals.csv", line, "photos")
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
            if place not in wrong and not ledger.confirmed(place, COUNT)
            for proposal in changes(tables.text(place), lost=True)
            if proposal.value.isdigit() and int(proposal.value) - int(tables.value(place)) == gap
        ]
        ending = ""
        if slips:
            named = " or ".join(f"{proposal.value} for {tables.words(place)}" for place, proposal in slips)
            ending = f"; {named} in Fig. 3 would make up the difference"
        ledger.find(total, TOTAL, "error", str(corrected), f"The sum over the classes is {corrected}{ending}.")
