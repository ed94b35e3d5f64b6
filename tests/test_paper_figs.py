"""The program: figures from saved results and published tables, the same bytes each time; what is missing is made."""

import contextlib
import dataclasses
import importlib
import io
import json
import os
import re
import shutil
import signal
import threading
import time

import numpy as np
import pytest

from paper_figs import program, saved_result
from paper_figs.context import Context
from paper_figs.drawing import draw_figure
from paper_figs.program import main
from paper_figs.registry import FIGURES
from paper_figs.report import page
from paper_figs.saved_result import (
    DIGITS_TABLE,
    MAIN_JOB,
    SavedResult,
    by_program,
    check_shape,
    command,
    statement,
)
from paper_figs.statements.curves import load_curves
from paper_figs.statements.table import DRAW, load
from published.directory import DIRECTORY
from sims.theorems.table import STATEMENTS
from tests.conftest import ROOT
from workbench.errors import InputError
from workbench.results import to_png


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    """A checkout without results."""
    monkeypatch.setattr(saved_result, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(program, "SHIPPED", tmp_path / "none")


SMALL = ("--image-dim", "4", "--text-dim", "4", "--steps", "60", "--seeds", "2", "--objective", "linearized")


def only(monkeypatch, *names, **changed):
    """A program that knows only these figures, some with other fields than in the register, and makes no page."""
    chosen = {name: dataclasses.replace(FIGURES[name], **changed.get(name, {})) for name in names}
    monkeypatch.setattr(program, "FIGURES", chosen)
    monkeypatch.setattr(page, "page_files", lambda context, figures, out: {})


def test_list_names_every_figure(call_program):
    done = call_program("paper_figs", "--list")
    assert done.returncode == 0, done.stderr
    listed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert listed == {name: spec.caption for name, spec in FIGURES.items()}
    asked = {"common_counter", "photo_counts", "class_drops", "class_drops_by_model", "same_backbone", "same_data"}
    asked |= {"colored_coco", "multicolored_mnist", "forest", "audit_map", "captions_prompts", "contrastive"}
    assert asked | {"colored_digits", "digits_reliance", "effective_robustness"} | set(DRAW) <= set(listed)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A folder in which --compute has made a statement, and then also the main job, made small."""
    folder = tmp_path_factory.mktemp("computed")
    small = dataclasses.replace(MAIN_JOB, arguments=(*SMALL, "--out", "{}/contrastive"))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as words:
        only(patch, "contrastive", "group_accuracy", contrastive={"needs": (small,)})
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.chdir(folder)
        assert main(["--compute", "--only", "group_accuracy"]) == 0
        first = (folder / "results" / "theorems" / "group_accuracy.json").read_bytes()
        assert main(["--compute"]) == 0
    return folder, first, words.getvalue()


@pytest.mark.slow
def test_compute_makes_what_is_missing_and_nothing_else(computed):
    folder, first, words = computed
    assert words.count("To be made first") == 2 and "python -m sims.contrastive" in words
    # With the same seed; a rounding of another machine may move a number, and not by its standard error.
    assert "theorems/group_accuracy.json: all of" in words
    assert "contrastive/result.json: was made with other parameters than the shipped one: " in words
    assert "curves/group_accuracy.json: all of" in words
    # Its simulation and its curves, once each: they are not made again.
    assert words.count("--only group_accuracy") == 2
    assert (folder / "results" / "theorems" / "group_accuracy.json").read_bytes() == first
    assert json.loads((folder / "results" / "contrastive" / "result.json").read_text())["config"]["image_dim"] == 4
    made = {path.name for path in (folder / "results" / "figures").glob("*.pdf")}
    assert made == {"contrastive.pdf", "group_accuracy.pdf"}


@pytest.mark.slow
def test_figures_are_the_same_bytes_in_every_process(computed, run_program, call_program, monkeypatch, tmp_path):
    results = computed[0] / "results"
    made = []
    monkeypatch.setenv("PYTHONHASHSEED", "1")  # on which the order of sets depends; here it is another, drawn by Python
    for name, run in (("own", run_program), ("here", call_program)):
        done = run("paper_figs", "--only", "contrastive,forest", "--results", results, "--out", name)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / name / "figures"
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1] and len(made[0]) == 4
    assert made[0]["contrastive.png"].startswith(b"\x89PNG") and made[0]["contrastive.pdf"].startswith(b"%PDF")


def test_a_result_of_which_a_file_is_lost_is_missing(tmp_path):
    result = SavedResult(("a/result.json", "a/arrays.npz"), "a", (), 1)
    (tmp_path / "a").mkdir()
    for number, file in enumerate(result.files):
        assert result.is_missing(tmp_path), number
        (tmp_path / file).touch()
    assert not result.is_missing(tmp_path)


def test_what_the_folder_lacks_is_drawn_from_the_shipped_results(monkeypatch, tmp_path, capsys):
    only(monkeypatch, "colored_coco", "bayes")
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert "1 of them from results that are shipped; --compute makes those again" in capsys.readouterr().out
    assert (tmp_path / "results" / "figures" / "bayes.png").exists()


def test_without_only_what_is_missing_is_left_out_and_named(monkeypatch, tmp_path, capsys, nothing_shipped):
    only(monkeypatch, "colored_coco", "contrastive", "boundary", "rate")
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    names = {path.name for path in (tmp_path / "results" / "figures").iterdir()}
    assert names == {"colored_coco.png", "colored_coco.pdf"}
    words = capsys.readouterr().out
    assert "--compute" in words
    assert "contrastive: python -m sims.contrastive --spurious-ratio 0.9 --out results/contrastive" in words
    assert "boundary, rate: python -m sims.theorems --only boundary,rate --out results/theorems" in words
    assert "boundary, rate: python -m paper_figs.statements --only boundary,rate --out results/curves" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "figure1"], ["--only", "contrastive", "figure1"]),
        (["--only", "contrastive", "--results", "nowhere"], ["--results", "nowhere", "no directory"]),
        (["--only", "contrastive"], ["results/contrastive/result.json", "sims.contrastive"]),
        (
            ["--only", "captions_prompts"],
            ["results/map.json is missing", "python -m theory map --json results/map.json"],
        ),
        (["--only", "colored_coco", "--published", "nowhere"], ["nowhere"]),
        (["--only", "colored_coco", "--with", "nowhere"], ["--with", "nowhere/summary.json", "realdata.evaluate"]),
    ],
)
def test_wrong_input_gets_one_line(refuses, arguments, words, nothing_shipped):
    refuses(main, *arguments, words=words)


def test_a_foreign_result_is_refused_even_where_a_missing_one_is_left_out(
    refuses, tmp_path, monkeypatch, nothing_shipped
):
    only(monkeypatch, "contrastive", "colored_coco", "captions_prompts")
    folder = tmp_path / "results" / "contrastive"
    folder.mkdir(parents=True)
    shutil.copy(DIRECTORY / "results.csv", folder / "result.json")
    np.savez(folder / "arrays.npz")
    refuses(main, words=["results/contrastive", "holds no result"])
    (folder / "result.json").write_text('{"config": {}}')
    refuses(main, words=["contrastive/result.json", "another version", "'prompt'", "python -m sims.contrastive"])
    (folder / "result.json").write_text("[1]")
    refuses(main, words=["results/contrastive", "holds no result", "holds no JSON object"])
    assert not (tmp_path / "results" / "figures").exists()
    shutil.rmtree(folder)
    (tmp_path / "results" / "map.json").write_text('{"map": []}')
    refuses(main, words=["results/map.json", "another version", "'reference'", "python -m theory map"])


def test_a_missing_or_broken_simulation_is_told_in_one_line(refuses, tmp_path, nothing_shipped):
    folder = tmp_path / "old" / "theorems"
    folder.mkdir(parents=True)
    (folder / "bayes.json").write_text('{"panels": {}}')
    for name in ("old", "results"):
        shutil.copytree(ROOT / "docs" / "results" / "curves", tmp_path / name / "curves")
    refuses(main, "--only", "bayes", "--results", "old", words=["bayes.json", "another version", "--only bayes"])
    refuses(main, "--only", "boundary", words=["theorems/boundary.json is missing", "python -m sims.theorems"])
    folder = tmp_path / "results" / "theorems"
    folder.mkdir()
    (folder / "boundary.json").write_text("[1, 2]")
    refuses(main, "--only", "boundary", words=["holds no simulation", "python -m sims.theorems"])


SHAPE = {"/rows/*/name": str, "/rows/*/theory?/mean": int | float, "/seeds": int}
WHOLE = {"rows": [{"name": "a", "theory": None}, {"name": "b", "theory": {"mean": 0.5}}], "seeds": 2}


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({}, None),
        ({"rows": []}, None),
        ({"seeds": None}, "/seeds"),
        ({"rows": 3}, "/rows/*"),
        ({"rows": [*WHOLE["rows"], {"name": 3, "theory": None}]}, "/rows/2/name"),
        ({"rows": [{"name": "a"}]}, "/rows/0/theory"),
        ({"rows": [{"name": "a", "theory": {}}]}, "/rows/0/theory/mean"),
    ],
)
def test_what_a_result_lacks_is_named(changed, place):
    content = WHOLE | changed
    if place is None:
        check_shape(content, SHAPE, "a.json", "make it again")
        return
    with pytest.raises(InputError, match=rf"a\.json: is of another version.* at {re.escape(place)}; make it again"):
        check_shape(content, SHAPE, "a.json", "make it again")


def test_a_bug_in_a_drawing_is_no_other_version(tmp_path):
    def draw(context):
        return {}["a name misspelt"]

    with pytest.raises(KeyError, match="misspelt"):
        draw_figure(dataclasses.replace(FIGURES["contrastive"], draw=draw), Context(results=tmp_path))


def test_a_table_that_lacks_a_column_is_told(refuses, tmp_path):
    copy = tmp_path / "tables"
    shutil.copytree(DIRECTORY, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (copy / "colored_coco.csv").read_text()
    (copy / "colored_coco.csv").write_text(text.replace("approach", "way"))
    refuses(main, "--only", "colored_coco", "--published", copy, words=["colored_coco.csv", "approach"])
    (copy / "colored_coco.csv").write_text(text.replace("68.33", "lots"))
    refuses(main, "--only", "colored_coco", "--published", copy, words=["line 2", "out_of_distribution", "'lots'"])


def test_commands_of_one_program_are_joined(tmp_path):
    joined = by_program([statement("rate"), MAIN_JOB, statement("bayes"), DIGITS_TABLE, statement("rate")])
    assert [command(made, tmp_path) for made in joined] == [
        f"python -m sims.theorems --only rate,bayes --out {tmp_path}/theorems",
        f"python -m sims.contrastive --spurious-ratio 0.9 --out {tmp_path}/contrastive",
        f"python -m sims.colored_digits table --out {tmp_path}/colored_digits_table",
    ]


# A program that stands for a long one: what it had done stays, and Ctrl-C lets it say so.
_SLOW = """
import pathlib, sys, time
pathlib.Path("started").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    pathlib.Path("kept").touch()
    sys.exit(130)
"""


def test_an_interrupted_program_may_keep_what_it_has(monkeypatch, tmp_path, capsys):
    (tmp_path / "slow_program.py").write_text(_SLOW)
    slow = SavedResult(("never.json",), "slow_program", (), 60)
    only(monkeypatch, "contrastive", contrastive={"needs": (slow,)})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def interrupt():
        while not (tmp_path / "started").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert main(["--compute"]) == 130
    assert (tmp_path / "kept").exists()
    assert "goes on with what is missing" in capsys.readouterr().err


def test_a_failed_program_ends_the_run(monkeypatch, tmp_path, capsys):
    broken = SavedResult(("never.json",), "no_such_program", (), 1)
    only(monkeypatch, "contrastive", contrastive={"needs": (broken,)})
    monkeypatch.chdir(tmp_path)
    assert main(["--compute"]) == 1
    assert "python -m no_such_program failed" in capsys.readouterr().err
    assert not (tmp_path / "results" / "figures").exists()


def series_of(file):
    """Panel to the names of its series, as a simulation was saved."""
    return {panel: tuple(series) for panel, series in json.loads(file.read_text())["panels"].items()}


def test_statements_are_simulated_saved_and_drawn(call_program, refused, tmp_path):
    done = call_program("sims.theorems", "--only", "population,group_accuracy", "--seed", "3")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "theorems"
    assert sorted(path.name for path in folder.iterdir()) == ["group_accuracy.json", "population.json"]
    content = json.loads((folder / "population.json").read_text())
    assert (content["statement"], content["seed"]) == ("S2", 3) and "device" in content["versions"]
    for name in ("population", "group_accuracy"):
        assert series_of(folder / f"{name}.json") == STATEMENTS[name].panels
        made = load(tmp_path / "results", name), load_curves(tmp_path / "results", name)
        figure, again = (DRAW[name](*made) for _ in range(2))
        assert all(axis.get_xlabel() and axis.get_ylabel() for axis in figure.axes)
        assert to_png(figure) == to_png(again)
    refused("sims.theorems", "--only", "s1", words=["--only", "linearized", "s1"])
    refused("sims.theorems", "--seed", str(2**32), words=["--seed", "below"])


# Simulations that take a second or more, with fewer draws, steps and places: enough to run all of their lines. What
# several of a file share is said once.
FEWER = {
    "rate": {"RATE_DRAWS": 4},
    "zero_shot": {"DRAWS": 2},
    "prompts": {"PROMPTS_DRAWS": 2},
    "least_squares": {"DRAWS": 2},
    "bayes": {"WINDOW_IMAGES": 50_000},
    "theorem62": {"DRAWS": 2},
    "infonce": {"DRAWS": 2, "BATCH": 200},
    "mutual_information": {"PMI_IMAGES": 200_000},
    "many_classes": {"TRAINING": 4000, "DRAWS": 2},
    "reweighting": {"DRAWS": 2, "DEVIATION_DRAWS": 4},
    "dynamics": {"DRAWS": 2, "STEPS": 200},
    "accuracy_curves": {"TRAINING": 4000, "PHOTOS": 4000},
    "unit_length": {"STEPS": 100, "DRAWS": 2},
    "finite_batch": {"BATCHES": (4,), "STEPS": 100, "DRAWS": 2},
    "finite_samples": {"DRAWS": 20, "SIZES": (50,), "SAMPLES": 20},
    "softmax": {"TRAINING": 500, "BATCH": 100, "DRAWS": 2},
    "silent_captions": {"SHARES": (0.1,), "WIDTHS": (1,), "STEPS": 50, "DRAWS": 2, "TEST_IMAGES": 1000},
    "other_objectives": {"RATIOS": (0.5,), "PAIRS": 200, "DRAWS": 2, "CLUSTER_DRAWS": 2, "STEPS": 50},
    "networks": {
        "LENGTHS": (0.7,),
        "WIDTHS": (16,),
        "PAIRS": 500,
        "DRAWS": 2,
        "TRAINED_WIDTHS": (2,),
        "STEPS": 50,
        "TRAINED_DRAWS": 2,
        "TRAINED_TEST": 1000,
    },
    "scale_and_curation": {
        "_POOL": 4000,
        "_POOLS": 2,
        "_DRAWS": 2,
        "_BATCH": 200,
        "_IMAGE_DRAWS": 2,
        "_IMAGES": 4000,
        "_SAMPLES": 50,
    },
    "repairs": {"DRAWS": 2, "RATIO_PAIRS": 1000},
}


@pytest.mark.slow
def test_every_statement_is_simulated_and_drawn(call_program, monkeypatch, tmp_path):
    """Every figure names its axes, once where panels share one, and every series has its numbers."""
    assert set(FEWER) < set(STATEMENTS) and set(DRAW) == set(STATEMENTS)
    for name, sizes in FEWER.items():
        for constant, value in sizes.items():
            module = importlib.import_module(f"sims.theorems.{STATEMENTS[name].file}")
            assert value < getattr(module, constant)
            monkeypatch.setattr(module, constant, value)
    done = call_program("sims.theorems")
    assert done.returncode == 0, done.stderr
    for name in DRAW:
        assert series_of(tmp_path / "results" / "theorems" / f"{name}.json") == STATEMENTS[name].panels
        evidence = load(tmp_path / "results", name)
        for series in (points for panel in evidence.values() for points in panel.values()):
            assert len(series.x) and np.isfinite(np.stack(series)).all(), name
        figure = FIGURES[name].draw(Context(results=tmp_path / "results"))  # test_figures.py signs and lays out
        names = [(axis.get_xlabel(), axis.get_ylabel()) for axis in figure.axes]
        assert all(any(of_one) for of_one in zip(*names, strict=True)), name
