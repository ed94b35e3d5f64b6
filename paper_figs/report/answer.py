"""The sentences that depend on verdicts: made from counts, so that no sentence says what the data do not.

In a sentence `{POINTER}` stands for a number of report.json as a count, and `{FILE#POINTER|FORM}` for one of another
result file; `paper_figs.report.page` fills them in.
"""

from collections.abc import Mapping
from typing import Any

from paper_figs.report.place import resolve

# Questions of claims.json, by claim and words.
_DROP, _ROBUSTNESS = ("C1", "drop"), ("C2", "effective robustness")
_SMALLER = {"larger backbones": ("C3", "model size"), "filtered data": ("C5", "filtered data")}
_SHRINKS = {"the drop shrinks": "drop", "it shrinks by more than accuracy explains": "effective robustness"}
_MORE_DATA = ("C4", "data size: drop")
_CHANGES = {
    ("selector", "excluded"): "leaving out the model that selected the photos",
    ("selector", "family excluded"): "leaving out the models that were trained as the selecting one",
    ("values", "corrected"): "correcting the values that the audit found wrong",
    ("prompt", "openai80"): "asking with OpenAI's templates instead of one prompt",
    ("averaging", "unbalanced"): "averaging over photos instead of classes",
    ("setup", "1v20"): "offering the shorter list of candidates",
    ("source", "replication"): "taking the replication's measurements instead of the paper's",
}


def answer(report: Mapping[str, Any]) -> list[str]:
    """The answer in five sentences, from the counts of report.json."""
    return [_robustness(report), _drop(report), _remedies(report), _training(report), _tables(report)]


def certainty(report: Mapping[str, Any]) -> list[str]:
    """How sure we are: what the verdicts stand on, each a sentence or two."""
    said = []
    if "all" in report:
        said.append(
            "Of {/all/tests} tests {/all/supported} show what was claimed, {/all/not_supported} the opposite and "
            "{/all/inconclusive} neither. They share models and photos, so these are no counts of votes. Verdicts are "
            "corrected for the number of tests: of those that are not inconclusive, one in twenty at most is expected "
            "to be wrong."
        )
        clustering = report["clustering"]
        if clustering["clustered"]:
            said.append(
                "Models are not independent draws. {/clustering/clustered} tests take errors clustered by what "
                "models share. With naive errors "
                + ("{/clustering/naive_differs} of all verdicts" if clustering["naive_differs"] else "no verdict")
                + " would be another."
            )
        else:
            said.append("Models are taken as independent draws, which they are not.")
        said += [_pair(place, change) for place, change in _listed(report) if change["key"] == "source"]
    if "audit" in report:
        said.append(
            "The audit could put a rule to {/audit/checked} of {/audit/cells} printed cells. "
            + ("Errors that it found: {/audit/errors}." if report["audit"]["errors"] else "It found no error.")
        )
    return said


def what_would_change(report: Mapping[str, Any]) -> list[str]:
    """What would change the answer: the parts of a setting that change verdicts, then what nobody has measured."""
    listed = [(place, change) for place, change in _listed(report) if change["key"] != "source"]
    said = [_pair(place, change) for place, change in sorted(listed, key=lambda item: item[1]["changed"] == 0)]
    if report.get("selector", {}).get("shown"):
        said.append(
            "One CLIP's failures selected the photos. It loses more than other CLIPs of its accuracy in "
            "{/selector/shown} of {/selector/settings} settings. Photos selected without any model would say how much "
            "of the other CLIPs' drops is selection."
        )
    else:
        said.append(
            "One CLIP's failures selected the photos; photos selected without any model would be a fairer test."
        )
    said.append(
        "All models were trained by others, on different data. Pairs of models trained on the same images, with and "
        "without captions, at the scale of CLIP, would decide what the objective itself does."
    )
    return said


def _robustness(report: Mapping[str, Any]) -> str:
    place = _find(report, _ROBUSTNESS)
    if place is None:
        return "Whether CLIPs are more robust than ImageNet models of the same accuracy was not tested."
    shown = (
        "Some published measurements show"
        if resolve(report, place)["not_supported"]
        else "No published measurement shows"
    )
    return (
        f"{shown} that it does: beside ImageNet models of the same accuracy CLIPs are more robust in "
        f"{_share(report, place, 'not_supported')} and less robust in {_count(report, place, 'supported')}, and in the "
        f"paper's main one they differ by {_effect(report, place, 'points')}."
    )


def _drop(report: Mapping[str, Any]) -> str:
    place = _find(report, _DROP)
    if place is None:
        return "Whether CLIPs lose accuracy before uncommon backgrounds was not tested."
    return (
        f"Before an uncommon background CLIPs lose {_effect(report, place, 'accuracy')} in the main setting, on photos "
        "that one CLIP's failures selected; that "
        f"every one of them loses is shown in {_share(report, place, 'supported')}, and refuted in "
        f"{_count(report, place, 'not_supported')}."
    )


def _remedies(report: Mapping[str, Any]) -> str:
    """C3 to C5: that the drop shrinks, and that it shrinks by more than accuracy makes it."""
    parts = []
    for what, ending in _SHRINKS.items():
        shown = [
            f"for {name} in {_share(report, place, 'supported')}"
            for name, (claim, words) in _SMALLER.items()
            if (place := _find(report, (claim, f"{words}: {ending}"))) is not None
        ]
        if shown:
            parts.append(f"that {what} is shown {' and '.join(shown)}")
    place = _find(report, _MORE_DATA)
    if place is not None:
        counts = resolve(report, place)
        if counts["supported"] or counts["not_supported"]:
            parts.append(f"that more data alone does not shrink it is shown in {_share(report, place, 'supported')}")
        else:
            parts.append("no setting tells what more data alone does")
    if not parts:
        return "What makes the drop smaller was not tested."
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _training(report: Mapping[str, Any]) -> str:
    """C8 in the paper's experiments, and what the closed forms say of losses, captions and prompts."""
    if report.get("claims", {}).get("C8", {"tests": 0})["tests"]:
        sentence = (
            "On the same images contrastive and supervised training are shown to be equally accurate, within a margin, "
            f"in {_share(report, '/claims/C8', 'supported', 'comparisons')}, where the contrastive objective (Eq. 10) "
            "is not CLIP's"
        )
    else:
        sentence = "Contrastive and supervised training on the same images were not compared"
    counts = report.get("map")
    if counts is None:
        return f"{sentence}."
    found = (
        f"of {{/map/points}} combinations of loss, captions and prompt {_count(report, '/map', 'more')} are more "
        f"robust than supervised training and {_count(report, '/map', 'less')} less"
    )
    if counts["more"] and counts["less"]:
        found = f"what is learned depends on what captions and prompts say: {found}"
    return f"{sentence}; in the paper's synthetic model {found}."


def _find(report: Mapping[str, Any], question: tuple[str, str]) -> str | None:
    """Pointer to the counts of a question, if it was asked."""
    claim, words = question
    for number, counts in enumerate(report.get("claims", {}).get(claim, {"questions": []})["questions"]):
        if counts["question"] == words:
            return f"/claims/{claim}/questions/{number}"
    return None


def _count(report: Mapping[str, Any], place: str, key: str) -> str:
    return f"{{{place}/{key}}}" if resolve(report, place)[key] else "none"


def _share(report: Mapping[str, Any], place: str, key: str, what: str = "settings") -> str:
    return f"{_count(report, place, key)} of {{{place}/tests}} {what}"


def _effect(report: Mapping[str, Any], place: str, form: str) -> str:
    """The effect of a question in its main setting, with the interval that decides."""
    counts = resolve(report, place)
    row = f"claims.json#/claims/{counts['main']}"
    low, high = (f"{{{row}{counts['interval']}/{end}|{form}}}" for end in (0, 1))
    return f"{{{row}/effect|{form}}} points [{low}, {high}]"


def _tables(report: Mapping[str, Any]) -> str:
    if "audit" not in report:
        return "The printed tables were not audited."
    if not report["audit"]["errors"]:
        return "The printed tables hold no error that their own arithmetic shows."
    sentence = "Errors in the printed tables that can be shown: {/audit/errors}"
    for place, change in _listed(report):
        if (change["key"], change["to"]) == ("values", "corrected"):
            if change["changed"]:
                return f"{sentence}; correcting them changes {{{place}/changed}} of {{{place}/pairs}} verdicts."
            return f"{sentence}; correcting them changes none of {{{place}/pairs}} verdicts."
    return f"{sentence}."


def _listed(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The pairs of settings, each with its pointer, without those that have no words."""
    pairs = [(f"/changes/{place}", change) for place, change in enumerate(report.get("changes", []))]
    return [(place, change) for place, change in pairs if (change["key"], change["to"]) in _CHANGES]


def _pair(place: str, change: Mapping[str, Any]) -> str:
    done = _CHANGES[change["key"], change["to"]]
    number = f"{{{place}/changed}}" if change["changed"] else "none"
    return f"{done[0].upper()}{done[1:]} changes {number} of {{{place}/pairs}} verdicts."
