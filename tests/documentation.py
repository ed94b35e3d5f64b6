"""The pages that tests read for commands, numbers and words; each is the text as it stands."""

from tests.conftest import ROOT

README, FINDINGS, USE, EVALUATE, REPAIRS, THEORY = (
    (ROOT / name).read_text()
    for name in (
        "README.md",
        "docs/findings.md",
        "docs/use.md",
        "docs/evaluate.md",
        "docs/repairs.md",
        "docs/theory/README.md",
    )
)


def words_of(*pages):
    """The words of pages, one space between them, whatever the lines."""
    return " ".join(" ".join(pages).split())
