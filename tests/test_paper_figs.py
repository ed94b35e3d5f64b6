"""Figures are drawn from saved results and published tables, the same bytes each time."""

import json
import shutil

import numpy as np
import pytest

from paper_figs import effective_robustness
from paper_figs.__main__ import main
from paper_figs.statement import load
from paper_figs.statements.table import STATEMENT_FIGURES
from published.tables import DIRECTORY, read_published_tables
from workbench.figures import to_png


def test_list_names_every_figure(run_program):
    done = run_program("paper_figs", "--list")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "contrastive",
        "colored_digits",
        "digits_reliance",
        "effective_robustness",
        "reliance",
        "reliance_classes",
        "reliance_models",
        *STATEMENT_FIGURES,
    ]


def test_figures_are_redrawn_from_a_saved_result(run_program, tmp_path):
    small = ("--image-dim", 4, "--text-dim", 4, "--steps", 60, "--seeds", 2, "--objective", "linearized")
    assert run_program("sims.contrastive", *small).returncode == 0
    first = (tmp_path / "results" / "contrastive" / "figure.png").read_bytes()
    done = run_program("paper_figs", "--only", "contrastive", "--out", "figures")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "figures" / "contrastive.png").read_bytes() == first


def test_claim_figure_shows_every_setting_and_its_verdict():
    figure = effective_robustness.draw(read_published_tables())
    titles = " ".join(axis.get_title() for axis in figure.axes)
    assert titles.count(": supported") == 3 and titles.count(": inconclusive") == 2
    assert to_png(figure) == to_png(effective_robustness.draw(read_published_tables()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--only", "figure1"], ["--only", "contrastive", "figure1"]), (["--results", "nowhere"], ["nowhere", "sims"])],
)
def test_wrong_input_gets_one_line(refuses, arguments, words):
    refuses(main, *arguments, words=words)


def test_a_foreign_result_is_refused(refuses, tmp_path):
    folder = tmp_path / "results" / "contrastive"
    folder.mkdir(parents=True)
    shutil.copy(DIRECTORY / "results.csv", folder / "result.json")
    refuses(main, words=["results/contrastive", "holds no result"])


def test_statements_are_simulated_saved_and_drawn(run_program, tmp_path):
    done = run_program("sims.theorems", "--only", "population,group_accuracy", "--seed", "3")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "theorems"
    assert sorted(path.name for path in folder.iterdir()) == ["group_accuracy.json", "population.json"]
    content = json.loads((folder / "population.json").read_text())
    assert (content["statement"], content["seed"]) == ("S2", 3) and "device" in content["versions"]
    for name in ("population", "group_accuracy"):
        figure, again = (STATEMENT_FIGURES[name][1](load(tmp_path / "results", name)) for _ in range(2))
        assert all(axis.get_xlabel() and axis.get_ylabel() for axis in figure.axes)
        assert to_png(figure) == to_png(again)


def test_a_missing_or_broken_simulation_is_told_in_one_line(refused, tmp_path):
    folder = tmp_path / "old" / "theorems"
    folder.mkdir(parents=True)
    (folder / "rate.json").write_text('{"panels": {}}')
    refused("paper_figs", "--only", "rate", "--results", "old", words=["rate.json", "another version", "--only rate"])
    refused("paper_figs", "--only", "boundary", words=["theorems/boundary.json is missing", "python -m sims.theorems"])
    folder = tmp_path / "results" / "theorems"
    folder.mkdir(parents=True)
    (folder / "boundary.json").write_text("[1, 2]")
    refused("paper_figs", "--only", "boundary", words=["holds no simulation", "python -m sims.theorems"])
    refused("sims.theorems", "--only", "s1", words=["--only", "linearized", "s1"])
    refused("sims.theorems", "--seed", str(2**32), words=["--seed", "below"])


@pytest.mark.slow
def test_every_statement_is_simulated_and_drawn(run_program, tmp_path):
    """All of S1 to S19 as a user would make them; every figure has its axes named."""
    done = run_program("sims.theorems")
    assert done.returncode == 0, done.stderr
    done = run_program("paper_figs", "--only", ",".join(STATEMENT_FIGURES))
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in (tmp_path / "results" / "figures").iterdir()} == set(STATEMENT_FIGURES)
    for name in STATEMENT_FIGURES:
        evidence = load(tmp_path / "results", name)
        for series in (points for panel in evidence.values() for points in panel.values()):
            assert len(series.x) and np.isfinite(np.stack(series)).all(), name
