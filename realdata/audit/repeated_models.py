"""A model of a class-wise table that repeats another model's column."""

import itertools
from collections import defaultdict

from realdata.audit.finding import Ledger
from realdata.audit.printed import GROUPS, Place

REPEATED = "repeated model"
STATEMENT = "Two models of a class-wise table do not share both accuracies in more than half of the classes."
_KEYS = {"classwise.csv": "class_id", "replication_classwise.csv": "imagenet_index"}


def check_repeated_models(ledger: Ledger) -> None:
    """Compare the models of each class-wise table, pair by pair; the later one is taken for the copy."""
    tables = ledger.tables
    for file, key in _KEYS.items():
        models: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
        for line, row in tables.rows[file].items():
            if all(row[group] for group in GROUPS):
                models[tables.table(file, line), *tables.model(file, line)][row[key]] = line
                ledger.look(REPEATED, (Place(file, line, group) for group in GROUPS))
        for (first, lines), (second, others) in itertools.combinations(models.items(), 2):
            shared = lines.keys() & others.keys()
            same = [
                each
                for each in shared
                if all(
                    tables.value(Place(file, lines[each], group)) == tables.value(Place(file, others[each], group))
                    for group in GROUPS
                )
            ]
            if first[0] == second[0] and 2 * len(same) > len(shared):
                copies = [Place(file, others[each], group) for each in same for group in GROUPS]
                ledger.find(
                    Place(file, min(others.values()), GROUPS[0]),
                    REPEATED,
                    "error",
                    "other numbers",
                    f"{' '.join(second[1:])} has both accuracies of {' '.join(first[1:])} in {len(same)} of "
                    f"{len(shared)} classes: a copy.",
                    involved=copies,
                    corrected=dict.fromkeys(copies),
                )
