"""What the counts answer: the typed results from which the templates choose their sentences.

The sentences themselves stand in `templates/answer.html`, `certainty.html` and `change.html`.
"""

import dataclasses
from typing import Literal

from paper_figs.report.place import Place

# Questions of claims.json, by claim and words.
_DROP, _ROBUSTNESS = ("C1", "drop"), ("C2", "effective robustness")
_BACKBONES, _FILTERED = ("C3", "model size"), ("C5", "filtered data")
_MORE_DATA = ("C4", "data size: drop")


@dataclasses.dataclass(frozen=True)
class Question:
    """A question of a claim that was tested.

    Attributes:
        counts: its numbers of tests and of verdicts, in report.json.
        main: its row of claims.json in the paper's main setting, or the nearest to it.
        interval: pointer from that row to the interval that decides.
    """

    counts: Place
    main: Place
    interval: str


@dataclasses.dataclass(frozen=True)
class Remedy:
    """What would make the drop smaller, and the questions on it that were tested; at least one of them was.

    Attributes:
        shrinks: what is asked: `drop`, that the drop shrinks; `more than accuracy explains`; or `not by data`, that
            more data alone does not shrink it.
        backbones: larger backbones.
        filtered: filtered data.
        data: more data alone.
    """

    shrinks: Literal["drop", "more than accuracy explains", "not by data"]
    backbones: Question | None = None
    filtered: Question | None = None
    data: Question | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the result files say of the page's question; None where a file is missing or a claim was not tested.

    Attributes:
        robustness: CLIPs against ImageNet models of the same accuracy.
        drop: the drop of every CLIP.
        remedies: what was tested on making the drop smaller.
        same_images: counts of claim C8, contrastive against supervised training on the same images.
        synthetic: counts of the map of losses, captions and prompts.
        tests: counts of all tests.
        clustering: counts of tests with clustered errors.
        audit: counts of the audit's findings.
        corrected: how often verdicts change where the values are corrected.
        replicated: how often verdicts change from the paper's measurements to the replication's.
        changes: the same for the other parts of a setting, those that change a verdict first.
        selector: counts of settings in which the selecting model loses more than others.
    """

    robustness: Question | None
    drop: Question | None
    remedies: tuple[Remedy, ...]
    same_images: Place | None
    synthetic: Place | None
    tests: Place | None
    clustering: Place | None
    audit: Place | None
    corrected: Place | None
    replicated: Place | None
    changes: tuple[Place, ...]
    selector: Place | None


def find_answer(report: Place, claims: Place | None) -> Answer:
    """The answer, from the counts of report.json and the rows of claims.json.

    Args:
        report: the whole of report.json; parts may be missing.
        claims: the whole of claims.json, if it is there.
    """
    changes = report.each("/changes") if report.has("/changes") else []
    by_part = {(change.content["key"], change.content["to"]): change for change in changes}
    same_images = _part(report, "/claims/C8")
    return Answer(
        robustness=_question(report, claims, *_ROBUSTNESS),
        drop=_question(report, claims, *_DROP),
        remedies=_remedies(report, claims),
        same_images=same_images if same_images is not None and same_images.content["tests"] else None,
        synthetic=_part(report, "/map"),
        tests=_part(report, "/all"),
        clustering=_part(report, "/clustering"),
        audit=_part(report, "/audit"),
        corrected=by_part.get(("values", "corrected")),
        replicated=by_part.get(("source", "replication")),
        changes=tuple(
            sorted(
                (change for change in changes if change.content["key"] != "source"),
                key=lambda change: change.content["changed"] == 0,
            )
        ),
        selector=_part(report, "/selector"),
    )


def _part(report: Place, pointer: str) -> Place | None:
    return report.at(pointer) if report.has(pointer) else None


def _question(report: Place, claims: Place | None, claim: str, words: str) -> Question | None:
    if claims is None or not report.has(f"/claims/{claim}/questions"):
        return None
    for counts in report.each(f"/claims/{claim}/questions"):
        if counts.content["question"] == words:
            return Question(counts, claims.at(f"/claims/{counts.content['main']}"), counts.content["interval"])
    return None


def _remedies(report: Place, claims: Place | None) -> tuple[Remedy, ...]:
    """C3 to C5: that the drop shrinks, that it shrinks by more than accuracy makes it, and not by more data alone."""

    def question(claim: tuple[str, str], measure: str) -> Question | None:
        return _question(report, claims, claim[0], f"{claim[1]}: {measure}")

    remedies = (
        Remedy("drop", question(_BACKBONES, "drop"), question(_FILTERED, "drop")),
        Remedy(
            "more than accuracy explains",
            question(_BACKBONES, "effective robustness"),
            question(_FILTERED, "effective robustness"),
        ),
        Remedy("not by data", data=_question(report, claims, *_MORE_DATA)),
    )
    return tuple(remedy for remedy in remedies if remedy.backbones or remedy.filtered or remedy.data)
