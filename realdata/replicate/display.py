"""A replication on the terminal: a line for each model as it goes, then the comparison and the claims."""

from typing import Any

import pandas as pd
from rich.table import Table

from realdata.claims.primary_table import WORDS
from realdata.replicate.plan import QUANTITIES
from realdata.replicate.result import Replication
from realdata.replicate.run import Step
from workbench import terminal

_EXPLAINED = (
    "measured ± 95% over photos, for all numbers together (Bonferroni). inside: the printed number is; equal: to the "
    "last digit; !: by the audit, the printed number cannot be true. The photos and the weights are those of the "
    "paper, so that a faithful replication lies far inside."
)


def show_step(step: Step) -> None:
    """Print what became of one evaluation: its numbers in its first table, in brackets the printed ones."""
    console, row = terminal.output(), step.rows[0]
    begin = f"{step.number:>3}/{step.total} {row.name}, Table {row.table}"
    if step.model is None:
        console.print(f"{begin}: not evaluated: {step.reason}", soft_wrap=True, markup=False)
        return
    common, counter = step.model.accuracies[row.averaging]
    values = zip(QUANTITIES, (common, counter, common - counter), strict=True)
    numbers = ", ".join(f"{name} {value:.2f} ({row.printed[name]:.2f})" for name, value in values)
    console.print(f"{begin}: {numbers}{', made before' if step.earlier else ''}", soft_wrap=True, markup=False)


def show(found: Replication) -> None:
    """Print the comparison, the claims, and what could not be evaluated."""
    console = terminal.output()
    if len(found.comparison):
        console.print(_table(found.comparison))
        console.print(_EXPLAINED)
        for name, count in found.counts().items():
            console.print(f"{name}: {count['inside']} of {count['numbers']} inside, {count['equal']} equal")
    if found.claims:
        console.print(_claims_table(found.claims))
    failures = [f"{each.model}: {each.reason}" for each in found.failures]
    terminal.print_list("Not evaluated", failures, len(failures))


def _table(comparison: pd.DataFrame) -> Table:
    table = terminal.narrow_table("Printed, and measured again")
    for heading in ("", "model", *(word for name in QUANTITIES for word in (name, "measured")), "inside"):
        table.add_column(heading, no_wrap=True)
    for (number, model), rows in comparison.groupby(["table", "model"], sort=False):
        own = rows.set_index("quantity")
        cells = []
        for name in QUANTITIES:
            row = own.loc[name]
            cells.append(f"{row['printed']:.2f}" + ("!" if row["printed_is_wrong"] else ""))
            cells.append(f"{row['measured']:.2f} ±{row['high'] - row['measured']:.1f}")
        outside = [name for name in QUANTITIES if not own.loc[name, "inside"]]
        word = f"not {', '.join(outside)}" if outside else "equal" if own["equal"].all() else "yes"
        table.add_row(str(number), terminal.shorten(str(model), 26), *cells, word)
    return table


def _claims_table(claims: list[dict[str, Any]]) -> Table:
    title = "The claims by the printed numbers and by the measured ones, of the same models (points, 95%)"
    table = terminal.narrow_table(title)
    for heading in ("", "claim", "n", "printed", "answer", "measured", "answer"):
        table.add_column(heading, no_wrap=True)
    for each in claims:
        cells = []
        for side in ("printed", "measured"):
            found = each[side]
            cells += [f"{found['effect']:+.1f} {terminal.interval(found['interval'], '.1f')}", found["verdict"]]
        words = WORDS.get((each["claim"], each["question"]), each["question"])
        table.add_row(each["claim"], words, str(each["printed"]["models"]), *cells)
    return table
