"""`python -m theory` as a user runs it."""

import json

import pytest

from theory import SpuriousModel
from theory.__main__ import main
from theory.report import report


def test_json_is_the_report(run_program):
    done = run_program("theory", "--spurious-ratio", "0.8", "--mu-spu", "1.25", "--json", "-")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    expected = report(SpuriousModel(spurious_ratio=0.8, mu_spu=1.25), embed_dim=8)
    assert printed["model"] == expected["model"]
    assert printed["printed"]["conditions_hold"] is False  # 1.25 < 1.5
    for mine, theirs in zip(expected["predictions"], printed["predictions"], strict=True):
        wanted = mine["accuracy"]  # None for nCLIP, which is not known at this width
        assert theirs["accuracy"] == (wanted and pytest.approx(wanted, rel=1e-12))
        assert theirs["direction"] == (mine["direction"] and pytest.approx(mine["direction"], rel=1e-9))


def test_tables_show_printed_beside_derived(run_program):
    done = run_program("theory", "--spurious-ratio", "0.5", "--embed-dim", "1")
    assert done.returncode == 0, done.stderr
    for words in ("least_squares", "printed", "derived", "undecided", "Conditions that fail: p_spu > 1/2"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--spurious-ratio", "0.3"], ["--spurious-ratio", "[0.5, 1]", "0.3"]),
        (["--sigma-inv", "-1"], ["--sigma-inv", "at least 0", "-1"]),
        (["--image-dim", "1"], ["--image-dim", "at least 2", "1"]),
        (["--embed-dim", "0"], ["--embed-dim", "at least 1", "0"]),
        (["--batch-size", "1"], ["--batch-size", "at least 2", "1"]),
        (["map", "--batch-size", "64"], ["--batch-size", "left out", "64"]),
        (["series", "--mu-spu", "2"], ["--mu-spu", "left out", "2"]),
        (["--prompt", "names"], ["--prompt", "label, class-mean", "names"]),
        (["--mu-spu", "much"], ["--mu-spu", "number", "much"]),
        (["--json", "taken/result.json"], ["--json", "taken"]),
        (["--ratio", "0.9"], ["--ratio"]),
    ],
)
def test_wrong_input_gets_one_line(refuses, tmp_path, arguments, words):
    (tmp_path / "taken").write_text("a file, no directory")
    refuses(main, *arguments, words=words)
