"""`python -m sims.contrastive` as a user runs it, on small sizes."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from sims.contrastive.program import main
from sims.contrastive.result import load
from sims.training.config import ContrastiveConfig
from theory import GROUPS, SpuriousModel, predict
from theory.predictions import BATCH_FREE

SMALL = ("--image-dim", 4, "--text-dim", 4, "--steps", 100, "--seeds", 3, "--batch-size", 32)


def test_what_is_trained_unless_told_otherwise():
    contrastive, supervised = ["linearized", "infonce", "infonce_bilinear", "siglip"], ["least_squares", "logistic"]
    assert list(ContrastiveConfig().learners) == contrastive + supervised


def test_json_files_and_figure(call_program, tmp_path):
    """Small enough to be quick, and long enough to converge: what has a closed form agrees with it."""
    asked = ("--objective", "infonce,linearized", "--steps", 1600)
    done = call_program("sims.contrastive", "--spurious-ratio", "0.8", *SMALL, *asked, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no terminal, no progress
    printed = json.loads(done.stdout)
    content, arrays = load(tmp_path / "results" / "contrastive")
    assert content == printed
    learners = [(row["learner"], row["prompt"]) for row in content["results"]]
    assert learners == [(name, prompt) for name in ("linearized", "infonce") for prompt in ("label", "class-mean")] + [
        ("least_squares", None),
        ("logistic", None),
    ]
    known = predict(_model(content), 8, learners=BATCH_FREE)
    theory = {(row.learner, row.prompt): row.accuracy for row in known}
    for row in content["results"]:
        assert list(row["accuracy"]) == list(row["stderr"]) == list(GROUPS)
        expected = theory.get((row["learner"], row["prompt"]))
        assert row["theory"] == (expected and pytest.approx(expected, rel=1e-9))
        assert row["converged"] and row["agrees"] is (None if row["theory"] is None else True)
        assert isinstance(row["note"], str) == (row["theory"] is None) == (row["learner"] == "infonce")
        runs = arrays[f"{row['learner']}.accuracies"]
        index = 0 if row["prompt"] is None else content["config"]["prompt"].index(row["prompt"])
        np.testing.assert_allclose(row["accuracy"]["conflicting"], runs[:, index, 1].mean(), rtol=1e-6)
        mixture = 0.8 * row["accuracy"]["aligned"] + 0.2 * row["accuracy"]["conflicting"]
        np.testing.assert_allclose(row["accuracy"]["in_distribution"], mixture, rtol=1e-6)
    assert content["config"]["spurious_ratio"] == 0.8 and content["config"]["seeds"] == 3
    assert content["verdict"]["answer"] in ("yes", "no", "depends", "inconclusive")
    assert {"compile", "train", "total"} <= set(content["seconds"])
    assert {"python", "jax", "device"} <= set(content["versions"])
    figure = (tmp_path / "results" / "contrastive" / "figure.png").read_bytes()
    assert figure.startswith(b"\x89PNG")


def _model(content):
    names = SpuriousModel.__dataclass_fields__
    return SpuriousModel(**{name: content["config"][name] for name in names})


@pytest.mark.slow
def test_same_command_same_numbers(call_program, tmp_path, monkeypatch):
    monkeypatch.setattr("sims.contrastive.figure.draw", lambda *_: Figure())  # is drawn above
    command = ("sims.contrastive", *SMALL, "--steps", 40, "--objective", "linearized", "--samples", 64)
    contents = []
    for folder in ("first", "second"):
        assert call_program(*command, "--out", folder).returncode == 0
        contents.append(load(tmp_path / folder))
    assert contents[0][0]["results"] == contents[1][0]["results"]
    for name, array in contents[0][1].items():
        np.testing.assert_array_equal(array, contents[1][1][name])
    other = call_program(*command, "--out", "third", "--seed", 1)
    assert other.returncode == 0
    assert load(tmp_path / "third")[0]["results"] != contents[0][0]["results"]


@pytest.mark.slow
@pytest.mark.parametrize("ratio", ["0.5", "1.0"])
def test_ends_of_the_ratio_work_with_one_run_and_one_prompt(call_program, tmp_path, ratio):
    done = call_program(
        *("sims.contrastive", "--spurious-ratio", ratio, *SMALL, "--seeds", 1),
        *("--objective", "siglip", "--prompt", "label", "--embed-dim", 1),
    )
    assert done.returncode == 0, done.stderr
    assert "A single run has no error to judge by" in done.stdout


@pytest.mark.slow
def test_table_reads_on_a_narrow_terminal(call_program):
    done = call_program("sims.contrastive", *SMALL, "--objective", "linearized", "--prompt", "label")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no terminal, no progress
    for words in (
        "linearized",
        "conflicting",
        "* Not converged",
        "Theorem 6.2 as printed",
        "Written to results/contrastive",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--spurious-ratio", "1.2"], ["--spurious-ratio", "[0.5, 1]", "1.2"]),
        (["--sigma-spu", "-0.5"], ["--sigma-spu", "at least 0", "-0.5"]),
        (["--text-dim", "1"], ["--text-dim", "at least 2", "1"]),
        (["--embed-dim", "0"], ["--embed-dim", "at least 1", "0"]),
        (["--objective", "clip"], ["--objective", "linearized, infonce", "clip"]),
        (["--samples", "10"], ["--batch-size", "--samples", "10"]),
        (["--seeds", "two"], ["--seeds", "whole number", "two"]),
        (["--learning-rate", "-1"], ["--learning-rate", "above 0", "-1"]),
        (["--out", "taken"], ["--out", "taken"]),
        (["--out", "taken/below"], ["--out", "taken"]),
        (["--out", ""], ["--out", "path"]),
        (["--json", "taken/x.json"], ["--json", "taken"]),
        (["--json", "."], ["--json", "directory"]),
        (["--image-dim", "1000000"], ["--image-dim", "GB"]),
        (["--batch-size", "100000000000"], ["--batch-size", "GB"]),
        (["--steps", "99999999999999999999"], ["--steps", "below"]),
    ],
)
def test_wrong_input_gets_one_line_and_writes_nothing(refuses, tmp_path, arguments, words):
    (tmp_path / "taken").write_text("a file, no directory")
    refuses(main, *arguments, words=words)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_divergence_ends_with_one_and_leaves_earlier_results(call_program, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "result.json").write_text("earlier")
    too_fast = ("--objective", "linearized", "--learning-rate", "1e30")
    done = call_program("sims.contrastive", *SMALL, *too_fast, "--out", out)
    assert done.returncode == 1
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert "diverged" in done.stderr
    assert [path.read_text() for path in out.iterdir()] == ["earlier"]


def test_load_names_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"holds no result of sims\.contrastive"):
        load(tmp_path)
