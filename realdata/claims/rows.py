"""How a question's answer in one setting becomes a row."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from realdata.claims.claim_test import ClaimTest, ClusteredEffect
from realdata.claims.hypothesis import Estimate, Hypothesis
from realdata.claims.settings import Setting

SINGLE_CLUSTER = (
    "it rests on one or two data sets or backbones, and what else is peculiar to those cannot be told from it"
)
_MODEL = ["backbone", "pretrain", "checkpoint", "common", "counter"]


def model_figures(models: pd.DataFrame, **columns: Sequence[Any]) -> list[dict[str, Any]]:
    """What a row says of each model: its name, its accuracies, and other columns in the same order."""
    found: list[dict[str, Any]] = [
        dict(zip(_MODEL, row, strict=True)) for row in models[_MODEL].itertuples(index=False)
    ]
    for name, values in columns.items():
        for model, value in zip(found, values, strict=True):
            model[name] = value
    return found


def row(
    claim: str,
    question: str,
    setting: Setting,
    hypothesis: Hypothesis,
    naive: Estimate,
    clustered: ClusteredEffect | None,
    models: list[dict[str, Any]],
    notes: Sequence[str] = (),
    undecidable: str = "",
    p_values: tuple[float, float] | None = None,
    with_imagenet: bool = False,
) -> ClaimTest:
    """The row, not yet judged.

    Args:
        claim: a key of `CLAIMS`.
        question: in a few words.
        setting: where it is asked.
        hypothesis: about the effect.
        naive: the estimate.
        clustered: the same with clustered errors, if they can be had.
        models: from `model_figures`.
        notes: what a reader should know.
        undecidable: why no answer can be had, if so.
        p_values: for and against, where they are not those of the estimate, but of each model or class; these decide.
        with_imagenet: whether the setting's ImageNet models were used.
    """
    p_value, p_opposite = hypothesis.p_values(naive) if p_values is None else p_values
    return ClaimTest(
        claim=claim,
        question=question,
        source=setting.source,
        tables=setting.tables if with_imagenet else setting.clip_tables,
        setting=setting.describe() | {"values": setting.values},
        null_hypothesis=hypothesis.null,
        unit=hypothesis.unit,
        effect=naive.effect,
        stderr=naive.stderr,
        interval=naive.interval,
        p_value=p_value,
        p_value_opposite=p_opposite,
        clustered=clustered,
        decides="clustered" if clustered and p_values is None else "naive",
        models=models,
        notes=list(notes),
        undecidable=undecidable,
    )
