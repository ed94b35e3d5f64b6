"""Printed numbers beside measured ones, with intervals that hold for all of them together.

A measured accuracy is a mean over classes, or over photos, and its error that of photos sampled class by class
(`realdata.claims.added_models.accuracy_error`). A drop's is that of two independent groups. Each interval is normal, at
the level 1 - 0.05 / comparisons (Bonferroni): with 95% probability none of them leaves out what other photos of the
same classes would give on average.

The printed numbers are of the same photos, with the same weights. So a faithful replication differs by a few photos at
most, and lies far inside: outside it, something else was measured. Inside is necessary, and no proof.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from published.directory import DIRECTORY
from realdata.audit.audit import audit_tables
from realdata.claims.added_models import AddedModel, accuracy_error
from realdata.replicate.plan import QUANTITIES, Row
from workbench.conventions import GROUPS, LEVEL

_HALF_DIGIT = 0.005 * (1 + 1e-9)  # the tables print two decimals


class Measured(NamedTuple):
    """A row of a printed table with its model's evaluation."""

    row: Row
    model: AddedModel


def compare(measured: Sequence[Measured], directory: Path = DIRECTORY) -> pd.DataFrame:
    """Compare printed and measured numbers.

    Args:
        measured: the rows whose models have been evaluated.
        directory: of the printed tables.

    Returns:
        Three rows for each of the table's, by `quantity`: `common` and `counter` in %, `drop` in points. `printed`,
        `measured`, the ends `low` and `high` of its simultaneous 95% interval, `difference` (measured minus printed),
        whether the printed number is `inside`, whether the two are `equal` to the last printed digit, and whether the
        audit shows the printed number to be wrong, `printed_is_wrong`.
    """
    wrong = {
        (each.line, each.column)
        for each in audit_tables(directory).findings
        if each.file == "results.csv" and each.severity == "error"
    }
    half = float(norm.isf(LEVEL / (2 * max(1, len(QUANTITIES) * len(measured)))))
    found = []
    for row, model in measured:
        values, errors = _measure(model, row.averaging)
        for quantity in QUANTITIES:
            printed, value, error = row.printed[quantity], values[quantity], half * errors[quantity]
            found.append(
                {
                    "table": row.table,
                    "model": row.name,
                    "family": row.family,
                    "setup": model.setup,
                    "prompt": model.prompt,
                    "averaging": row.averaging,
                    "quantity": quantity,
                    "printed": printed,
                    "measured": value,
                    "low": value - error,
                    "high": value + error,
                    "difference": value - printed,
                    "inside": abs(value - printed) <= error,
                    "equal": abs(value - printed) <= _HALF_DIGIT,
                    "printed_is_wrong": (row.line, quantity) in wrong,
                    "folder": str(model.folder),
                }
            )
    return pd.DataFrame(found)


def _measure(model: AddedModel, averaging: str) -> tuple[dict[str, float], dict[str, float]]:
    """A model's accuracies and drop, and their standard errors."""
    values = dict(zip(GROUPS, model.accuracies[averaging], strict=True))
    errors = {group: accuracy_error(model.classes, group, averaging) for group in GROUPS}
    drop, error = values["common"] - values["counter"], float(np.hypot(errors["common"], errors["counter"]))
    return {**values, "drop": drop}, {**errors, "drop": error}
