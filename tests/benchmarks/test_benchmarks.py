"""Benchmarks: the table's ratios, that our output is read right, and that both sides do the same work."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.compare import seconds_of_sweep, table
from benchmarks.work import Sweep, sizes
from tests.conftest import ROOT


def test_ratios_are_those_of_medians():
    rows = {
        "JAX, cold": {"whole": 4.0, "import": 1.0, "compile": 2.0, "run": 1.0, "gigabytes": 0.5},
        "JAX, again": {"whole": 2.0, "import": 1.0, "compile": 0.5, "run": 0.5, "gigabytes": 0.5},
        "peer": {"whole": 10.0, "compile": 0.0, "run": 6.0, "gigabytes": 1.0},
    }
    assert table(rows).splitlines()[-1] == "| peer | 10.0 |  | 0.0 | 6.0 | 2.50 | 12.00 | 1.0 |"


@pytest.mark.slow
def test_what_is_measured_of_a_sweep_is_what_it_prints(run_program, tmp_path):
    tiny = ["--image-dim", 4, "--text-dim", 4, "--embed-dim", 2, "--batch-size", 16, "--steps", 20, "--seeds", 1]
    done = run_program("sims.sweep", *tiny, "--out", tmp_path)
    assert set(seconds_of_sweep(done.stdout)) == {"import", "compile", "run"}


@pytest.mark.slow
def test_both_sides_of_the_sweep_learn_the_same(run_program, tmp_path):
    pytest.importorskip("torch")
    of = Sweep()
    start, stop, count = of.ratios
    ratios = f"{start}:{stop}:{count}"
    done = run_program(
        *(
            "sims.sweep",
            "--spurious-ratio",
            ratios,
            "--steps",
            of.steps,
            *sizes(of).split(),
            "--seeds",
            of.seeds,
            "--out",
            tmp_path,
        )
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "sweep.npz") as archive:
        ours = archive["accuracy"].reshape(count, of.seeds, 2, 2)  # ratios, seeds, prompts, groups
    peer = subprocess.run(
        [sys.executable, "-m", "benchmarks.pytorch_sweep"], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    theirs = np.array(json.loads(peer.stdout)["accuracy"])
    error = ours.std(axis=1, ddof=1) * np.sqrt(2 / of.seeds)
    # Five standard errors of a difference, and a point for its own estimate from eight runs; 44 comparisons.
    assert np.all(np.abs(ours.mean(axis=1) - theirs) < 5 * error + 0.01)
