"""The data that figures are drawn from."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pandas as pd

from published.directory import DIRECTORY
from published.tables import (
    PublishedTables,
    read_classwise,
    read_colored_coco,
    read_multicolored_mnist,
    read_published_tables,
)
from realdata.audit.audit import audit_tables
from realdata.claims.added_models import AddedModel
from realdata.claims.claim_test import JudgedClaim
from realdata.claims.evaluate import claims_content, evaluate, read_asked
from realdata.claims.power import Detectable, study
from realdata.claims.wider_table import Wider, evaluate_wider
from realdata.curate.selector_excess import evaluate_selector
from realdata.reliance.curve_tests import read_other_models
from realdata.reliance.study import Study
from realdata.reliance.study import study as study_reliance
from workbench.results import as_read_back


@dataclasses.dataclass(frozen=True)
class Context:
    """Saved results, published tables and added models. Tables, and what follows from them, are read once, when used.

    Attributes:
        results: folder of saved results.
        published: folder of the published tables.
        added: models evaluated here, shown beside the published ones.
    """

    results: Path = Path("results")
    published: Path = DIRECTORY
    added: tuple[AddedModel, ...] = ()

    @functools.cached_property
    def tables(self) -> PublishedTables:
        """The published averages, and the classes with their photo counts."""
        return read_published_tables(self.published)

    @functools.cached_property
    def classwise(self) -> dict[str, pd.DataFrame]:
        """Published accuracies of single classes, by source."""
        return read_classwise(self.published)

    @functools.cached_property
    def multicolored_mnist(self) -> pd.DataFrame:
        """Accuracies of learners of coloured digits (Table 8)."""
        return read_multicolored_mnist(self.published)

    @functools.cached_property
    def colored_coco(self) -> pd.DataFrame:
        """Accuracies of CLIPs fine-tuned on coloured backgrounds (Table 7)."""
        return read_colored_coco(self.published)

    @functools.cached_property
    def claims(self) -> dict[str, Any]:
        """What `python -m realdata.claims --json` says of these tables."""
        return as_read_back(claims_content(*evaluate(self.published, self.added), wider=self.wider))

    @functools.cached_property
    def power(self) -> list[Detectable]:
        """How large an effect must be to be seen, with more of what."""
        return list(study(read_asked(self.published), draws=500))

    @functools.cached_property
    def wider(self) -> Wider:
        """What others measured beside these tables: C9, other models, drops without the background."""
        return evaluate_wider(self.published)

    @property
    def shifts(self) -> list[JudgedClaim]:
        """C9's judged tests: the CLIPs of these tables on other test sets."""
        return self.wider.shifts

    @functools.cached_property
    def reliance(self) -> Study:
        """What `python -m realdata.reliance` finds in these tables."""
        return study_reliance(self.tables, self.classwise, read_other_models())

    @functools.cached_property
    def selector(self) -> dict[str, Any]:
        """What `python -m realdata.curate --published --json` says of these tables."""
        return as_read_back(evaluate_selector(self.published))

    @functools.cached_property
    def audit(self) -> dict[str, Any]:
        """What `python -m realdata.audit --json` says of these tables."""
        return as_read_back(audit_tables(self.published).as_json())

    def added_in(self, setup: str, prompt: str | None = None) -> tuple[tuple[int, AddedModel], ...]:
        """Added models of a setup, each with its number; with `prompt`, those that read no prompt or this one."""
        return tuple(
            (number, model)
            for number, model in enumerate(self.added, 1)
            if model.setup == setup and (prompt is None or model.prompt in (prompt, "none"))
        )
