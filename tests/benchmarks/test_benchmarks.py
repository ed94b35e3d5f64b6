"""Benchmarks: the table's ratios, that our output is read right, and that both sides do the same work."""

import dataclasses
import json
import time

import numpy as np
import pytest

from benchmarks import repairs
from benchmarks.compare import seconds_of_sweep, table
from benchmarks.work import Row, Sweep, row_options, sweep_options, write_digits
from sims.colored_digits.design import Design
from sims.colored_digits.digits import read_digits
from theory.names import REPAIRS


def test_ratios_are_those_of_medians():
    rows = {
        "JAX, cold": {"whole": 4.0, "import": 1.0, "compile": 2.0, "run": 1.0, "gigabytes": 0.5},
        "JAX, again": {"whole": 2.0, "import": 1.0, "compile": 0.5, "run": 0.5, "gigabytes": 0.5},
        "peer": {"whole": 10.0, "compile": 0.0, "run": 6.0, "gigabytes": 1.0},
    }
    assert table(rows).splitlines()[-1] == "| peer | 10.0 |  | 0.0 | 6.0 | 2.50 | 12.00 | 1.0 |"


def test_every_repair_takes_its_turn_beside_the_forward_pass(monkeypatch):
    """With a tower that takes a hundredth of a second for its 64 photos."""
    monkeypatch.setattr(repairs, "_forward", lambda: lambda: time.sleep(0.01))
    seconds = repairs.measure(3, 2, 2)
    assert list(seconds) == ["forward", "plain", *REPAIRS] and {len(times) for times in seconds.values()} == {2}
    assert min(seconds["forward"]) >= 0.01 / 64


@pytest.mark.slow
def test_both_sides_of_the_sweep_learn_the_same_and_ours_prints_what_is_measured(
    run_program, tmp_path, monkeypatch, capsys
):
    """The benchmark's sweep with the ends and the middle of its ratios, and a quarter of its steps."""
    of = Sweep(ratios=(0.5, 1.0, 3), steps=125)
    done = run_program("sims.sweep", *sweep_options(of).split(), "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(seconds_of_sweep(done.stdout)) == {"import", "compile", "run"}
    with np.load(tmp_path / "sweep.npz") as archive:
        ours = archive["accuracy"].reshape(of.ratios[-1], of.seeds, 2, 2)  # ratios, seeds, prompts, groups
    pytest.importorskip("torch")
    from benchmarks import pytorch_sweep

    monkeypatch.setattr(pytorch_sweep, "Sweep", lambda: of)
    monkeypatch.setattr("sys.argv", ["pytorch_sweep"])
    pytorch_sweep.main()
    theirs = np.array(json.loads(capsys.readouterr().out)["accuracy"])
    error = ours.std(axis=1, ddof=1) * np.sqrt(2 / of.seeds)
    # Five standard errors of a difference, and a point for its own estimate from eight runs; 12 comparisons.
    assert np.all(np.abs(ours.mean(axis=1) - theirs) < 5 * error + 0.01)


@pytest.mark.slow
def test_both_sides_of_a_row_of_digits_learn_the_same(run_program, tmp_path, monkeypatch, capsys):
    """On scikit-learn's zeros and ones, which every learner reads: each one's accuracies on reversed colours."""
    pytest.importorskip("torch")
    from benchmarks import pytorch_digits

    of = Row(seeds=12, steps=200, batch=64, learning_rate=0.01)
    parts = {"train": read_digits(2).train, "t10k": read_digits(2).test}
    write_digits(
        tmp_path,
        {split: np.round(255 * part.images) for split, part in parts.items()},
        {split: part.labels for split, part in parts.items()},
    )
    done = run_program("sims.colored_digits", *row_options(of, tmp_path).split(), "--out", tmp_path / "ours")
    assert done.returncode == 0, done.stderr
    ours = {row["objective"]: row for row in json.loads(done.stdout)["results"]}

    def shares_of(row, *options):
        monkeypatch.setattr(pytorch_digits, "Row", lambda: row)
        monkeypatch.setattr("sys.argv", ["pytorch_digits", str(tmp_path), *options])
        pytorch_digits.main()
        return np.array(json.loads(capsys.readouterr().out)["shares"])

    shares = shares_of(of)
    # From one seed: one or two of the 60 images of a digit may fall on the other side by rounding.
    few = dataclasses.replace(of, seeds=2, steps=100)
    np.testing.assert_allclose(shares_of(few, "--grouped", "--channels-last"), shares_of(few), atol=2 / 60)
    design = Design(2, of.invariant_ratio, of.spurious_ratio)
    one = np.stack([1 - shares, shares])  # answer, run, learner, digit, colour
    cells = design.label_given_digit[:, :, None] * design.reversed_colours[None]  # digit, label, colour
    theirs = np.einsum("lrndc,dlc->rn", one, cells) / 2
    for learner, name in enumerate(pytorch_digits.LEARNERS):
        error = np.hypot(ours[name]["rev_std"], 100 * theirs[:, learner].std(ddof=1)) / np.sqrt(of.seeds)
        # Four standard errors: four comparisons. InfoNCE is 19 points from cross-entropy.
        assert abs(ours[name]["rev_mean"] - 100 * theirs[:, learner].mean()) < 4 * error, name
