"""The rules raise nothing on clean tables, and find in the paper what was worked out by hand."""

import pandas as pd
import pytest

from published.directory import DIRECTORY
from realdata.audit.audit import RULES, audit_tables
from tests.conftest import ROOT
from tests.realdata.audit.conftest import SEEDS, copy_of, serious
from workbench.errors import InputError


@pytest.mark.parametrize("seed", SEEDS)
def test_clean_tables_raise_neither_errors_nor_warnings(seed, clean):
    audit = audit_tables(clean[seed])
    assert not serious(audit)
    assert not audit.corrections
    for found in audit.rounding:
        assert found.rounded == found.recomputed > found.cut


def test_every_number_of_the_main_tables_is_a_cell(real):
    rows = {name: len(pd.read_csv(DIRECTORY / name)) for name in ("results.csv", "classwise.csv", "classes.csv")}
    for name, numbers in (("results.csv", 3), ("classwise.csv", 3), ("classes.csv", 2)):
        assert sum(cell.file == name for cell in real.cells) == numbers * rows[name]
    rules = {rule for cell in real.cells for rule in cell.rules}
    assert rules <= set(RULES)
    cells = {(cell.file, cell.line, cell.column): cell for cell in real.cells}
    assert len(cells) == len(real.cells)
    for finding in real.findings:
        assert finding.rule in RULES
        assert cells[finding.place].status in ("error", finding.severity)
    assert {cell.status for cell in real.cells} == {"error", "warning", "note", "consistent", "unchecked"}


def test_what_is_wrong_in_the_paper(real):
    """Each of these was worked out by hand from the printed numbers, and stands in docs/audit.md with its evidence."""
    errors = {(finding.table, finding.row, finding.column): finding for finding in real.findings
              if finding.severity == "error"}  # fmt: skip
    for where, expected, proposal in (
        (("10", "ViT/B/16 LAION400M", "drop"), "18.03", None),  # 76.20 - 58.17
        (("10", "ViT/G/14 LAION2B", "drop"), "9.97, or common 88.17 or counter 76.2", None),  # 87.17 - 77.20
        (("14", "RN50 ImageNet1K", "drop"), "15.12", None),  # 83.72 - 68.60
        (("10", "ViT/bigG/14 LAION2B", "common"), "not 87.57", None),  # Table 3's row
        (("5", "ViT/L/14 OpenAI", "common"), "86.38", None),  # Table 13; Table 5 repeats Table 3
        (("16", "scorpion, ViT/B/32 LAION2B", "drop"), "27.32", None),  # 53/79 - 105/264
        (("16", "lion, ViT/B/32 OpenAI", "counter"), "66.22", "66.22"),  # 147/222, and the drop of 19.34
        (("16", "ice bear, ViT/B/32 OpenAI", "counter"), "83.64", "83.64"),  # 92/110, and the drop of 16.36
        (("Fig. 3", "prairie chicken", "common_photos"), "259", "259"),  # 221/259 = 85.33%, 155/259 = 59.85%, ...
        (("section 4", "all common photos", "photos"), "7408", None),  # 7174 - 25 + 259
        (("3", "ViT/B/32 LAION400M", "common"), "67.18", None),  # the mean of Table 15's column
        (("11", "ViT/L/14 LAION400M", "counter"), "61.09", None),  # 3620 of 5926 photos
        (("replication", "mink, ViT/bigG/14 LAION2B", "common"), "a whole number of 77 photos", None),  # 11/12
    ):
        assert errors[where].expected == expected
        assert (errors[where].proposal and errors[where].proposal.value) == proposal
    corrected = {(each.table, each.row, each.column): each.corrected for each in real.corrections}
    assert corrected["Fig. 3", "prairie chicken", "common_photos"] == "259"
    assert corrected["5", "ViT/L/14 OpenAI", "counter"] == "72.12"
    assert corrected["9", "ViT/B/32 LAION400M E31", "common"] == "67.18"  # repeats Table 3's number
    assert corrected["10", "ViT/G/14 LAION2B", "common"] is corrected["10", "ViT/bigG/14 LAION2B", "counter"] is None
    assert ("16", "scorpion, ViT/B/32 LAION2B", "common") not in corrected  # only its drop is wrong


def test_models_that_disagree_with_the_replication_in_another_way(real):
    standing = {(each.table, each.row): each for each in real.findings if each.rule == "replication: averages"}
    assert "QuickGELU" in standing["3", "ViT/B/32 LAION400M"].explanation
    assert "Class by class" in standing["3", "ViT/B/32 LAION400M"].explanation
    assert "picture size" in standing["3", "ConvNext/BW LAION2B"].explanation
    assert standing["3", "ViT/bigG/14 LAION2B"].severity == "note"  # its average is over fewer classes
    agreeing = ("ViT/B/16 OpenAI", "ViT/L/14 LAION2B", "ViT/B/32 OpenAI", "RN50 ImageNet1K", "VGG11 ImageNet1K")
    assert not {row for _, row in standing} & set(agreeing)


def test_how_the_tables_were_rounded(real):
    ways = {(each.table, each.what): (each.recomputed, each.rounded, each.cut) for each in real.rounding}
    assert ways["15", "class-wise accuracies"][:2] == (270, 270)
    recomputed, rounded, cut = ways["3", "balanced averages"]
    assert (recomputed, rounded, cut) == (10, 3, 7)  # counted by hand from the exact means, in docs/audit.md


def test_the_page_has_every_error_and_rule(real):
    page = (ROOT / "docs" / "audit.md").read_text()
    counts = real.counts()
    assert f"{counts['error']} errors, {counts['warning']} warnings and {counts['note']} notes" in page
    assert f"{len(real.cells):,} cells" in page
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    errors = [finding for finding in real.findings if finding.severity == "error"]
    for finding in errors:
        words = finding.row.split(", ")
        assert any(
            len(row) == 4 and row[1:3] == [finding.printed, finding.expected] and all(word in row[0] for word in words)
            for row in rows
        ), finding
    for found in real.rounding:
        numbers = [str(found.recomputed), str(found.rounded), f"{found.cut} |"]
        assert [f"| {found.what}, Table {found.table}", *numbers] in rows
    for rule in RULES:
        assert rule.removeprefix("replication: ") in page


def test_tables_are_audited_again_only_if_they_have_changed(clean, tmp_path):
    folder = copy_of(clean[0], tmp_path / "tables")
    first = audit_tables(folder)
    assert audit_tables(folder) is first
    table = folder / "classwise.csv"
    text = table.read_text()
    table.write_text(text.replace("ViT/B/16", "ViT/B/17", 1))
    with pytest.raises(InputError, match="ViT/B/17"):
        audit_tables(folder)
    table.write_text(text)
    assert audit_tables(folder) is first
