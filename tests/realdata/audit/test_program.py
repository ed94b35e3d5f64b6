"""The program, and what it says of wrong input."""

import json

import pytest

from published.directory import DIRECTORY
from realdata.audit.audit import RULES
from realdata.audit.program import main
from tests.realdata.audit.conftest import copy_of


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("results.csv", ",drop", ",dropped", ["results.csv", "lacks the column 'drop'"]),
        ("classwise.csv", "71.36", "much", ["classwise.csv", "line 2", "'common'", "'much'"]),
        ("classwise.csv", "LAION400M,ViT/B/16,1,", "LAION400M,ViT/B/17,1,", ["line 2", "'backbone'", "ViT/B/17"]),
        ("classwise.csv", "ViT/B/16,1,", "ViT/B/16,46,", ["classwise.csv", "line 2", "'class_id'", "'46'"]),
        ("results.csv", "clip,RN50,", "clip,RN51,", ["results.csv", "line 2", "'backbone'", "RN51 OpenAI"]),
        ("results.csv", "imagenet,VGG11,", "imagenet,VGG12,", ["results.csv", "'backbone'", "VGG12"]),
        ("replication_results.csv", "AlexNet", "AlexNut", ["replication_results.csv", "line 32", "AlexNut"]),
        ("replication_classwise.csv", "LAION2B,9,", "LAION2B,8,", ["line 2", "'imagenet_index'", "'8'"]),
        ("replication_classwise.csv", "90.196078", "190.2", ["line 2", "'common'", "'190.2'"]),
        ("replication_classwise.csv", "90.196078", "n/a", ["line 2", "'common'", "'n/a'"]),
        ("hub_ids.csv", "resnet50_clip.openai,1", "resnet50_clip.openai,yes", ["line 2", "'quick_gelu'", "'yes'"]),
        ("colored_coco.csv", "1.34", "", ["colored_coco.csv", "line 2", "'drop'"]),
        ("totals.csv", "common", "easy", ["totals.csv", "line 2", "'group'", "'easy'"]),
        ("multicolored_mnist.csv", "88.33", "x", ["multicolored_mnist.csv", "line 10", "'rest_mean'", "'x'"]),
    ],
)
def test_wrong_input_is_told_in_a_line(refuses, tmp_path, name, old, new, words):
    folder = copy_of(DIRECTORY, tmp_path / "tables")
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    refuses(main, "--published", folder, words=[name, *words])


def test_missing_files(refuses, tmp_path):
    refuses(main, "--published", tmp_path / "nowhere", words=["--published", "no directory"])
    folder = copy_of(DIRECTORY, tmp_path / "tables")
    (folder / "classwise.csv").unlink()
    refuses(main, "--published", folder, words=["classwise.csv", "no such file"])


def test_program_prints_findings_and_json(call_program, real, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr("realdata.audit.audit.audit_tables", lambda *given: asked.append(given) or real)
    done = call_program("realdata.audit", "--json", "-")
    assert done.returncode == 0 and done.stderr == ""
    printed = json.loads(done.stdout)
    assert printed["counts"] == real.counts() and printed["rules"] == RULES
    assert len(printed["findings"]) == len(real.findings) and len(printed["cells"]) == len(real.cells)
    keys = {
        "table",
        "row",
        "column",
        "printed",
        "expected",
        "rule",
        "severity",
        "explanation",
        "proposal",
        "file",
        "line",
    }
    assert all(set(finding) == keys for finding in printed["findings"])
    assert main([]) == 0 and asked == [(DIRECTORY,)] * 2  # of which `real` is the audit
    shown = capsys.readouterr().out
    assert f"{real.counts()['error']} errors, {real.counts()['warning']} warnings" in shown
    assert "Fig. 3, prairie chicken, common_photos: printed 25, expected 259" in shown
