"""One primary test for each claim, chosen by a rule that looks at no result; all other settings are its sensitivity.

The rule. Of whom: the paper's own measurements. How: its main setup, prompt and average (`SETTING`). Which models: all
but the one whose failures selected the photos, which is no draw from anything. Which values: those that the audit
corrects, corrected, since a number that is shown to be wrong answers nothing. What is asked: the claim in its own words
(`QUESTIONS`): the drop where it speaks of losing, effective robustness where it speaks of equal accuracy. With what
error: CR2 with Satterthwaite's degrees of freedom, by pre-training data or by architecture, whichever says less: in
planted data without an effect it gave no more false alarms than it says (docs/claims.md, "Few clusters"). Verdicts are
at 5% after Holm's correction over the primary tests alone.

C7 is a theorem and has no test. C8 is asked of Table 8, whose learners saw the same images from the start, where the
colours are reversed. C9 is asked with the 80 prompts that the other test sets were measured with, over ImageNet
accuracy, the one measure that all test sets share: do CLIPs lead by more on those, on average, than on counter photos?

C1 and C6 speak of each published model; their errors are the photos' alone. Beside the others stand what other methods
say, and what other photos could change at most.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.asked_effects import Asked, Check, ask_averages, check, decide
from realdata.claims.c8_training import EQUAL
from realdata.claims.c9_contrast import CONTRAST, ELSEWHERE, HERE, ask_contrast
from realdata.claims.c9_shifts import Shifts
from realdata.claims.claim_test import CLAIMS, INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, JudgedClaim
from realdata.claims.hypothesis import Effect
from realdata.claims.settings import Setting, settings
from realdata.statistics.both_errors import BothErrors
from realdata.statistics.few_clusters import last_coefficient
from realdata.statistics.holm import holm
from workbench.conventions import LEVEL

SETTING = {"setup": "1v1000", "prompt": "simple", "averaging": "balanced", "selector": "excluded"}
QUESTIONS = {
    "C1": "drop",
    "C2": "effective robustness",
    "C3": "model size: drop",
    "C4": "data size: drop",
    "C5": "filtered data: drop",
    "C6": "drop",
    "C8": "colours reversed",
    "C9": CONTRAST,
}
# What is not the claim in its own words, but what a reader asks next: shown, and not judged.
BESIDE = (
    "model size: effective robustness",
    "data size: effective robustness",
    "filtered data: effective robustness",
    ELSEWHERE,
    HERE,
)
BY_PHOTOS = "each model by its number of photos, the weakest counts"


@dataclasses.dataclass(frozen=True)
class PrimaryTest:
    """The primary test of a claim, or a question beside it, which is not judged.

    Attributes:
        claim: a key of `realdata.claims.claim_test.CLAIMS`.
        question: what is asked.
        primary: whether it is the claim's primary test.
        setting: where it is asked, in the words of the tables.
        null_hypothesis: what a supported claim has rejected.
        unit: of the effect.
        models: how many.
        effect: in that unit.
        stderr: with the errors that decide.
        freedom: of Student's t; None for a normal error.
        interval: 95%.
        method: what the errors are.
        clusters: how many there are; None where photos are the error.
        p_value: of the null hypothesis, two-sided.
        p_value_opposite: of the opposite's.
        p_value_holm: the smaller of the two after Holm's correction over the primary tests; None beside them.
        verdict: `supported`, `not supported` or `inconclusive`; None beside the primary tests.
        undecidable: why no answer can be had, whatever the p-value; empty where one can.
        other_photos: 95% interval for other photos of these classes, at most; None where photos are the error already.
        checks: other methods.
        settings: how often the question was asked in all, and so the next four.
        lowest: the smallest effect of those; None where there are none.
        highest: the largest.
        agreeing: how many have their effect on the same side of 0.
        settings_supported: how many were supported after correction over all questions.
    """

    claim: str
    question: str
    primary: bool
    setting: dict[str, str]
    null_hypothesis: str
    unit: str
    models: int
    effect: float
    stderr: float
    freedom: float | None
    interval: tuple[float, float]
    method: str
    clusters: int | None
    p_value: float
    p_value_opposite: float
    p_value_holm: float | None
    verdict: str | None
    undecidable: str
    other_photos: tuple[float, float] | None
    checks: list[Check]
    settings: int
    lowest: float | None
    highest: float | None
    agreeing: int
    settings_supported: int


def primary_setting(printed: PublishedTables, corrected: PublishedTables) -> tuple[Setting, PublishedTables] | None:
    """The setting of the primary tests on averages, and its tables; None where the tables hold none.

    Args:
        printed: the tables as printed.
        corrected: the same with the audit's corrections.
    """
    for tables, values in ((corrected, "corrected"), (printed, "as printed")):
        for setting in settings(tables, values):
            if setting.source == "paper" and setting.describe() == SETTING and len(setting.imagenet):
                return setting, tables
    return None


def ask_primary(
    tests: Sequence[JudgedClaim], setting: tuple[Setting, PublishedTables] | None, shifts: Shifts
) -> list[Asked]:
    """Every primary question, and those beside them, whose models come in clusters: C2 to C5, C8 and C9.

    Args:
        tests: all questions in all settings.
        setting: from `primary_setting`.
        shifts: from `realdata.claims.c9_shifts.read_shifts`, of the corrected tables.
    """
    found = [] if setting is None else ask_averages(*setting)
    rows = [test for test in tests if (test.claim, test.question) == ("C8", QUESTIONS["C8"])]
    if rows:
        models = pd.DataFrame(rows[0].models)
        labels = pd.factorize(models["classes"])[0].astype(np.int64)
        part = last_coefficient(models["difference"].to_numpy(), np.ones((len(models), 1)), labels)
        errors = BothErrors(rows[0].effect, (part,), 0.0, 0.0, np.zeros(len(models)))
        way = "number of classes"
        found.append(
            Asked(
                "C8", QUESTIONS["C8"], rows[0].setting, EQUAL, models, {way: labels}, {way: errors}, ("+-", "learners")
            )
        )
    if setting is not None:
        found += ask_contrast(shifts, setting[1])
    return found


def judge_primary(asked: Sequence[Asked], tests: Sequence[JudgedClaim], with_checks: bool = True) -> list[PrimaryTest]:
    """The primary tests, judged together, each followed by what is asked beside it.

    Args:
        asked: from `ask_primary`.
        tests: all questions in all settings; C1 and C6 are taken from them.
        with_checks: whether other methods are asked too, whose bootstraps take most of the time.
    """
    answers = [_answer(each, tests, with_checks) for each in asked if each.question in (*QUESTIONS.values(), *BESIDE)]
    for claim in ("C1", "C6"):
        rows = [test for test in tests if (test.claim, test.question) == (claim, QUESTIONS[claim])]
        answers += [_from_row(row, rows) for row in _primary_rows(rows, claim)]
    answers = [dataclasses.replace(each, primary=each.question == QUESTIONS[each.claim]) for each in answers]
    primary = [each for each in answers if each.primary]
    smaller = [1.0 if each.undecidable else min(each.p_value, each.p_value_opposite) for each in primary]
    judged = {
        each.claim: dataclasses.replace(each, p_value_holm=p_value, verdict=_verdict(each, p_value))
        for each, p_value in zip(primary, holm(smaller), strict=True)
    }
    return [
        each
        for claim in CLAIMS
        for each in ([judged[claim]] if claim in judged else [])
        + [other for other in answers if other.claim == claim and not other.primary]
    ]


def _verdict(test: PrimaryTest, p_value: float) -> str:
    if p_value >= LEVEL:
        return INCONCLUSIVE
    return SUPPORTED if test.p_value <= test.p_value_opposite else NOT_SUPPORTED


def _primary_rows(rows: Sequence[JudgedClaim], claim: str) -> list[JudgedClaim]:
    """The row of the primary setting, corrected before printed, of the first table that has it."""
    if claim == "C6":  # asked in one setting alone
        return list(rows[:1])
    found = [row for row in rows if row.source == "paper" and SETTING.items() <= row.setting.items()]
    return sorted(found, key=lambda row: (row.tables != ("3",), row.setting["values"] != "corrected"))[:1]


def _answer(asked: Asked, tests: Sequence[JudgedClaim], with_checks: bool) -> PrimaryTest:
    way, effect = decide(asked)
    errors, hypothesis = asked.by_way[way], asked.hypothesis
    wider = Effect(effect.effect, float(np.hypot(effect.stderr, np.sqrt(errors.other_photos))), effect.freedom)
    p_value, opposite = hypothesis.p_values(effect)
    return PrimaryTest(
        claim=asked.claim,
        question=asked.question,
        primary=False,
        setting=asked.setting,
        null_hypothesis=hypothesis.null,
        unit=hypothesis.unit,
        models=len(asked.models),
        effect=effect.effect,
        stderr=effect.stderr,
        freedom=effect.freedom,
        interval=effect.interval,
        method=f"CR2, clustered by {way}",
        clusters=int(asked.clusters[way].max()) + 1,
        p_value=p_value,
        p_value_opposite=opposite,
        p_value_holm=None,
        verdict=None,
        undecidable=asked.undecidable,
        other_photos=wider.interval if errors.other_photos else None,
        checks=check(asked) if with_checks else [],
        **_sensitivity(effect.effect, asked.claim, asked.question, tests),
    )


def _from_row(row: JudgedClaim, rows: Sequence[JudgedClaim]) -> PrimaryTest:
    """The test of a claim whose models are tested one by one, by their photos."""
    return PrimaryTest(
        claim=row.claim,
        question=row.question,
        primary=False,
        setting=row.setting,
        null_hypothesis=row.null_hypothesis,
        unit=row.unit,
        models=len(row.models),
        effect=row.effect,
        stderr=row.stderr,
        freedom=None,
        interval=row.interval,
        method=BY_PHOTOS,
        clusters=None,
        p_value=row.p_value,
        p_value_opposite=row.p_value_opposite,
        p_value_holm=None,
        verdict=None,
        undecidable=row.undecidable,
        other_photos=None,
        checks=[],
        **_sensitivity(row.effect, row.claim, row.question, rows),
    )


def _sensitivity(effect: float, claim: str, question: str, tests: Sequence[JudgedClaim]) -> dict:
    rows = [test for test in tests if (test.claim, test.question) == (claim, question)]
    effects = [row.effect for row in rows]
    return {
        "settings": len(rows),
        "lowest": min(effects, default=None),
        "highest": max(effects, default=None),
        "agreeing": sum((value > 0) == (effect > 0) for value in effects),
        "settings_supported": sum(row.verdict == SUPPORTED for row in rows),
    }
