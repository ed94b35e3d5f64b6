"""The tested claims on the terminal: a table each, and the answer in words."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from realdata.claim_test import CLAIMS, ClaimTest
from workbench import terminal

_ASSUMED = {
    "C1": "photos are independent draws; p is that of the CLIP with the weakest evidence of a drop, the interval "
    "that of the mean drop, uncorrected. The paper's tables are named by their numbers.",
    "C2": "models are independent draws, though they share photos and pre-training data; intervals are uncorrected. "
    "The photos were selected by one CLIP's failures (ViT/B/32 LAION400M), which bears on every CLIP related to it: "
    "leaving out the selector alone does not undo that.",
}
_EFFECTS = {"C1": "mean drop", "C2": "effective robustness"}


def show(tests: Sequence[ClaimTest]) -> None:
    """Print every claim's table, what to know of it, and the answer."""
    console = terminal.output()
    for claim, statement in CLAIMS.items():
        of_claim = [test for test in tests if test.claim == claim]
        if not of_claim:
            continue
        console.print(f"{claim}. {statement} ({_EFFECTS[claim]}, in points)", style="bold")
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("setting")
        for heading in ("selector", "CLIPs", "points [95%]", "p (Holm)", "verdict"):
            table.add_column(heading, no_wrap=True)
        for test in of_claim:
            low, high = test.interval
            setting = test.setting
            table.add_row(
                f"{_source(test)}: {setting['setup']} {setting['prompt']} {setting['averaging']}",
                setting["selector"],
                str(len(test.models)),
                f"{test.effect:.1f} [{low:.1f}, {high:.1f}]",
                "<0.0001" if test.p_value_corrected < 0.0001 else f"{test.p_value_corrected:.4f}",
                test.verdict,
            )
        console.print(table)
        console.print(_in_words(claim, of_claim))
        # With and without the selecting model the same is to be noted; once is enough.
        for test in of_claim:
            if test.setting["selector"] == "included":
                for note in test.notes:
                    console.print(f"Note, {_source(test)}: {note}.")
        console.print(f"Assumed: {_ASSUMED[claim]}")
        console.print()


def _source(test: ClaimTest) -> str:
    return " ".join([test.source, " and ".join(test.tables)]).strip()


def _in_words(claim: str, tests: Sequence[ClaimTest]) -> str:
    supported = sum(test.verdict == "supported" for test in tests)
    contradicted = sum(test.verdict == "not supported" for test in tests)
    answer = f"{claim} is supported in {supported} of {len(tests)} settings"
    if contradicted:
        answer += f" and contradicted in {contradicted}"
    if claim == "C1":
        return (
            f"{answer}. A drop alone does not say why: the counter photos may be harder for every model, and one "
            "CLIP's failures selected them (the selector, ViT/B/32 LAION400M)."
        )
    open_settings = [test for test in tests if test.verdict != "supported"]
    if open_settings:
        named = {
            f"{test.source}, {test.setting['prompt']} prompt, {test.setting['averaging']}" for test in open_settings
        }
        answer += f"; not with: {'; '.join(sorted(named))}"
    return f"{answer}. A negative effect means that CLIPs lose more than the line through the ImageNet models predicts."
