"""The sentences that depend on verdicts: chosen by counts, so that no sentence says what the data do not.

In a sentence `{POINTER}` stands for a number of report.json, which `paper_figs.report.page` fills in as a count.
"""

from collections.abc import Mapping
from typing import Any

# Claim and outcome to a sentence; outcomes as in `verdict_counts.outcome`.
SENTENCES = {
    "C1": {
        "untested": "Whether CLIPs lose accuracy on counter photos was not tested.",
        "always": "Every CLIP loses accuracy when an animal stands before an uncommon background, in all {@tests} "
        "tests.",
        "sometimes": "CLIPs lose accuracy when an animal stands before an uncommon background: shown in {@supported} "
        "of {@tests} tests, refuted in none.",
        "open": "No test shows that every CLIP loses accuracy before an uncommon background, and none refutes it.",
        "both": "Tests disagree on whether every CLIP loses accuracy before an uncommon background: it is shown in "
        "{@supported} of {@tests} and refuted in {@not_supported}.",
        "against": "That every CLIP loses accuracy before an uncommon background is refuted in {@not_supported} of "
        "{@tests} tests and shown in none.",
        "never": "That every CLIP loses accuracy before an uncommon background is refuted in all {@tests} tests.",
    },
    "C2": {
        "untested": "Whether they lose more than ImageNet models of the same accuracy was not tested.",
        "always": "They lose more than ImageNet models of the same accuracy, in all {@tests} tests.",
        "sometimes": "Whether they lose more than ImageNet models of the same accuracy depends on how one asks: it is "
        "shown in {@supported} of {@tests} tests, the opposite in none.",
        "open": "No test shows that they lose more than ImageNet models of the same accuracy, or less.",
        "both": "Whether they lose more than ImageNet models of the same accuracy depends on how one asks: it is "
        "shown in {@supported} of {@tests} tests, the opposite in {@not_supported}.",
        "against": "They do not lose more than ImageNet models of the same accuracy: the opposite is shown in "
        "{@not_supported} of {@tests} tests, and it in none.",
        "never": "They lose less than ImageNet models of the same accuracy, in all {@tests} tests.",
    },
    "C8": {
        "untested": "Whether CLIP's training gives more robustness than supervised training on the same images was not "
        "tested.",
        "always": "On the same images CLIP's training gives no more robustness than supervised training, in all "
        "{@tests} tests.",
        "sometimes": "On the same images CLIP's training is shown to give no more robustness than supervised training "
        "in {@supported} of {@tests} tests, and more in none.",
        "open": "Published experiments on the same images do not tell CLIP's training from supervised training.",
        "both": "On the same images CLIP's training gives no more robustness than supervised training in {@supported} "
        "of {@tests} tests, and more in {@not_supported}.",
        "against": "On the same images CLIP's training gives more robustness than supervised training in "
        "{@not_supported} of {@tests} tests, and no test shows that it does not.",
        "never": "On the same images CLIP's training gives more robustness than supervised training, in all {@tests} "
        "tests.",
    },
}
_LOSSES = {
    "C3": "that larger models lose less (C3)",
    "C4": "that more data alone does not help (C4)",
    "C5": "that better filtered data helps (C5)",
    "C6": "that language models on CLIP towers still lose (C6)",
}
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
    return [_of_claim("C1", report), _of_claim("C2", report), _remedies(report), _training(report), _tables(report)]


def certainty(report: Mapping[str, Any]) -> list[str]:
    """How sure we are: what the verdicts stand on, each a sentence or two."""
    said = []
    if "all" in report:
        said.append(
            "Tests: {/all/tests}. What was claimed is shown in {/all/supported}, the opposite in {/all/not_supported}, "
            "neither in {/all/inconclusive}. They share models and photos, so their number is no count of votes. "
            "Verdicts are corrected for how many tests there are."
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
            "The audit looked at {/audit/checked} of {/audit/cells} printed numbers. "
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


def _of_claim(claim: str, report: Mapping[str, Any]) -> str:
    counts = report.get("claims", {}).get(claim, {"outcome": "untested"})
    return SENTENCES[claim][counts["outcome"]].replace("@", f"/claims/{claim}/")


def _remedies(report: Mapping[str, Any]) -> str:
    """C3 to C6: each claim with how often it is shown, and its opposite if ever."""
    parts = []
    for claim, words in _LOSSES.items():
        counts = report.get("claims", {}).get(claim)
        if counts and counts["tests"]:
            opposite = f", the opposite in {{/claims/{claim}/not_supported}}" if counts["not_supported"] else ""
            parts.append(f"{words} in {{/claims/{claim}/supported}} of {{/claims/{claim}/tests}} tests{opposite}")
    if not parts:
        return "What helps was not tested."
    return f"It is shown {'; '.join(parts)}."


def _training(report: Mapping[str, Any]) -> str:
    sentence = _of_claim("C8", report)
    counts = report.get("synthetic")
    if counts is None:
        return sentence
    if counts["more"] and counts["less"]:
        found = (
            "it depends on the loss and the prompt: of {/synthetic/points} pairs of them {/synthetic/more} come out "
        )
        found += "more robust than supervised training, {/synthetic/less} less"
    elif counts["more"]:
        found = (
            "{/synthetic/more} of {/synthetic/points} pairs of loss and prompt come out more robust than supervised "
        )
        found += "training, none less"
    elif counts["less"]:
        found = (
            "{/synthetic/less} of {/synthetic/points} pairs of loss and prompt come out less robust than supervised "
        )
        found += "training, none more"
    else:
        found = "no difference between the two is shown"
    return f"{sentence[:-1]}; in the paper's own synthetic model {found}."


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
