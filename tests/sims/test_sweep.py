"""Sweeps: the grid, the runs against theory, one compilation, resumption bit for bit, and wrong input."""

import csv
import itertools
import os
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.sweep_grid import CONTINUOUS, STATIC, Grid, numbers
from sims.sweep_plan import plan
from sims.sweep_runs import Program, compiled, run_keys
from tests.conftest import ROOT
from theory import SpuriousModel, predict
from workbench.errors import InputError, ParameterError

SMALL = ("--image-dim", 4, "--text-dim", 4, "--embed-dim", 2, "--batch-size", 16, "--steps", 20, "--seeds", 3)
GRID = (*SMALL, "--objective", "linearized,siglip", "--caption", "latent,label", "--spurious-ratio", "0.6:1.0:3")


def grid(seeds=2, **changes):
    model = SpuriousModel()
    default = {"objective": "linearized", "caption": "latent", "image_dim": 4, "text_dim": 4, "embed_dim": 2}
    default |= {"batch_size": 16, "steps": 20, "mention_inv": 1.0, "mention_spu": 1.0, "learning_rate": 0.05}
    default |= {name: float(getattr(model, name)) for name in CONTINUOUS if hasattr(model, name)}
    return Grid({name: changes.get(name, (default[name],)) for name in STATIC + CONTINUOUS}, seeds)


def test_values_lists_and_ranges():
    assert numbers("0.5") == (0.5,)
    assert numbers("1.0,1.5,2.0") == (1.0, 1.5, 2.0)
    assert numbers("0.5:1.0:11") == pytest.approx([0.5 + 0.05 * i for i in range(11)])
    assert numbers("16:64:4", whole=True) == (16, 32, 48, 64)


@pytest.mark.parametrize(
    ("text", "whole", "words"),
    [("0.5:1.0", False, "start:stop:count"), ("0:1:x", False, "start:stop:count"), ("0:1:1", False, "at least 2"),
     ("a,b", False, "numbers"), ("", False, "numbers"), ("1,1", False, "twice"), ("nan", False, "finite"),
     ("0:1:3", True, "whole numbers"), ("1.5", True, "whole numbers")],
)  # fmt: skip
def test_malformed_axes_are_refused(text, whole, words):
    with pytest.raises(ValueError, match=words):
        numbers(text, whole)


def test_runs_come_in_row_major_order():
    several = grid(seeds=3, mu_spu=(1.0, 2.0), sigma_xi=(0.5, 1.0))
    rows = several.continuous()
    columns = [CONTINUOUS.index("mu_spu"), CONTINUOUS.index("sigma_xi"), len(CONTINUOUS)]
    assert [tuple(row[columns]) for row in rows] == list(itertools.product((1.0, 2.0), (0.5, 1.0), (0, 1, 2)))
    assert several.runs == len(rows) and several.shape[-1] == 3


@pytest.mark.parametrize("objective", ["linearized", "least_squares"])
def test_trained_runs_have_the_accuracies_of_the_closed_forms(objective):
    program = Program(objective, "latent", 6, 6, 4, 128, 600, ("label", "class-mean"), True)
    values = grid(seeds=12, spurious_ratio=(0.6, 0.9)).continuous()
    keys = run_keys(0, values[:, -1].astype(int))
    found = np.asarray(compiled(program, 1)(jnp.asarray(values[:, :-1]), keys)).reshape(2, 12, 2, 2)
    for ratio, runs in zip((0.6, 0.9), found, strict=True):
        rows = predict(SpuriousModel(spurious_ratio=ratio, image_dim=6, text_dim=6), 4, learners=[objective])
        for prompt, accuracies in enumerate(np.moveaxis(runs, 1, 0)):
            exact = rows[min(prompt, len(rows) - 1)].accuracy
            error = accuracies.std(axis=0, ddof=1) / np.sqrt(12)
            expected = [exact["aligned"], exact["conflicting"]]
            # Five standard errors, and half a point for what 600 steps leave.
            assert np.all(np.abs(accuracies.mean(axis=0) - expected) < 5 * error + 0.005)


def test_captions_reach_the_training():
    """Captions of the class alone: the two prompts are one rule up to its length; latent captions tell them apart."""
    values = grid(seeds=2).continuous()
    keys = run_keys(0, values[:, -1].astype(int))
    for caption, same in (("label", True), ("latent", False)):
        program = Program("linearized", caption, 4, 4, 2, 64, 100, ("label", "class-mean"), True)
        accuracies = np.asarray(compiled(program, 1)(jnp.asarray(values[:, :-1]), keys))
        assert np.allclose(accuracies[:, 0], accuracies[:, 1]) == same


def test_one_compilation_a_program_and_no_hidden_transfer():
    program = Program("infonce", "label-attribute", 4, 4, 2, 8, 5, ("label",), False)
    function, values = compiled(program, 1), grid(seeds=4).continuous()
    keys = run_keys(0, values[:, -1].astype(int))
    first = jax.device_put(values[:, :-1])
    second = jax.device_put(values[:, :-1] + 0.01)
    jax.block_until_ready((function(first, keys), first, second))
    with jax.transfer_guard("disallow"):
        jax.block_until_ready(function(second, keys))
    assert function._cache_size() == 1
    assert compiled(program, 1) is function


def test_chunks_fit_in_memory_or_are_refused():
    several = grid(seeds=100)
    assert plan(several, ("label",), 0).chunk == 100
    small = plan(several, ("label",), 0, memory=40_000).chunk
    assert 1 <= small < 100
    with pytest.raises(InputError, match="GB of memory"):
        plan(several, ("label",), 0, memory=100)
    with pytest.raises(ParameterError, match="spurious_ratio"):
        plan(grid(spurious_ratio=(0.5, 1.5)), ("label",), 0)


def contents(folder):
    with np.load(folder / "sweep.npz") as archive:
        arrays = {name: archive[name].tobytes() for name in archive.files}
    return arrays, (folder / "sweep.csv").read_bytes()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sims.sweep", *map(str, GRID), "--out", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_table_and_arrays_say_the_same(unbroken):
    with np.load(unbroken / "sweep.npz") as archive:
        assert archive["axes"].tolist() == [*STATIC, *CONTINUOUS, "seed", "prompt", "group"]
        accuracy = archive["accuracy"]
        assert accuracy.shape == tuple(len(archive[name]) for name in archive["axes"])
        ratios, captions = archive["spurious_ratio"], archive["caption"]
    rows = list(csv.DictReader((unbroken / "sweep.csv").read_text().splitlines()))
    assert len(rows) == 2 * 2 * 3 * 3
    (row,) = (r for r in rows if (r["objective"], r["caption"], r["seed"]) == ("siglip", "label", "2")
              and float(r["spurious_ratio"]) == 0.8)  # fmt: skip
    place = (1, captions.tolist().index("label"), *[0] * 5, ratios.tolist().index(0.8), *[0] * 9, 2)
    assert accuracy[place].ravel().tolist() == [float(row[name]) for name in list(row)[-4:]]


def test_a_killed_sweep_goes_on_and_ends_the_same_bit_for_bit(unbroken, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sims.sweep", *map(str, GRID), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 200
        while not list((tmp_path / "out" / "chunks").glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    kept = sorted((tmp_path / "out" / "chunks").glob("*.npz"))
    assert 1 <= len(kept) < 4 and not (tmp_path / "out" / "sweep.npz").exists()
    times = [path.stat().st_mtime_ns for path in kept]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "of them done before" in done.stdout and "(0 of them" not in done.stdout
    assert [path.stat().st_mtime_ns for path in kept] == times  # only what was missing was done
    assert contents(tmp_path / "out") == contents(unbroken)


def test_wrong_input_is_told_in_one_line_and_nothing_is_lost(refused, unbroken):
    before = contents(unbroken)
    refused("sims.sweep", "--spurious-ratio", "0.5:1.0", words=["--spurious-ratio", "start:stop:count"])
    refused("sims.sweep", "--mu-spu", "1,-2", words=["--mu-spu", "-2"])
    refused("sims.sweep", "--objective", "clip", words=["--objective", "clip"])
    refused("sims.sweep", "--batch-size", "1", words=["--batch-size", "1"])
    refused("sims.sweep", *SMALL, "--out", unbroken, words=["holds another sweep", "choose another --out"])
    chunk = unbroken / "chunks" / "000001.npz"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    refused("sims.sweep", *GRID, "--out", unbroken, words=["000001.npz", "truncated", "delete it"])
    assert chunk.read_bytes() == whole[: len(whole) // 2] and contents(unbroken) == before
    chunk.write_bytes(whole)
