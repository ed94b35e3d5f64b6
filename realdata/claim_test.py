"""The outcome of putting one claim to the data in one setting."""

import dataclasses
from typing import Any

LEVEL = 0.05
CLAIMS = {
    "C1": "Every CLIP loses accuracy from the common to the counter photos",
    "C2": "At the same common accuracy, models trained on ImageNet lose less than CLIPs",
}


@dataclasses.dataclass(frozen=True)
class ClaimTest:
    """One claim tested in one setting; accuracies in %, effects in points.

    Attributes:
        claim: `C1` or `C2`.
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that were used.
        setting: `setup`, `prompt`, `averaging` and `selector`, in the words of the tables' columns.
        effect: C1: mean drop; C2: mean effective robustness of the CLIPs, negative as claimed.
        stderr: its standard error.
        interval: 95% interval of the effect.
        p_value: of the test, not corrected.
        p_value_corrected: by Holm, over all settings of the claim.
        p_value_opposite: of the opposite (C1: that no CLIP gains accuracy, Bonferroni over the models; C2: the test is
            two-sided), not corrected over settings.
        verdict: `supported`, `not supported` or `inconclusive`.
        models: each CLIP's own figures.
        notes: what a reader should know of this row.
    """

    claim: str
    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    effect: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    p_value_corrected: float
    p_value_opposite: float
    verdict: str
    models: list[dict[str, Any]]
    notes: list[str]
