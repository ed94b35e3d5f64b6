"""The outcome of putting one claim to the data in one setting."""

import dataclasses
from typing import Any

LEVEL = 0.05
CLAIMS = {
    "C1": "Every CLIP loses accuracy from the common to the counter photos",
    "C2": "At the same common accuracy, models trained on ImageNet lose less than CLIPs",
    "C3": "Larger backbones lose less",
    "C4": "More pre-training data alone does not help",
    "C5": "Better filtered pre-training data helps",
    "C6": "Language models that see through a CLIP's tower still lose accuracy",
    "C8": "CLIP training grants no robustness over supervised training on the same images",
}


@dataclasses.dataclass(frozen=True)
class ClusteredEffect:
    """The same effect where models that share data, or an architecture, are not independent draws.

    Attributes:
        method: what the clusters are.
        clusters: how many there are.
        stderr: of the effect.
        interval: 95%, by Student's t with the clusters' degrees of freedom.
        p_value: that the claim is not so, two-sided.
        p_value_opposite: that the opposite is not so, two-sided.
    """

    method: str
    clusters: int
    stderr: float
    interval: tuple[float, float]
    p_value: float
    p_value_opposite: float


@dataclasses.dataclass(frozen=True)
class ClaimTest:
    """One question about one claim in one setting; accuracies in %.

    Attributes:
        claim: a key of `CLAIMS`.
        question: what is asked, in a few words.
        source: `paper`, `replication` or `added`.
        tables: numbers of the paper's tables that were used.
        setting: `setup`, `prompt`, `averaging`, `selector` and `values`, in the words of the tables' columns.
        null_hypothesis: what a supported claim has rejected.
        unit: of the effect.
        effect: in that unit.
        stderr: its naive standard error.
        interval: its naive 95% interval.
        p_value: naive, of the null hypothesis, two-sided, so that 0.05 is where the interval ends there.
        p_value_opposite: naive, of the opposite's null hypothesis.
        clustered: the same with clustered errors; None where none can be had, `undecidable` then says why.
        decides: `naive` or `clustered`: whose p-value the verdict takes; naive where each model is tested on its own.
        models: each model's own figures.
        notes: what a reader should know of this row.
        undecidable: why no answer can be had, whatever the p-value; empty where one can.
        p_value_deciding: what the verdict takes: of the claim or of its opposite, whichever is smaller, with the errors
            that decide; 1 where nothing can be decided.
        p_value_corrected: the same corrected over all rows that are judged together (see `realdata.claims.judge`).
        p_value_holm: the same by Holm's correction, which is stricter.
        verdict: `supported`, `not supported` or `inconclusive`.
        verdict_naive: what it would be with the naive p-values in all rows.
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
    undecidable: str = ""
    p_value_deciding: float = 1.0
    p_value_corrected: float = 1.0
    p_value_holm: float = 1.0
    verdict: str = ""
    verdict_naive: str = ""
