"""The page with all of the evidence: the commands that make it run as written, and its numbers are the programs'."""

import dataclasses
import json
import re

import pytest

from published.directory import DIRECTORY
from realdata.audit.audit import audit_tables
from realdata.claims.evaluate import evaluate_claims
from tests.conftest import ROOT
from tests.documentation import OF_EVIDENCE, OTHERS, run, run_all
from tests.paper_figs.report.page_reader import false_numbers, stray_numbers


@pytest.mark.slow
def test_commands_of_the_evidence_run(tmp_path):
    """What they need of the simulations is made first, by the page's own command."""
    (export,) = (command for command in OTHERS if "colored_digits export" in command)
    assert len(OF_EVIDENCE) >= 10
    run_all([export, *OF_EVIDENCE], tmp_path)
    check_report(tmp_path / "results")
    assert (tmp_path / "results" / "figures" / "forest.pdf").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["python -m theory --batch-size 64", "python -m realdata.claims --all"])
def test_short_commands_of_other_pages_run(command, tmp_path):
    """Those that take hours are only parsed, in tests/test_documentation.py; smaller ones of their kind run."""
    assert any(command.removeprefix("python -m ") in page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert run(command, tmp_path)


def check_report(folder):
    """Every number of a folder's page is that of a file beside it."""
    html = (folder / "report.html").read_text()
    files = set(re.findall(r'data-from="([^"#]+)#', html))
    assert {"claims.json", "audit.json", "reliance.json", "selector.json", "report.json"} <= files
    contents = {file: json.loads((folder / file).read_text()) for file in files}
    assert stray_numbers(html) == [] and false_numbers(html, contents) == []


@pytest.mark.slow
def test_shipped_page_is_what_the_commands_make():
    """The page of docs/results, and the numbers beside it against the programs as they are now."""
    shipped = ROOT / "docs" / "results"
    check_report(shipped)
    for name, now in (
        ("claims.json", [dataclasses.asdict(test) for test in evaluate_claims()]),
        ("audit.json", audit_tables(DIRECTORY).as_json()["findings"]),
    ):
        then = json.loads((shipped / name).read_text())["claims" if name == "claims.json" else "findings"]
        keys = ("claim", "question", "setting", "verdict") if name == "claims.json" else ("table", "row", "severity")
        assert [[row[key] for key in keys] for row in then] == [[row[key] for key in keys] for row in now]
