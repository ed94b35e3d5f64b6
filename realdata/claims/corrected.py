"""The published tables as the audit corrects them."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from published.tables import PublishedTables, read_classwise
from realdata.audit.finding import Correction


def corrected(frame: pd.DataFrame, file: str, corrections: Iterable[Correction]) -> pd.DataFrame:
    """A table with what is wrong in it replaced, or its row left out where no single correction fits.

    Args:
        frame: as read, its index counting the file's rows from 0.
        file: that it was read from.
        corrections: of all files.
    """
    frame = frame.copy()
    out = set()
    for correction in corrections:
        row = correction.line - 2  # the header is line 1
        if correction.file != file or row not in frame.index:
            continue
        if correction.corrected is None:
            out.add(row)
        else:
            frame.loc[row, correction.column] = float(correction.corrected)
    return frame.drop(index=sorted(out))


def corrected_tables(tables: PublishedTables, corrections: Sequence[Correction]) -> PublishedTables:
    """The averages and photo counts with the audit's corrections."""
    return dataclasses.replace(
        tables,
        results=corrected(tables.results, "results.csv", corrections),
        replication=corrected(tables.replication, "replication_results.csv", corrections),
        classes=corrected(tables.classes, "classes.csv", corrections),
    )


def corrected_classwise(directory: Path, corrections: Sequence[Correction]) -> dict[str, pd.DataFrame]:
    """Accuracies of single classes with the audit's corrections, as `published.tables.read_classwise` gives them."""
    return read_classwise(directory, lambda frame, file: corrected(frame, file, corrections))
