"""The result files that the page reads: what each holds, and the command that makes it."""

import dataclasses

REPORT = "report.json"


@dataclasses.dataclass(frozen=True)
class Source:
    """One result file.

    Attributes:
        holds: in a few words.
        command: that makes it, in a checkout, with results in `results/`.
    """

    holds: str
    command: str


SOURCES = {
    "claims.json": Source(
        "the paper's claims put to the published accuracies", "python -m realdata.claims --json results/claims.json"
    ),
    "audit.json": Source("the printed tables, checked", "python -m realdata.audit --json results/audit.json"),
    "reliance.json": Source(
        "the theory's line fitted to the published accuracies",
        "python -m realdata.reliance --json results/reliance.json",
    ),
    "selector.json": Source(
        "what the selecting model's drop owes to its selection",
        "python -m realdata.curate --published --json results/selector.json",
    ),
    "contrastive/result.json": Source(
        "the main job: objectives trained side by side on the synthetic model", "python -m sims.contrastive"
    ),
    "map.json": Source(
        "closed forms for every loss, caption and prompt", "python -m theory map --json results/map.json"
    ),
    "colored_digits_table/table.json": Source(
        "contrastive and supervised learners on coloured digits", "python -m sims.colored_digits table"
    ),
    "added.json": Source("models of your own", "python -m paper_figs --with DIR"),
    REPORT: Source("what this page counts in the files above", "python -m paper_figs"),
}


def remedy(file: str) -> str:
    """How to make a result file, as the end of a sentence."""
    source = SOURCES.get(file)
    return f"make it with: {source.command}" if source else "it is not one that the report knows"
