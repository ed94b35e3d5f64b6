"""`python -m theory repairs`: what each repair does to the worse group, on one screen."""

import json

import pytest

import theory
from theory import Caption, SpuriousModel
from theory.repaired import repair_map

MODEL = SpuriousModel(spurious_ratio=0.86, mu_spu=1.3)


def test_rows_are_the_front_doors():
    answer = repair_map(MODEL, [Caption("latent")], ["linearized"])
    json.dumps(answer, allow_nan=False)
    assert [row["repair"] for row in answer["map"]] == [*theory.REPAIRS, *theory.PROBES]
    (plain,) = answer["plain"]
    label = theory.accuracy(MODEL, "linearized")
    assert plain["accuracy"] == pytest.approx(dict(zip(theory.GROUPS, map(float, label), strict=True)), abs=1e-12)
    worse = float(label.conflicting)  # it leans on the background
    for row in answer["map"]:
        if row["repair"] not in ("tie", "subtract"):
            continue
        found = theory.repair(MODEL, "linearized", row["repair"])
        assert row["change"] == pytest.approx(float(min(found.aligned, found.conflicting)) - worse, abs=1e-12)
        assert row["harms"] == (float(found.aligned) < float(label.aligned))
    # Logistic regression on groups of equal mass ignores the background (S25), as the best prompt does.
    probed = theory.repair(MODEL, "linearized", "balanced_probe")
    assert answer["ceiling"] == pytest.approx(float(probed.uniform), abs=1e-12)
    assert max(row["change"] for row in answer["map"]) <= answer["ceiling"] - worse + 1e-12


def test_captions_that_never_name_the_background_leave_nothing_to_repair():
    answer = repair_map(MODEL, [Caption("label")], ["linearized"])
    known = {row["repair"]: row["change"] for row in answer["map"] if row["note"] is None}
    assert set(known) == {"perception", "subtract", "mixture", *theory.PROBES}
    for name in ("perception", "subtract", "mixture"):
        assert known[name] == pytest.approx(0.0, abs=1e-12)


def test_program_shows_one_screen_and_refuses_in_a_line(call_program):
    shown = call_program("theory", "repairs", "--learner", "linearized", "--spurious-ratio", "0.86")
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) <= 24
    for words in ("projection", "balanced probe", "whitened 0.5", "* the other group loses"):
        assert words in shown.stdout
    done = call_program("theory", "repairs", "--learner", "logistic")
    assert done.returncode == 2 and "--learner" in done.stderr and len(done.stderr.splitlines()) == 1
    done = call_program("theory", "repairs", "--batch-size", "64")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
