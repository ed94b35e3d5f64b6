"""`python -m theory` as a user runs it."""

import inspect
import json
from dataclasses import fields

import pytest

import theory
from theory import SpuriousModel
from theory.program import main
from theory.report import report


def test_json_is_the_report(call_program):
    done = call_program("theory", "--spurious-ratio", "0.8", "--mu-spu", "1.25", "--json", "-")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    expected = report(SpuriousModel(spurious_ratio=0.8, mu_spu=1.25), embed_dim=8)
    assert printed["model"] == expected["model"]
    assert printed["printed"]["conditions_hold"] is False  # 1.25 < 1.5
    for mine, theirs in zip(expected["predictions"], printed["predictions"], strict=True):
        wanted = mine["accuracy"]  # None for nCLIP, which is not known at this width
        assert theirs["accuracy"] == (wanted and pytest.approx(wanted, rel=1e-12))
        assert theirs["direction"] == (mine["direction"] and pytest.approx(mine["direction"], rel=1e-9))


def test_tables_show_printed_beside_derived(call_program):
    done = call_program("theory", "--spurious-ratio", "0.5", "--embed-dim", "1")
    assert done.returncode == 0, done.stderr
    for words in ("least_squares", "printed", "derived", "undecided", "Conditions that fail: p_spu > 1/2"):
        assert words in done.stdout


def test_it_says_for_batches_of_which_size(call_program):
    learner = ("--learner", "infonce_bilinear")
    infinite, of_four = (call_program("theory", *learner, *words).stdout for words in ([], ["--batch-size", "4"]))
    assert "infonce_*, siglip: the best bilinear critic for infinitely large batches." in infinite
    assert "infonce_*: the best bilinear critic for batches of 4 pairs." in of_four


def test_the_model_shows_its_parameters():
    assert list(inspect.signature(SpuriousModel).parameters) == [field.name for field in fields(SpuriousModel)]
    assert set(dir(theory)) == set(theory.__all__)
    with pytest.raises(AttributeError, match="module 'theory' has no attribute 'acuracy'"):
        theory.acuracy  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--spurious-ratio", "0.3"], ["--spurious-ratio", "[0.5, 1]", "0.3"]),
        (["--sigma-inv", "-1"], ["--sigma-inv", "at least 0", "-1"]),
        (["--image-dim", "1"], ["--image-dim", "at least 2", "1"]),
        (["--embed-dim", "0"], ["--embed-dim", "at least 1", "0"]),
        (["--batch-size", "1"], ["--batch-size", "at least 2", "1"]),
        (["map", "--batch-size", "64"], ["--batch-size", "left out", "64"]),
        (["boundary", "--learner", "siglip"], ["--learner", "left out", "siglip"]),
        (["map", "--learner", "logistic"], ["--learner", "also one of linearized", "logistic"]),
        (["repairs", "--prompt", "class-mean"], ["--prompt", "left out", "class-mean"]),
        (["map", "--shared-size", "1"], ["--shared-size", "--pairs", "1"]),
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
