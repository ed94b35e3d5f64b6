"""Benchmarks: the table's ratios, that our output is read right, and that both sides do the same work."""

import json

import numpy as np
import pytest

from benchmarks.compare import seconds_of_sweep, table
from benchmarks.work import Sweep, sweep_options


def test_ratios_are_those_of_medians():
    rows = {
        "JAX, cold": {"whole": 4.0, "import": 1.0, "compile": 2.0, "run": 1.0, "gigabytes": 0.5},
        "JAX, again": {"whole": 2.0, "import": 1.0, "compile": 0.5, "run": 0.5, "gigabytes": 0.5},
        "peer": {"whole": 10.0, "compile": 0.0, "run": 6.0, "gigabytes": 1.0},
    }
    assert table(rows).splitlines()[-1] == "| peer | 10.0 |  | 0.0 | 6.0 | 2.50 | 12.00 | 1.0 |"


@pytest.mark.slow
def test_both_sides_of_the_sweep_learn_the_same_and_ours_prints_what_is_measured(
    run_program, tmp_path, monkeypatch, capsys
):
    """The benchmark's sweep with the ends and the middle of its ratios."""
    of = Sweep(ratios=(0.5, 1.0, 3))
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
