"""Figures are drawn from saved results and published tables, the same bytes each time."""

import shutil

import pytest

from paper_figs import effective_robustness
from realdata.published_tables import DIRECTORY, read_published_tables
from workbench.figures import to_png


def test_list_names_every_figure(run_program):
    done = run_program("paper_figs", "--list")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["contrastive", "effective_robustness"]


def test_figures_are_redrawn_from_a_saved_result(run_program, tmp_path):
    small = ("--image-dim", 4, "--text-dim", 4, "--steps", 60, "--seeds", 2, "--objective", "linearized")
    assert run_program("sims.contrastive", *small).returncode == 0
    first = (tmp_path / "results" / "contrastive" / "figure.png").read_bytes()
    done = run_program("paper_figs", "--out", "figures")
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
def test_wrong_input_gets_one_line(refused, arguments, words):
    refused("paper_figs", *arguments, words=words)


def test_a_foreign_result_is_refused(refused, tmp_path):
    folder = tmp_path / "results" / "contrastive"
    folder.mkdir(parents=True)
    shutil.copy(DIRECTORY / "results.csv", folder / "result.json")
    refused("paper_figs", words=["results/contrastive", "holds no result"])
