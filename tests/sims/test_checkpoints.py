"""Long runs: stopped and started again they end with the same bits, and nothing that was kept is lost."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from sims.contrastive.program import main
from tests.conftest import ROOT, single_precision

PROGRAM = [sys.executable, "-m", "sims.contrastive"]
TINY = ["--image-dim", "4", "--text-dim", "4", "--embed-dim", "2", "--batch-size", "16", "--seeds", "2"]
# A data set whose order is part of what a checkpoint keeps; steps enough that the run can be stopped on its way: its
# first pieces are of a few steps.
STEPS = 2000
LONG = ["--objective", "infonce", *TINY, "--samples", "48", "--steps", str(STEPS), "--checkpoint-seconds"]
OFTEN, CALM = [*LONG, "0"], [*LONG, "1000"]  # calm: no checkpoint but the one at an interruption


def start(arguments, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [*PROGRAM, *arguments, "--out", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def run_here(arguments, folder):
    """The program in this process, in single precision as a user runs it: its exit code, and what it says."""
    message = io.StringIO()
    with single_precision(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(message):
        return main([*arguments, "--out", str(folder)]), message.getvalue()


def kept(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").glob("*") if path.name.isdigit())


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """The figure is drawn in test_contrastive_program.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sims.contrastive.figure.draw", lambda *_: Figure())
        yield


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    code, message = run_here(CALM, folder)
    assert code == 0, message
    assert not (folder / "checkpoints").exists()  # the result is all that stays
    with np.load(folder / "arrays.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A folder whose run was interrupted while it trained, and what it said."""
    folder = tmp_path_factory.mktemp("interrupted")
    ordinary = signal.getsignal(signal.SIGINT)

    def interrupt():
        deadline = time.monotonic() + 200
        while signal.getsignal(signal.SIGINT) is ordinary and time.monotonic() < deadline:
            time.sleep(0.02)
        if signal.getsignal(signal.SIGINT) is not ordinary:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code, message = run_here(CALM, folder)
    thread.join()
    assert code == 130, message
    return folder, message


def same(folder, unbroken):
    with np.load(folder / "arrays.npz") as archive:
        assert archive.files == list(unbroken)
        return all(archive[name].tobytes() == unbroken[name].tobytes() for name in archive.files)


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_it_has_and_goes_on(interrupted, unbroken, tmp_path):
    folder, message = interrupted
    (step,) = kept(folder)
    assert 0 < step < STEPS and f"interrupted; the same command goes on from step {step}" in message
    again = shutil.copytree(folder, tmp_path / "again")
    code, message = run_here(CALM, again)
    assert code == 0, message
    assert same(again, unbroken)


@pytest.mark.slow
def test_a_killed_run_ends_the_same_bit_for_bit(unbroken, tmp_path):
    with start(OFTEN, tmp_path) as process:
        deadline = time.monotonic() + 200
        while len(kept(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert kept(tmp_path) and not (tmp_path / "result.json").exists()
    code, message = run_here(CALM, tmp_path)
    assert code == 0, message
    assert same(tmp_path, unbroken)


@pytest.mark.slow
def test_a_terminated_process_ends_the_same_bit_for_bit(unbroken, tmp_path):
    """As Ctrl-C above, which this process sends to itself."""
    with start(CALM, tmp_path) as process:
        deadline = time.monotonic() + 100
        while not caught(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
        message = process.stderr.read()
    (step,) = kept(tmp_path)
    assert f"interrupted; the same command goes on from step {step}" in message
    code, message = run_here(CALM, tmp_path)
    assert code == 0, message
    assert same(tmp_path, unbroken)


def caught(process):
    """Whether the program has taken over SIGTERM, as it does while it trains."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return int(mask, 16) >> (signal.SIGTERM - 1) & 1


def test_checkpoints_of_another_run_and_broken_ones_are_refused_and_kept(interrupted, refused, tmp_path):
    folder = shutil.copytree(interrupted[0], tmp_path / "other")
    before = kept(folder)
    refused("sims.contrastive", *CALM, "--mu-spu", "3", "--out", folder, words=["another run", "mu_spu", "delete"])
    assert kept(folder) == before
    for path in (folder / "checkpoints" / str(before[-1])).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("sims.contrastive", *CALM, "--out", folder, words=["--out", "checkpoints cannot be read", "delete"])
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
