"""Several processes as one run, on this machine's loopback address: the same results, and no orphan when one dies."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from sims.contrastive.program import main
from sims.training.config import ContrastiveConfig
from sims.training.devices import training_mesh
from tests.conftest import ROOT, assert_refused, called, free_port
from workbench.errors import ParameterError

ALL = "linearized,infonce,siglip"
TRAIN = f"sims.contrastive --objective {ALL} --image-dim 6 --text-dim 4 --embed-dim 2 --steps 60"
SWEEP = (
    "sims.sweep --objective linearized,least_squares --caption latent,label --spurious-ratio 0.6:1.0:3 --seeds 3 "
    "--image-dim 4 --text-dim 4 --embed-dim 2 --batch-size 16 --steps 20"
)
MINUTE = 60


def start(processes, folder, command, *more):
    """The command in that many processes, which find each other."""
    address = f"127.0.0.1:{free_port()}"
    words = [sys.executable, "-m", *command.split(), *more, "--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    where = ["--coordinator", address, "--processes", str(processes), "--process"]
    return [subprocess.Popen([*words, *where, str(index)], **options) for index in range(processes)]


def finish(started, seconds=240):
    """Output, errors and exit codes of all processes."""
    deadline = time.monotonic() + seconds
    try:
        found = [process.communicate(timeout=max(deadline - time.monotonic(), 1)) for process in started]
    finally:
        for process in started:
            process.kill()
            process.stdout.close()
            process.stderr.close()
    return [(*both, process.returncode) for both, process in zip(found, started, strict=True)]


def arrays(folder, name="arrays.npz"):
    with np.load(folder / name) as archive:
        return dict(archive)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "seeds", "objectives"),
    # Two processes split the batch of each of three runs; of four, two share each of two runs.
    [(2, 3, ALL), (4, 2, "infonce")],
)
def test_training_in_several_processes_is_training_in_one(tmp_path, monkeypatch, capsys, processes, seeds, objectives):
    monkeypatch.setenv("JAX_ENABLE_X64", "1")  # single precision would let rounding grow from step to step
    command = f"{TRAIN} --seeds {seeds}".replace(ALL, objectives)
    _, *arguments = command.split()
    assert called(main, [*arguments, "--out", tmp_path / "one"], capsys).returncode == 0
    (first, *others) = finish(start(processes, tmp_path / "several", command, "--json", "-"))
    assert first[2] == 0, first[1]
    assert json.loads(first[0])["versions"]["devices"] == str(processes)  # and nothing else is printed there
    assert all((output, code) == ("", 0) for output, _, code in others)
    one, several = arrays(tmp_path / "one"), arrays(tmp_path / "several")
    for name, values in one.items():
        # Sums over the batch in another order, in double precision: an image on the edge, if any.
        np.testing.assert_allclose(several[name], values, atol=1.01 / 2048)


@pytest.mark.slow
def test_a_sweep_split_by_host_is_the_sweep_of_one(call_program, tmp_path):
    module, *arguments = SWEEP.split()
    assert call_program(module, *arguments, "--out", tmp_path / "one").returncode == 0
    (first, second) = finish(start(2, tmp_path / "two", SWEEP))
    assert (first[2], second[2]) == (0, 0), (first, second)
    assert "Written to" in first[0] and second[0] == ""
    assert (tmp_path / "two" / "sweep.csv").read_bytes() == (tmp_path / "one" / "sweep.csv").read_bytes()


@pytest.mark.slow
def test_a_process_that_dies_ends_the_others_and_the_restart_goes_on(tmp_path):
    """The second dies, and in the restart the first."""
    command = f"{TRAIN} --seeds 1".replace("--steps 60", "--steps 500").replace(ALL, "infonce")
    checkpoints, step = tmp_path / "run" / "checkpoints", 0

    def reached():
        return max((int(path.name) for path in checkpoints.glob("*") if path.name.isdigit()), default=0)

    for dying in (1, 0):
        started = start(2, tmp_path / "run", command, "--checkpoint-seconds", "0")
        deadline = time.monotonic() + 200
        while reached() <= step and time.monotonic() < deadline:
            time.sleep(0.05)
        started[dying].send_signal(signal.SIGKILL)
        found = finish(started, MINUTE)[1 - dying]
        assert found[2] not in (0, None)
        assert "another process of this run has ended" in found[1] or "another task died" in found[1], found[1]
        assert reached() > step and not (tmp_path / "run" / "result.json").exists()
        step = reached()
    first, second = finish(start(2, tmp_path / "run", command))
    assert (first[2], second[2]) == (0, 0), (first, second)
    assert not checkpoints.exists() and (tmp_path / "run" / "result.json").exists()


def test_wrong_options_are_told_in_one_line(run_program, refused):
    module, *arguments = TRAIN.split()
    refused(module, *arguments, "--coordinator", "localhost:1234", words=["--processes", "--process", "go together"])
    refused(module, *arguments, "--distributed", "--process", 1, words=["--distributed", "needs none of them"])
    where = ("--processes", 2, "--process")
    refused(module, *arguments, "--coordinator", "nowhere", *where, 0, words=["HOST:PORT", "nowhere"])
    refused(module, *arguments, "--coordinator", "localhost:1234", *where, 2, words=["--process", "below", "got 2"])
    alone = run_program(module, *arguments, "--distributed")
    assert_refused(alone, ["did not find each other", "scheduler"])


def test_a_batch_that_two_devices_cannot_share_is_refused(monkeypatch):
    device = jax.devices()[0]
    monkeypatch.setattr(jax, "devices", lambda: [device, device])
    one, two = (ContrastiveConfig(batch_size=15, seeds=seeds) for seeds in (1, 2))
    with pytest.raises(ParameterError, match=r"a multiple of 2: so many devices share each of the 1 runs .*, got 15"):
        training_mesh(one)
    assert dict(training_mesh(two).shape) == {"runs": 2, "batch": 1}


@pytest.mark.slow
def test_a_batch_that_does_not_divide_is_refused(tmp_path):
    found = finish(start(2, tmp_path, TRAIN, "--seeds", "1", "--batch-size", "15"))
    for output, errors, code in found:
        assert code == 2 and output == ""
        assert (
            "--batch-size: must be a multiple of 2: so many devices share each of the 1 runs (--seeds), got 15"
            in errors
        )
