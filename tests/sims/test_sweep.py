"""Sweeps: the grid, the runs against theory, one compilation, resumption bit for bit, and wrong input."""

import contextlib
import csv
import io
import itertools
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pandas as pd
import pytest

from sims.objectives import OBJECTIVES
from sims.sweep.grid import CONTINUOUS, STATIC, Grid, layout, numbers
from sims.sweep.plan import plan
from sims.sweep.program import main
from sims.sweep.runs import Program, bytes_of_run, compiled
from tests.conftest import ROOT, single_precision
from tests.seeds import seed
from theory import SpuriousModel, predict
from workbench.errors import InputError, ParameterError

SMALL = ("--image-dim", 4, "--text-dim", 4, "--embed-dim", 2, "--batch-size", 16, "--steps", 20, "--seeds", 3)
GRID = (*SMALL, "--objective", "linearized,least_squares", "--caption", "latent,label", "--spurious-ratio", "0.6:1.0:3")


def grid(seeds=2, **changes):
    model = SpuriousModel()
    default = {"objective": "linearized", "caption": "latent", "image_encoder": "linear", "text_encoder": "linear"}
    default |= {"curation": "none", "image_dim": 4, "text_dim": 4, "embed_dim": 2, "batch_size": 16, "steps": 20}
    default |= {"mention_inv": 1.0, "mention_spu": 1.0, "learning_rate": 0.05}
    default |= {name: float(getattr(model, name)) for name in CONTINUOUS if hasattr(model, name)}
    return Grid({name: changes.get(name, (default[name],)) for name in STATIC + CONTINUOUS}, seeds)


def inputs(seeds, offset=0.0, **changes):
    """One block of all seeds and combinations, for `compiled`."""
    values = grid(seeds, **changes).combinations() + offset
    return np.full(1, seed(0), np.uint32), np.arange(seeds)[None], values[None]


def train(program, seeds, **changes):
    """Accuracies (seeds, combinations, prompts, groups) and steps of divergence (seeds, combinations)."""
    accuracies, diverged = compiled(program, 1)(*inputs(seeds, **changes))
    return np.asarray(accuracies)[0], np.asarray(diverged)[0]


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
    rows = several.combinations()
    columns = [CONTINUOUS.index("mu_spu"), CONTINUOUS.index("sigma_xi")]
    assert [tuple(row[columns]) for row in rows] == list(itertools.product((1.0, 2.0), (0.5, 1.0)))
    points = list(several.points())
    assert [point[-1] for point in points] == [0, 1, 2] * 4
    assert several.runs == len(points) and several.shape[-1] == 3


@pytest.mark.parametrize("combinations", [1, 3, 16, 17, 40])
@pytest.mark.parametrize(("seeds", "devices"), [(1, 1), (8, 2), (5, 3)])
def test_blocks_hold_every_run_and_few_twice(combinations, seeds, devices):
    cut = layout(combinations, seeds, devices, 16)
    assert cut.runs <= 16
    seen = np.zeros((combinations, seeds), int)
    blocks = 0
    for chunk in cut.chunks(combinations, seeds):
        assert chunk.seeds.shape == (len(chunk.combinations), cut.seeds) and len(chunk.seeds) <= cut.blocks
        blocks += len(chunk.seeds)
        for of_seeds, of_combinations in zip(*chunk, strict=True):
            seen[np.ix_(np.unique(of_combinations), np.unique(of_seeds))] += 1
    assert (seen == 1).all()
    assert blocks >= min(devices, combinations * seeds)
    assert blocks * cut.runs <= 1.5 * combinations * seeds + cut.runs


SEEDS = 8


@pytest.mark.simulation
@pytest.mark.parametrize("objective", ["linearized", pytest.param("least_squares", marks=pytest.mark.slow)])
def test_trained_runs_have_the_accuracies_of_the_closed_forms(objective):
    program = Program(
        OBJECTIVES[objective], "latent", "linear", "linear", 4, 4, 2, 96, 600, ("label", "class-mean"), True
    )
    found = np.moveaxis(train(program, SEEDS, spurious_ratio=(0.6, 0.9))[0], 1, 0)  # ratios, seeds, prompts, groups
    for ratio, runs in zip((0.6, 0.9), found, strict=True):
        rows = predict(SpuriousModel(spurious_ratio=ratio, image_dim=4, text_dim=4), 2, learners=[objective])
        for prompt, accuracies in enumerate(np.moveaxis(runs, 1, 0)):
            exact = rows[min(prompt, len(rows) - 1)].accuracy
            error = accuracies.std(axis=0, ddof=1) / np.sqrt(SEEDS)
            expected = [exact["aligned"], exact["conflicting"]]
            # Five standard errors, and half a point for what 600 steps leave.
            assert np.all(np.abs(accuracies.mean(axis=0) - expected) < 5 * error + 0.005)


def linearized(caption):
    prompts = "label", "class-mean"
    return Program(OBJECTIVES["linearized"], caption, "linear", "linear", 4, 4, 2, 32, 60, prompts, True)


# A learning rate of 1e300 overflows the second step's loss.
RATES, MEANS = (0.05, 1e300), (1.0, 2.0)


def of_rates(found):
    """Arrays (seeds, combinations, ...) as (seeds, `MEANS`, `RATES`, ...)."""
    assert CONTINUOUS.index("mu_spu") < CONTINUOUS.index("learning_rate")
    return [array.reshape(-1, 2, 2, *array.shape[2:]) for array in found]


@pytest.fixture(scope="module")
def latent():
    """Two seeds of a program at two means and two rates: accuracies, and steps of divergence."""
    return of_rates(train(linearized("latent"), 2, mu_spu=MEANS, learning_rate=RATES))


def test_captions_reach_the_training(latent):
    """Captions of the class alone: the two prompts are one rule up to its length; latent captions tell them apart."""
    of_label = train(linearized("label"), 2, mu_spu=MEANS[:1])[0][:, 0]
    for accuracies, same in ((of_label, True), (latent[0][:, 0, 0], False)):
        assert np.allclose(accuracies[:, 0], accuracies[:, 1]) == same


def test_a_run_is_the_same_in_a_block_of_one_seed_and_of_several(latent):
    """A block of one seed takes a way of its own; the arithmetic is the same up to rounding in double precision."""
    together = latent[0][:, :, 0]
    alone = of_rates(train(linearized("latent"), 1, mu_spu=MEANS, learning_rate=RATES))[0][:, :, 0]
    np.testing.assert_allclose(together[:1], alone, atol=2 / 4096)  # two images of the test set
    assert np.abs(together[0] - together[1]).max() > 0.01  # another seed is another run


def test_divergence_names_step_and_run(latent):
    """The runs beside one that diverges are not touched."""
    accuracies, diverged = latent
    assert (diverged[:, :, 0] == 0).all() and np.isfinite(accuracies[:, :, 0]).all()
    late = diverged[:, :, 1]
    assert ((late > 0) & (late < 60)).all() and np.isnan(accuracies[:, :, 1]).all()


def test_supervised_learners_are_trained_once_for_all_captions():
    several = plan(grid(objective=("logistic", "linearized"), caption=("latent", "label")), ("label",), 0)
    programs = several.programs()
    assert len(programs) == 4 and programs[0] == programs[1] and len(set(programs)) == 3
    assert len({program for program, _ in several.chunks()}) == 3
    # What captions say decides which images are kept.
    curated = plan(grid(objective=("logistic",), caption=("latent", "label"), curation=("balanced",)), ("label",), 0)
    assert len(set(curated.programs())) == 2
    with pytest.raises(ParameterError, match="curation"):
        plan(grid(curation=("random",)), ("label",), 0)


def test_one_compilation_a_program_and_no_hidden_transfer():
    program = Program(OBJECTIVES["linearized"], "label-attribute", "linear", "linear", 4, 4, 2, 8, 5, ("label",), False)
    function = compiled(program, 1)
    arguments = [jax.device_put(inputs(4, offset)) for offset in (0.0, 0.01)]
    jax.block_until_ready((function(*arguments[0]), arguments))
    with jax.transfer_guard("disallow"):
        jax.block_until_ready(function(*arguments[1]))
    assert function._cache_size() == 1
    assert compiled(program, 1) is function


def test_chunks_fit_in_memory_or_are_refused():
    several = grid(seeds=100)
    assert plan(several, ("label",), 0).layout.runs == 15  # 100 seeds in seven blocks of at most 16
    needed = bytes_of_run(plan(several, ("label",), 0).programs()[0])
    assert plan(several, ("label",), 0, memory=5 * needed).layout.runs == 5
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
    folder, printed = tmp_path_factory.mktemp("unbroken"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, single_precision(), contextlib.redirect_stdout(printed):
        patch.setenv("COLUMNS", "120")
        assert main([*map(str, GRID), "--out", str(folder / "out")]) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder / "out"


def test_the_printed_table_has_the_means_over_runs(unbroken):
    frame = pd.read_csv(unbroken / "sweep.csv")
    printed = (unbroken.parent / "printed.txt").read_text()
    lines = [line.split() for line in printed.splitlines() if line.split()[:1] == ["linearized"]]
    of = frame[frame.objective == "linearized"].groupby(["caption", "spurious_ratio"], sort=False)
    assert len(lines) == len(of) == 6
    for line, ((caption, ratio), runs) in zip(lines, of, strict=True):
        assert line[1:3] == [caption, f"{ratio:g}"]
        accuracies = 100 * runs[runs.columns[-4:]]
        numbers = [float(word) for word in line[3:] if word != "±"]
        expected = np.stack([accuracies.mean(), accuracies.std() / np.sqrt(len(runs))], axis=1).ravel()
        np.testing.assert_allclose(numbers, expected, atol=0.0501)  # one decimal is shown


def test_table_and_arrays_say_the_same(unbroken):
    with np.load(unbroken / "sweep.npz") as archive:
        assert archive["axes"].tolist() == [*STATIC, *CONTINUOUS, "seed", "prompt", "group"]
        accuracy = archive["accuracy"]
        assert accuracy.shape == tuple(len(archive[name]) for name in archive["axes"])
        ratios, captions = archive["spurious_ratio"], archive["caption"]
    rows = list(csv.DictReader((unbroken / "sweep.csv").read_text().splitlines()))
    assert len(rows) == 2 * 2 * 3 * 3
    (row,) = (r for r in rows if (r["objective"], r["caption"], r["seed"]) == ("linearized", "label", "2")
              and float(r["spurious_ratio"]) == 0.8)  # fmt: skip
    place = (0, captions.tolist().index("label"), *[0] * 8, ratios.tolist().index(0.8), *[0] * 9, 2)
    assert accuracy[place].ravel().tolist() == [float(row[name]) for name in list(row)[-4:]]


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ends_the_same_bit_for_bit(call_program, unbroken, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = (*map(str, GRID), "--out", str(tmp_path / "out"))
    command = [sys.executable, "-m", "sims.sweep", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 200
        while not list((tmp_path / "out" / "chunks").glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    kept = sorted((tmp_path / "out" / "chunks").glob("*.npz"))
    assert 1 <= len(kept) < 3 and not (tmp_path / "out" / "sweep.npz").exists()
    times = [path.stat().st_mtime_ns for path in kept]
    done = call_program("sims.sweep", *arguments)
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
    refused("sims.sweep", *SMALL, "--json", unbroken, words=["--json", "directory"])
    refused("sims.sweep", *SMALL, "--out", unbroken, words=["holds another sweep", "choose another --out"])
    chunk = unbroken / "chunks" / "000001.npz"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    refused("sims.sweep", *GRID, "--out", unbroken, words=["000001.npz", "truncated", "delete it"])
    assert chunk.read_bytes() == whole[: len(whole) // 2] and contents(unbroken) == before
    chunk.write_bytes(whole)
