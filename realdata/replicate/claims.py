"""The paper's claims C1 to C5 of the models that were measured again, by the printed numbers and by the new ones.

Both are asked the same questions of the same models, in the paper's main setting (Tables 3 and 4) and without the CLIP
that selected the photos, by the method of the primary tests (`realdata.claims.primary`). The printed numbers are taken
as printed, so that the two differ in the measurement alone. Verdicts are corrected over the questions of each side.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from published.tables import PublishedTables
from realdata.claims.asked_effects import ask_averages
from realdata.claims.c1_drop import ask_drop
from realdata.claims.claim_test import judge
from realdata.claims.primary import SETTING, PrimaryTest, judge_primary
from realdata.claims.settings import Setting, is_selector
from realdata.replicate.config import MAIN
from realdata.replicate.plan import NAMED_BY, printed_name
from workbench.conventions import GROUPS

FEWEST = 5  # models of each family: fewer have no line and no clusters to speak of
_SIDES = ("printed", "measured")
_KEPT = ("effect", "interval", "p_value_holm", "verdict", "models")


def ask_both(comparison: pd.DataFrame, tables: PublishedTables) -> list[dict[str, Any]]:
    """Ask each claim's primary question of the printed and of the measured numbers.

    Args:
        comparison: from `realdata.replicate.comparison.compare`.
        tables: the printed ones.

    Returns:
        For each question `claim`, `question`, `unit`, and under `printed` and `measured` its `effect`, `interval`,
        `p_value_holm`, `verdict` and number of `models`. Empty if fewer than `FEWEST` CLIPs or ImageNet models were
        measured.
    """
    asked = {side: _ask(_rows(comparison, tables, side), tables) for side in _SIDES}
    return [
        {
            "claim": printed.claim,
            "question": printed.question,
            "unit": printed.unit,
            **{
                side: {name: getattr(test, name) for name in _KEPT}
                for side, test in zip(_SIDES, (printed, measured), strict=True)
            },
        }
        for printed, measured in zip(*asked.values(), strict=True)
    ]


def _rows(comparison: pd.DataFrame, tables: PublishedTables, side: str) -> pd.DataFrame:
    """The measured rows of the main tables as `results.csv` has them, with the accuracies of one side."""
    if comparison.empty:
        return tables.results.iloc[:0]
    main = comparison[comparison["table"].isin(MAIN)]
    values = main.pivot(index=["table", "model"], columns="quantity", values=side)
    named = tables.results[["table", *NAMED_BY]].itertuples(index=False)
    keys = [(table, printed_name(*model)) for table, *model in named]
    chosen = [key in values.index for key in keys]
    rows = tables.results[chosen].copy()
    own = values.loc[[key for key, taken in zip(keys, chosen, strict=True) if taken]]
    for group in GROUPS:
        rows[group] = own[group].to_numpy(float)
    return rows


def _ask(rows: pd.DataFrame, tables: PublishedTables) -> Sequence[PrimaryTest]:
    clips, imagenet = (rows[rows["family"] == family] for family in ("clip", "imagenet"))
    clips = clips[~is_selector(clips)]
    if min(len(clips), len(imagenet)) < FEWEST:
        return ()
    setting = Setting("paper", MAIN, **SETTING, clips=clips, imagenet=imagenet)
    found = judge_primary(ask_averages(setting, tables), judge([ask_drop(setting, tables)]), with_checks=False)
    return [each for each in found if each.primary]
