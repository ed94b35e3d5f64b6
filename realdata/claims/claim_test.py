"""The test of a claim in one setting, and the verdicts of all tests together.

Verdicts are corrected for the number of questions on the whole page. Benjamini and Hochberg's correction runs over all
tests of all claims: at most 5% of the verdicts that are not `inconclusive` are expected to be wrong. It stays valid for
positively dependent tests, such as the same question in several settings. Holm's correction, with a 5% chance of even
one wrong verdict, is given beside it. It counts each setting anew, so that a question in more settings is harder to
answer.

A test enters with the smaller of its p-values for the claim and for the opposite. Both are two-sided, so that the two
together are wrong no more often than one p-value says.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from realdata.claims.hypothesis import ClusteredEffect, Effect, Hypothesis
from realdata.claims.settings import Setting
from realdata.statistics.holm import holm
from workbench.conventions import GROUPS, LEVEL

CLAIMS = {
    "C1": "Every CLIP loses accuracy from the common to the counter photos",
    "C2": "At the same common accuracy, models trained on ImageNet lose less than CLIPs",
    "C3": "Larger backbones lose less",
    "C4": "More pre-training data alone does not help",
    "C5": "Better filtered pre-training data helps",
    "C6": "Language models that see through a CLIP's tower still lose accuracy",
    "C8": "CLIP training grants no robustness over supervised training on the same images",
    "C9": "CLIPs are robust on test sets made to break ImageNet models, and not on CounterAnimal",
}
SINGLE_CLUSTER = (
    "it rests on one or two data sets or backbones, and what else is peculiar to those cannot be told from it"
)
_MODEL = ["backbone", "pretrain", "checkpoint", *GROUPS]
SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"


@dataclasses.dataclass(frozen=True)
class ClaimTest:
    """One question about one claim in one setting, without a verdict yet; accuracies in %.

    Attributes:
        claim: a key of `CLAIMS`.
        question: the question in a few words.
        source: `paper`, `replication` or `added`.
        tables: numbers of the paper's tables that were used.
        setting: `setup`, `prompt`, `averaging`, `selector` and `values`, in the words of the tables' columns.
        null_hypothesis: the hypothesis that a supported claim rejects.
        unit: unit of the effect.
        effect: the effect, in that unit.
        stderr: its naive standard error.
        interval: its naive 95% interval.
        p_value: naive p-value of the null hypothesis, two-sided: 0.05 if the interval ends at the hypothesis' bound.
        p_value_opposite: naive p-value of the opposite's null hypothesis.
        clustered: the effect with clustered errors; None if there are none, and `undecidable` says why.
        decides: `naive` or `clustered`, the p-value of the verdict; naive if each model is tested by itself.
        models: each model's own figures.
        notes: notes for the reader.
        undecidable: why there is no answer, whatever the p-value; empty if there can be one.
    """

    claim: str
    question: str
    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    null_hypothesis: str
    unit: str
    effect: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    p_value_opposite: float
    clustered: ClusteredEffect | None
    decides: str
    models: list[dict[str, Any]]
    notes: list[str]
    undecidable: str


@dataclasses.dataclass(frozen=True)
class JudgedClaim(ClaimTest):
    """A test with its verdict, which is corrected together with other tests.

    Attributes:
        p_value_deciding: the verdict's p-value: the smaller of those of the claim and of its opposite, with the errors
            that decide; 1 if there is no answer.
        p_value_corrected: this p-value, corrected over all tests together (Benjamini and Hochberg).
        p_value_holm: this p-value with Holm's correction, which is stricter.
        verdict: `supported`, `not supported` or `inconclusive`.
        verdict_naive: the verdict if all tests used their naive p-values.
    """

    p_value_deciding: float
    p_value_corrected: float
    p_value_holm: float
    verdict: str
    verdict_naive: str


def model_figures(models: pd.DataFrame, **columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Each model's figures: its name, its accuracies, and other columns in the same order."""
    rows = zip(*(models[name].tolist() for name in _MODEL), strict=True)
    found: list[dict[str, Any]] = [dict(zip(_MODEL, row, strict=True)) for row in rows]
    for name, values in columns.items():
        for model, value in zip(found, values, strict=True):
            model[name] = value
    return found


def record_test(
    claim: str,
    question: str,
    setting: Setting,
    hypothesis: Hypothesis,
    naive: Effect,
    clustered: ClusteredEffect | None,
    models: list[dict[str, Any]],
    notes: Sequence[str] = (),
    undecidable: str = "",
    p_values: tuple[float, float] | None = None,
    with_imagenet: bool = False,
) -> ClaimTest:
    """Make the test of a question in one setting, without a verdict yet.

    Args:
        claim: a key of `CLAIMS`.
        question: the question in a few words.
        setting: the setting.
        hypothesis: the hypothesis about the effect.
        naive: the effect with its naive error.
        clustered: the effect with clustered errors, if there are any.
        models: the result of `model_figures`.
        notes: notes for the reader.
        undecidable: why there is no answer, if so.
        p_values: p-values for and against the claim, if they come from single models or classes; then these decide.
        with_imagenet: whether the setting's ImageNet models were used.
    """
    return ClaimTest(
        claim=claim,
        question=question,
        source=setting.source,
        tables=setting.tables if with_imagenet else setting.clip_tables,
        setting=setting.describe() | {"values": setting.values},
        **effect_fields(hypothesis, naive, clustered, p_values),
        models=models,
        notes=list(notes),
        undecidable=undecidable,
    )


def effect_fields(
    hypothesis: Hypothesis,
    naive: Effect,
    clustered: ClusteredEffect | None,
    p_values: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The fields of a `ClaimTest` about the effect and the errors that decide; arguments as in `record_test`."""
    p_value, p_opposite = hypothesis.p_values(naive) if p_values is None else p_values
    return {
        "null_hypothesis": hypothesis.null,
        "unit": hypothesis.unit,
        "effect": naive.effect,
        "stderr": naive.stderr,
        "interval": naive.interval,
        "p_value": p_value,
        "p_value_opposite": p_opposite,
        "clustered": clustered,
        "decides": "clustered" if clustered and p_values is None else "naive",
    }


def judge(tests: Sequence[ClaimTest]) -> list[JudgedClaim]:
    """Correct the p-values over all tests, and add the verdicts; the order stays."""
    if not tests:
        return []
    deciding = np.array([_deciding(test) for test in tests])
    naive = np.array([(1.0, 1.0) if test.undecidable else (test.p_value, test.p_value_opposite) for test in tests])
    by_holm = holm(deciding.min(axis=1))
    corrected, verdicts = _verdicts(deciding)
    _, verdicts_naive = _verdicts(naive)
    return [
        JudgedClaim(
            **vars(test),
            p_value_deciding=float(deciding[index].min()),
            p_value_corrected=float(corrected[index]),
            p_value_holm=by_holm[index],
            verdict=verdicts[index],
            verdict_naive=verdicts_naive[index],
        )
        for index, test in enumerate(tests)
    ]


def _deciding(test: ClaimTest) -> tuple[float, float]:
    if test.undecidable:
        return 1.0, 1.0
    if test.decides == "clustered" and test.clustered is not None:
        return test.clustered.p_value, test.clustered.p_value_opposite
    return test.p_value, test.p_value_opposite


def _verdicts(p_values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Corrected p-values, shape (tests,), and verdicts, from the p-values of claim and opposite, shape (tests, 2)."""
    smaller = p_values.min(axis=1)
    rejected, corrected = multipletests(smaller, alpha=LEVEL, method="fdr_bh")[:2]
    cut = float(smaller[rejected].max(initial=-1.0))
    return corrected, [
        SUPPORTED if claim <= cut else NOT_SUPPORTED if opposite <= cut else INCONCLUSIVE
        for claim, opposite in p_values
    ]
