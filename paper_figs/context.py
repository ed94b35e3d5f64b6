"""The data that figures are drawn from."""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from published.directory import DIRECTORY
from workbench.results import as_read_back

if TYPE_CHECKING:  # each property imports what it needs, since a figure of a saved result needs none of it
    import pandas as pd

    from published.tables import PublishedTables
    from realdata.claims.added_models import AddedModel
    from realdata.claims.claim_test import JudgedClaim
    from realdata.claims.power import Detectable
    from realdata.claims.wider_table import Wider
    from realdata.reliance.study import Study


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
    added: "tuple[AddedModel, ...]" = ()

    @functools.cached_property
    def tables(self) -> "PublishedTables":
        """The published averages, and the classes with their photo counts."""
        from published.tables import read_published_tables

        return read_published_tables(self.published)

    @functools.cached_property
    def classwise(self) -> "dict[str, pd.DataFrame]":
        """Published accuracies of single classes, by source."""
        from published.tables import read_classwise

        return read_classwise(self.published)

    @functools.cached_property
    def multicolored_mnist(self) -> "pd.DataFrame":
        """Accuracies of learners of coloured digits (Table 8)."""
        from published.tables import read_multicolored_mnist

        return read_multicolored_mnist(self.published)

    @functools.cached_property
    def colored_coco(self) -> "pd.DataFrame":
        """Accuracies of CLIPs fine-tuned on coloured backgrounds (Table 7)."""
        from published.tables import read_colored_coco

        return read_colored_coco(self.published)

    @functools.cached_property
    def claims(self) -> dict[str, Any]:
        """What `python -m realdata.claims --json` says of these tables."""
        from realdata.claims.evaluate import claims_content, evaluate

        return as_read_back(claims_content(*evaluate(self.published, self.added), wider=self.wider))

    @functools.cached_property
    def power(self) -> "list[Detectable]":
        """How large an effect must be to be seen, with more of what."""
        from realdata.claims.evaluate import read_asked
        from realdata.claims.power import study

        return list(study(read_asked(self.published), draws=500))

    @functools.cached_property
    def wider(self) -> "Wider":
        """What others measured beside these tables: C9, other models, drops without the background."""
        from realdata.claims.wider_table import evaluate_wider

        return evaluate_wider(self.published)

    @property
    def shifts(self) -> "list[JudgedClaim]":
        """C9's judged tests: the CLIPs of these tables on other test sets."""
        return self.wider.shifts

    @functools.cached_property
    def reliance(self) -> "Study":
        """What `python -m realdata.reliance` finds in these tables."""
        from realdata.reliance.curve_tests import read_other_models
        from realdata.reliance.study import study

        return study(self.tables, self.classwise, read_other_models())

    @functools.cached_property
    def selector(self) -> dict[str, Any]:
        """What `python -m realdata.curate --published --json` says of these tables."""
        from realdata.curate.selector_excess import evaluate_selector

        return as_read_back(evaluate_selector(self.published))

    @functools.cached_property
    def audit(self) -> dict[str, Any]:
        """What `python -m realdata.audit --json` says of these tables."""
        from realdata.audit.audit import audit_tables

        return as_read_back(audit_tables(self.published).as_json())

    def added_in(self, setup: str, prompt: str | None = None) -> "tuple[tuple[int, AddedModel], ...]":
        """Added models of a setup, each with its number; with `prompt`, those that read no prompt or this one."""
        return tuple(
            (number, model)
            for number, model in enumerate(self.added, 1)
            if model.setup == setup and (prompt is None or model.prompt in (prompt, "none"))
        )
