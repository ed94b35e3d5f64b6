"""The outcome of reading one family's accuracies as the theory does, and of comparing two families."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class RelianceTest:
    """The models of one family in one setting, against one line through the origin of probit axes.

    Attributes:
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that hold the models.
        setting: `setup`, `prompt`, `averaging` and `selector`, in the words of the tables' columns; prompt and selector
            are `none` for ImageNet models, which have neither.
        family: `clip` or `imagenet`.
        slope: k of the line through the origin.
        reliance: tau, the family's index of spurious reliance.
        stderr: its standard error.
        interval: its 95% interval.
        intercept: of the line that may miss the origin, in probits of the counter photos.
        intercept_p_value: of the test that it is 0, not corrected.
        chi_square: of the models' distances from the line through the origin.
        chi_square_p_value: of the test that there is one reliance, not corrected.
        verdict: `rejected` or `not rejected`; empty before the correction for multiple comparisons.
        reasons: what was rejected.
        models: each model's own index.
        left_out: how many models have no index.
        sentence: what was found, in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    family: str
    slope: float
    reliance: float
    stderr: float
    interval: tuple[float, float]
    intercept: float
    intercept_p_value: float
    chi_square: float
    chi_square_p_value: float
    verdict: str
    reasons: tuple[str, ...]
    models: list[dict[str, Any]]
    left_out: int
    sentence: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The CLIPs' index minus the ImageNet models', in one setting.

    Attributes:
        source: `paper` or `replication`.
        tables: numbers of the paper's tables that hold the models of both families.
        setting: as the CLIPs'.
        difference: positive where CLIPs lean more on the background.
        stderr: its standard error.
        interval: its 95% interval.
        p_value: of the test that it is 0, two-sided, corrected by Holm once it is judged.
        verdict: `CLIPs lean more`, `CLIPs lean less` or `inconclusive`.
        sentence: the same in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    difference: float
    stderr: float
    interval: tuple[float, float]
    p_value: float
    verdict: str
    sentence: str = ""
