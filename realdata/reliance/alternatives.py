"""Alternatives to the theory's model, tested on the averages: many classes, and counter photos that are harder.

Four lines are fitted through a family's models on probit axes, with photos' errors in both accuracies and the models'
own scatter (`realdata.reliance.average_lines`), as in `realdata.reliance.classes`:

- `ray`: through 50%: reliance alone, as in the theory of two classes;
- `chance`: through the accuracy of guessing among the candidates, 1 / 1000 or 1 / 20: reliance alone, with many
  classes. If the largest of K independent normal scores wins, and the right one is higher by d, the accuracy's probit
  is within 0.04 of a line in d up to 99%, and the line meets chance at d = 0. So one reliance with many classes is a
  line through chance;
- `shift`: slope 1: counter photos are harder for all models alike;
- `line`: slope and intercept are free.

The first three are tested against the last. Fieller's set says where the last meets equal accuracies. The verdict names
the one of the three that is not rejected, if the other two are; it is `none alone` if all three are, and `undecided`
otherwise. Models below twice chance have learned nothing, and are left out.

CLIPs are compared with ImageNet models again. With one intercept for both families, the difficulty of the photos for
any model, do their slopes differ? This is tested against one slope. A further test asks whether one intercept is
enough.

Models count as independent draws. The photos count as fixed: other photos would have another difficulty.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

from realdata.claims.settings import Setting
from realdata.reliance.average_lines import Group, covariance, fit_lines, p_value
from realdata.reliance.averages import FEWEST
from realdata.reliance.families import Family
from realdata.reliance.question import Correction, Question
from workbench.conventions import LEVEL

CANDIDATES = {"1v1000": 1000, "1v20": 20}
_NAMES = {"ray": "reliance with guessers at 50%", "chance": "reliance with guessers at chance",
          "shift": "harder photos alone"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Alternatives:
    """The line that describes the averages of one family in one setting.

    Attributes:
        source: `paper` or `replication`.
        tables: as in `RelianceTest`.
        setting: as in `RelianceTest`.
        family: `clip` or `imagenet`.
        models: number of models.
        left_out: number of models that have learned nothing.
        slopes: k of each line: `ray`, `chance`, `shift` (1) and `line`.
        intercepts: alpha of each line, at 50%, in probits.
        aicc: criterion of each line, minus the best line's.
        p_values: p-values of the tests that `ray`, `chance` and `shift` are enough, against `line`; not corrected.
        p_values_corrected: the same with Holm's correction over the whole program.
        slope_interval: 95% interval of the slope of `line`.
        meeting: accuracy at which `line` meets equal accuracies.
        meeting_set: accuracies that are not rejected as the meeting point at 5% (Fieller), as pieces [low, high].
        scatter: the models' own standard deviation around `line`, in probits.
        verdict: `ray`, `chance`, `shift`, `none alone` (all three are rejected) or `undecided`.
        sentence: the result in words.
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
    """CLIPs against ImageNet models, with one difficulty of the counter photos for both.

    Attributes:
        source: `paper` or `replication`.
        tables: as in `IndexDifference`.
        setting: as in `IndexDifference`.
        difficulty: the common intercept, in probits.
        clip_reliance: tau of the CLIPs' slope with this intercept.
        imagenet_reliance: tau of the ImageNet models' slope with this intercept.
        difference: the CLIPs' tau minus the ImageNet models'.
        p_value: p-value of the test that the slopes are equal, not corrected.
        p_value_corrected: the same with Holm's correction over the whole program.
        difficulty_p_value: p-value of the test that one difficulty is enough, not corrected.
        difficulty_p_value_corrected: the same with Holm's correction over the whole program.
        verdict: `CLIPs lean more`, `CLIPs lean less` or `inconclusive`.
        sentence: the result in words.
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


def ask_alternatives(
    settings: Sequence[tuple[Setting, Family, Family]],
) -> tuple[list[Question[Alternatives]], list[Question[AtOneDifficulty]]]:
    """Test every family with enough models, and every pair of families on the same photos.

    Args:
        settings: the result of `realdata.reliance.families.pair_families`.
    """
    found: dict[tuple[str, ...], Question[Alternatives]] = {}
    compared = []
    for _, *both in settings:
        groups = [learned_group(family) for family in both]
        for family, group in zip(both, groups, strict=True):
            if family.key not in found and len(group.common) >= FEWEST:
                found[family.key] = _ask_lines(family, group)
        if all(len(group.common) >= FEWEST for group in groups):
            compared.append(_ask_at_one_difficulty(both[0], groups))
    return list(found.values()), compared


def learned_group(family: Family) -> Group:
    """The places of a family's models that have learned something."""
    learned = family.select(family.has_learned(CANDIDATES[family.setting.setup]))
    return Group(*(np.asarray(part) for part in (*learned.common, *learned.counter)))


def _ask_lines(family: Family, group: Group) -> Question[Alternatives]:
    chance = float(norm.ppf(1 / CANDIDATES[family.setting.setup]))
    lines = {
        "ray": fit_lines([group], intercept=0.0),
        "chance": fit_lines([group], intercept=0.0, meeting=chance),
        "shift": fit_lines([group], slope=1.0),
        "line": fit_lines([group]),
    }
    line, spread = lines["line"], covariance(group, lines["line"])
    slopes = {name: float(fit.slopes[0]) for name, fit in lines.items()}
    intercepts = {name: float(fit.intercepts[0]) for name, fit in lines.items()}
    intercepts["chance"] = chance * (1 - slopes["chance"])
    best = min(fit.aicc for fit in lines.values())
    aicc = {name: fit.aicc - best for name, fit in lines.items()}
    critical = float(student_t.ppf(1 - LEVEL / 2, line.models - 2))
    half = critical * float(np.sqrt(spread[1, 1]))
    low, high = slopes["line"] - half, slopes["line"] + half
    meeting_set = _fieller(intercepts["line"], slopes["line"], spread, critical)
    p_values = {name: p_value(lines[name], line) for name in _NAMES}

    def answer(correct: Correction) -> Alternatives:
        corrected = {name: correct(p) for name, p in p_values.items()}
        left = [name for name, p in corrected.items() if p >= LEVEL]
        verdict = left[0] if len(left) == 1 else "undecided" if left else "none alone"
        out = ", ".join(words for name, words in _NAMES.items() if name not in left)
        kept = ", ".join(_NAMES[name] for name in left)
        pieces = " or ".join(f"{_percent(start)} to {_percent(end)}" for start, end in meeting_set)
        return Alternatives(
            source=family.setting.source,
            tables=family.tables,
            setting=family.described,
            family=family.family,
            models=line.models,
            left_out=len(family.models) - line.models,
            slopes=slopes,
            intercepts=intercepts,
            aicc=aicc,
            p_values=p_values,
            p_values_corrected=corrected,
            slope_interval=(low, high),
            meeting=float(norm.cdf(intercepts["line"] / (1 - slopes["line"]))),
            meeting_set=meeting_set,
            scatter=float(line.scatters[0]),
            verdict=verdict,
            sentence=(
                f"{verdict}: {f'rejected {out}; ' if out else ''}"
                f"{f'not rejected {kept}; ' if left else ''}slope {slopes['line']:.2f} "
                f"[{low:.2f}, {high:.2f}], intercept {intercepts['line']:+.2f} probits; by AICc the best is "
                f"{min(aicc, key=lambda name: aicc[name])}; equal accuracies at {pieces}."
            ),
        )

    return Question(tuple(p_values.values()), answer)


def _fieller(intercept: float, slope: float, spread: np.ndarray, critical: float) -> tuple[tuple[float, float], ...]:
    """Accuracies Phi(g) at which alpha = g (1 - k) is not rejected: a quadratic in g is at most 0 there."""
    a = (1 - slope) ** 2 - critical**2 * spread[1, 1]
    b = -2 * (intercept * (1 - slope) + critical**2 * spread[0, 1])
    c = intercept**2 - critical**2 * spread[0, 0]
    root = b**2 - 4 * a * c
    if root < 0:  # then a < 0, since the estimate itself is never rejected
        return ((0.0, 1.0),)
    low, high = sorted(float(norm.cdf((-b + sign * np.sqrt(root)) / (2 * a))) for sign in (-1, 1))
    # If slope 1 is not rejected, the set includes infinity, and consists of the parts outside the roots.
    return ((low, high),) if a > 0 else ((0.0, low), (high, 1.0))


def _ask_at_one_difficulty(clips: Family, groups: list[Group]) -> Question[AtOneDifficulty]:
    apart, together = fit_lines(groups), fit_lines(groups, same_intercept=True)
    one_slope = fit_lines(groups, same_intercept=True, same_slope=True)
    clip, imagenet = (float((1 - k) / (1 + k)) for k in together.slopes)
    difficulty = float(together.intercepts[0])
    slopes_p_value, difficulty_p_value = p_value(one_slope, together), p_value(together, apart)

    def answer(correct: Correction) -> AtOneDifficulty:
        shown = "CLIPs lean more" if clip > imagenet else "CLIPs lean less"
        verdict = shown if correct(slopes_p_value) < LEVEL else "inconclusive"
        enough = "is rejected" if correct(difficulty_p_value) < LEVEL else "is not rejected"
        return AtOneDifficulty(
            source=clips.setting.source,
            tables=clips.setting.tables,
            setting=clips.described,
            difficulty=difficulty,
            clip_reliance=clip,
            imagenet_reliance=imagenet,
            difference=clip - imagenet,
            p_value=slopes_p_value,
            p_value_corrected=correct(slopes_p_value),
            difficulty_p_value=difficulty_p_value,
            difficulty_p_value_corrected=correct(difficulty_p_value),
            verdict=verdict,
            sentence=(
                f"{verdict}: beside one difficulty of {difficulty:+.2f} probits, which {enough}, the CLIPs' index is "
                f"{clip:.2f} and the ImageNet models' {imagenet:.2f}."
            ),
        )

    return Question((slopes_p_value, difficulty_p_value), answer)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if 0.0005 <= share <= 0.9995 else "0%" if share < 0.5 else "100%"
