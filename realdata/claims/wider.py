"""What others measured, beside the paper's claims: other test sets (C9), other models, photos without background."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

from published.tables import DIRECTORY, read_others, read_published_tables
from realdata.claims.c9_shifts import evaluate_shifts, read_shifts
from realdata.claims.claim_test import JudgedClaim
from realdata.claims.masked_drop import MaskedDrop, masked_drops
from realdata.claims.other_models import OtherFamily, place_others


class Wider(NamedTuple):
    """What others measured.

    Attributes:
        shifts: C9's judged tests.
        others: other models on CounterAnimal.
        masked: drops with and without the background.
    """

    shifts: list[JudgedClaim]
    others: list[OtherFamily]
    masked: list[MaskedDrop]

    def as_json(self) -> dict[str, Any]:
        """What `--json` gives of it."""
        return {
            "other_shifts": [dataclasses.asdict(test) for test in self.shifts],
            "other_models": [dataclasses.asdict(family) for family in self.others],
            "masked_drops": [dataclasses.asdict(model) for model in self.masked],
        }


def evaluate_wider(directory: Path = DIRECTORY) -> Wider:
    """Ask C9, place other models, and compare drops with and without the background.

    Args:
        directory: of the paper's tables; others' are read from the package.

    Raises:
        InputError: a table cannot be read, or there is no line through a baseline's models.
    """
    tables = read_published_tables(directory)
    return Wider(
        evaluate_shifts(read_shifts(tables)),
        place_others(tables),
        masked_drops(tables, read_others("occam_counteranimal.csv")),
    )
