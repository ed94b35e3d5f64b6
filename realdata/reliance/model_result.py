"""The outcome of reading one model's accuracies as the theory does."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ClasswiseIndex:
    """One model's index from its classes, by random effects.

    Attributes:
        reliance: the mean over classes.
        interval: its 95% interval.
        spread: standard deviation between classes beyond photo noise.
        heterogeneity_p_value: of the test that it is the same in all classes (Cochran's Q), not corrected.
        heterogeneity_p_value_corrected: by Holm over the whole program.
        classes: that have an index.
        left_out: that have none.
    """

    reliance: float
    interval: tuple[float, float]
    spread: float
    heterogeneity_p_value: float
    heterogeneity_p_value_corrected: float
    classes: int
    left_out: int


@dataclasses.dataclass(frozen=True)
class ModelIndex:
    """One model's index of spurious reliance in one setting.

    Attributes:
        source: `paper` or `replication`.
        table: the paper's table, or `replication`.
        setting: `setup`, `prompt` and `averaging`.
        family: `clip` or `imagenet`.
        backbone: as in the table.
        pretrain: as in the table.
        checkpoint: as in the table.
        common: accuracy in %.
        counter: accuracy in %.
        reliance: its index from the averages; None where its probits do not sum to more than 0.
        stderr: standard error from the photos, a bound.
        interval: 95% interval.
        rank: among the models of its setting, 1 leaning least; None without an index.
        p_value: of the test that the index is 0, two-sided, not corrected; None without an index.
        p_value_corrected: by Holm over the whole program.
        classwise: from its classes, where they are published.
        verdict: `above 0`, `below 0`, `not told from 0` or `no index`.
        sentence: what was found, in words.
    """

    source: str
    table: str
    setting: dict[str, str]
    family: str
    backbone: str
    pretrain: str
    checkpoint: str
    common: float
    counter: float
    reliance: float | None
    stderr: float | None
    interval: tuple[float, float] | None
    rank: int | None
    p_value: float | None
    p_value_corrected: float | None
    classwise: ClasswiseIndex | None
    verdict: str
    sentence: str
