"""Long runs: stopped and started again they end with the same bits, and nothing that was kept is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

PROGRAM = [sys.executable, "-m", "sims.contrastive"]
TINY = ["--image-dim", "4", "--text-dim", "4", "--embed-dim", "2", "--batch-size", "16", "--seeds", "2"]
# A data set whose order is part of what a checkpoint keeps; steps enough that the run can be stopped on its way.
LONG = ["--objective", "infonce", *TINY, "--samples", "48", "--steps", "10000", "--checkpoint-seconds", "0"]


def start(arguments, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [*PROGRAM, *arguments, "--out", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def kept(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").glob("*") if path.name.isdigit())


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    with start(LONG, folder) as process:
        assert process.wait(300) == 0, process.stderr.read()
    assert not (folder / "checkpoints").exists()  # the result is all that stays
    with np.load(folder / "arrays.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder whose run was killed after its second checkpoint."""
    folder = tmp_path_factory.mktemp("killed")
    with start(LONG, folder) as process:
        deadline = time.monotonic() + 200
        while len(kept(folder)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert kept(folder) and not (folder / "result.json").exists()
    return folder


def same(folder, unbroken):
    with np.load(folder / "arrays.npz") as archive:
        assert archive.files == list(unbroken)
        return all(archive[name].tobytes() == unbroken[name].tobytes() for name in archive.files)


@pytest.mark.slow
def test_a_killed_run_ends_the_same_bit_for_bit(killed, unbroken, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "again")
    with start(LONG, folder) as process:
        assert process.wait(300) == 0, process.stderr.read()
    assert same(folder, unbroken)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on(number, unbroken, tmp_path):
    calm = [*LONG[:-1], "1000"]  # no checkpoint but the one at the interruption
    with start(calm, tmp_path) as process:
        deadline = time.monotonic() + 100
        while not caught(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(60) == 130
        message = process.stderr.read()
    (step,) = kept(tmp_path)
    assert f"interrupted; the same command goes on from step {step}" in message
    with start(calm, tmp_path) as process:
        assert process.wait(300) == 0, process.stderr.read()
    assert same(tmp_path, unbroken)


def caught(process):
    """Whether the program has taken over SIGTERM, as it does while it trains."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return int(mask, 16) >> (signal.SIGTERM - 1) & 1


def test_checkpoints_of_another_run_and_broken_ones_are_refused_and_kept(killed, refused, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "other")
    before = kept(folder)
    refused("sims.contrastive", *LONG, "--mu-spu", "3", "--out", folder, words=["another run", "mu_spu", "delete"])
    assert kept(folder) == before
    for path in (folder / "checkpoints" / str(before[-1])).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("sims.contrastive", *LONG, "--out", folder, words=["--out", "checkpoints cannot be read", "delete"])
    assert kept(folder) == before


def test_divergence_says_step_and_run_and_keeps_the_last_good_checkpoint(call_program, tmp_path):
    """A learning rate at which the linearised loss, a quartic, runs away."""
    arguments = ["--objective", "linearized", "--learning-rate", "1e20", "--steps", "200", "--checkpoint-seconds", "0"]
    done = call_program("sims.contrastive", *TINY, *arguments, "--out", tmp_path / "out")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    step = int(done.stderr.partition("diverged at step ")[2].split()[0])
    assert " in run " in done.stderr and "--learning-rate smaller than 1e+20" in done.stderr
    assert kept(tmp_path / "out") and max(kept(tmp_path / "out")) < step
    assert not (tmp_path / "out" / "result.json").exists()
