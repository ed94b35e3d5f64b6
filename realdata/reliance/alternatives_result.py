"""The outcome of putting what the theory's model lacks to the averages."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Alternatives:
    """What describes the averages of one family in one setting: reliance, chance, difficulty, or more than one.

    Attributes:
        source: `paper` or `replication`.
        tables: as of `RelianceTest`.
        setting: as of `RelianceTest`.
        family: `clip` or `imagenet`.
        models: how many.
        left_out: models that have learned nothing.
        slopes: k of each line: `ray`, `chance`, `shift` (1) and `line`.
        intercepts: alpha of each, at 50%, in probits.
        aicc: of each, less the best one's.
        p_values: that `ray`, `chance` and `shift` are enough, against `line`; not corrected.
        p_values_corrected: by Holm over the whole program.
        slope_interval: 95% interval of the slope of `line`.
        meeting: accuracy at which `line` meets equal accuracies.
        meeting_set: accuracies not rejected as such at 5% (Fieller), as pieces [low, high].
        scatter: the models' own standard deviation about `line`, in probits.
        verdict: `ray`, `chance`, `shift`, `none alone` (all three are rejected) or `undecided`.
        sentence: what was found, in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    family: str
    models: int
    left_out: int
    slopes: dict[str, float]
    intercepts: dict[str, float]
    aicc: dict[str, float]
    p_values: dict[str, float]
    p_values_corrected: dict[str, float]
    slope_interval: tuple[float, float]
    meeting: float
    meeting_set: tuple[tuple[float, float], ...]
    scatter: float
    verdict: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class AtOneDifficulty:
    """CLIPs against ImageNet models, with a difficulty of the counter photos that is common to both.

    Attributes:
        source: `paper` or `replication`.
        tables: as of `Comparison`.
        setting: as of `Comparison`.
        difficulty: the common intercept, in probits.
        clip_reliance: tau of the CLIPs' slope beside it.
        imagenet_reliance: the same of the ImageNet models.
        difference: the first minus the second.
        p_value: of the test that the slopes are the same, not corrected.
        p_value_corrected: by Holm over the whole program.
        difficulty_p_value: of the test that one difficulty is enough, not corrected.
        difficulty_p_value_corrected: by Holm over the whole program.
        verdict: `CLIPs lean more`, `CLIPs lean less` or `inconclusive`.
        sentence: what was found, in words.
    """

    source: str
    tables: tuple[str, ...]
    setting: dict[str, str]
    difficulty: float
    clip_reliance: float
    imagenet_reliance: float
    difference: float
    p_value: float
    p_value_corrected: float
    difficulty_p_value: float
    difficulty_p_value_corrected: float
    verdict: str
    sentence: str
