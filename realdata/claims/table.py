"""The tested claims on the terminal: a table for each question, and the answer in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from realdata.claims.claim_test import CLAIMS, INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, JudgedClaim
from workbench import terminal
from workbench.conventions import LEVEL

_READ = {
    ("C1", "drop"): "A drop alone does not say why: the counter photos may be harder for every model, and one CLIP's "
    "failures selected them (the selector, ViT/B/32 LAION400M). How much goes with the background: see below.",
    ("C2", "effective robustness"): "A negative effect means that CLIPs lose more than the line through the ImageNet "
    "models predicts.",
    ("C3", "model size: effective robustness"): "A positive effect would mean that larger backbones lose less than "
    "their higher accuracy makes any model lose.",
    (
        "C5",
        "filtered data: effective robustness",
    ): "A positive effect would mean that models of filtered data lose less "
    "than their higher accuracy makes any model lose.",
}
_ASSUMED = (
    "Intervals are 95%, uncorrected; p-values are two-sided. Naive intervals take models as independent draws, but for "
    "C1's and C6's drops, where each model is tested on its own, by the number of photos; clustered ones let models "
    "that share pre-training data, or an architecture, go together, whichever says less. Verdicts take the clustered "
    "p-values where there are, corrected over all rows (Benjamini-Hochberg, 5%)."
)


def show(tests: Sequence[JudgedClaim], not_asked: Sequence[Mapping[str, Any]], everything: bool) -> None:
    """Print each question's table, what to know of it, and the answer.

    Args:
        tests: the judged tests.
        not_asked: questions that the data cannot be asked, with the `reason`.
        everything: also the settings without the selecting model or its family, and with corrected values.
    """
    console = terminal.output()
    for claim, question in dict.fromkeys((test.claim, test.question) for test in tests):
        asked = [test for test in tests if (test.claim, test.question) == (claim, question)]
        console.print(f"{claim}. {CLAIMS[claim]}: {question} ({asked[0].unit})", style="bold")
        shown = asked if everything else [test for test in asked if _is_plain(test)]
        console.print(_table(shown, everything))
        console.print(_describe(claim, question, asked))
        noted: dict[str, dict[str, None]] = {}
        for test in shown:
            for note in test.notes:
                noted.setdefault(note, {})[_source(test)] = None
        for note, sources in noted.items():
            console.print(f"Note, {'; '.join(sources)}: {note}.")
        console.print()
    for each in not_asked:
        console.print(f"{each['claim']}, {each['question']}: not asked, since {each['reason']}.")
    if tests:
        console.print(_ASSUMED)
        console.print(_describe_holm(tests))


def _is_plain(test: JudgedClaim) -> bool:
    return test.setting["selector"] in ("included", "none") and test.setting["values"] == "as printed"


def _table(tests: Sequence[JudgedClaim], everything: bool) -> Table:
    table = terminal.narrow_table()
    table.add_column("setting")
    if everything:
        table.add_column("selector", no_wrap=True)
        table.add_column("values", no_wrap=True)
    for heading in ("n", "effect [naive 95%]", "clustered 95%", "p", "verdict"):
        table.add_column(heading, no_wrap=heading != "verdict")
    for test in tests:
        setting = test.setting
        words = [word for word in (setting["setup"], setting["prompt"], setting["averaging"]) if word != "none"]
        table.add_row(
            f"{_source(test)}: {' '.join(words)}",
            *([setting["selector"], setting["values"]] if everything else []),
            str(len(test.models)),
            f"{test.effect:.1f} {terminal.interval(test.interval, '.1f')}",
            terminal.interval(test.clustered.interval, ".1f") if test.clustered else "",
            terminal.p_value(test.p_value_corrected),
            test.verdict,
        )
    return table


def _source(test: JudgedClaim) -> str:
    if test.source == "added":
        names = [" ".join(filter(None, (model["backbone"], model["pretrain"]))) for model in test.models]
        return names[0] if len(names) == 1 else f"{len(names)} models"
    return " ".join([test.source, " and ".join(test.tables)]).strip()


def _describe(claim: str, question: str, tests: Sequence[JudgedClaim]) -> str:
    counted = Counter(test.verdict for test in tests)
    parts = [
        f"{counted[verdict]} {verdict}" for verdict in (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE) if counted[verdict]
    ]
    answer = f"In {len(tests)} setting{'s' if len(tests) > 1 else ''}: {', '.join(parts)}."
    naive = sum(test.verdict_naive == SUPPORTED for test in tests)
    if naive != counted[SUPPORTED]:
        answer += f" With naive errors {naive} would be supported."
    undecided = dict.fromkeys(test.undecidable for test in tests if test.undecidable)
    for reason in undecided:
        number = sum(test.undecidable == reason for test in tests)
        answer += f" {'It' if number == len(tests) else f'In {number} it'} cannot be decided: "
        answer += f"{reason}."
    read = "" if tests[0].source == "added" else _READ.get((claim, question))
    return " ".join(filter(None, (answer, read)))


def _describe_holm(tests: Sequence[JudgedClaim]) -> str:
    decided = [test for test in tests if test.verdict != INCONCLUSIVE]
    kept = sum(test.p_value_holm < LEVEL for test in decided)
    return (
        f"{len(tests)} rows are judged together. Of the {len(decided)} that are not inconclusive, {kept} stay so by "
        "Holm's correction."
    )
