"""Closed forms that figures draw: the shipped ones are those of the theory as it is now, foreign ones are refused."""

import importlib
import json

import numpy as np
import pytest

from paper_figs.program import main
from paper_figs.saved_result import SHIPPED, closed_forms
from paper_figs.statements.curves import Curves, load_curves, to_lists
from paper_figs.statements.program import main as compute_curves
from paper_figs.statements.table import CURVES
from workbench.errors import InputError

QUICK = ("population",)
# Where each place takes a second, every second one is computed again: the constant that holds the places.
DEAR = {"unit_length": "RATIOS", "finite_batch": "_SIZES"}


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CURVES]
)
def test_shipped_curves_are_those_of_the_theory(name, monkeypatch):
    """To 1e-6 of an array's largest number: eight digits are kept, and iterations end within 1e-9."""
    if name in DEAR:
        module = importlib.import_module(f"paper_figs.statements.{name}")
        monkeypatch.setattr(module, DEAR[name], getattr(module, DEAR[name])[::2])
    shipped, made = load_curves(SHIPPED, name), CURVES[name]()
    assert set(shipped) == set(made)
    for curve, values in made.items():
        kept = shipped[curve][::2] if name in DEAR else shipped[curve]
        size = np.nanmax(np.abs(values), initial=1e-9) if np.isfinite(values).any() else 1.0
        np.testing.assert_allclose(kept, values, rtol=0, atol=1e-6 * size, err_msg=curve)


def test_curves_are_small_and_say_what_made_them():
    files = [SHIPPED / closed_forms(name).files[0] for name in CURVES]
    assert sum(file.stat().st_size for file in files) < 6e5
    for name, file in zip(CURVES, files, strict=True):
        content = json.loads(file.read_text())
        assert content["name"] == name and content["versions"]["jax"], name


def test_numbers_are_kept_to_eight_digits_and_none_stays_none():
    kept = to_lists({"a": np.array([[1 / 3, np.nan], [-2e9 / 3, 0.0]]), "b": np.float64(0.5)})
    assert kept == {"a": [[0.33333333, None], [-6.6666667e8, 0.0]], "b": 0.5}
    curves = Curves(kept)
    assert np.isnan(curves["a"][0, 1]) and curves["b"].shape == ()
    with pytest.raises(InputError, match="these curves is of another version, it lacks the curve 'c'"):
        curves["c"]


def test_the_program_writes_what_figures_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert compute_curves(["--only", "population"]) == 0
    assert "S2 population: results/curves/population.json" in capsys.readouterr().out
    made, shipped = load_curves(tmp_path / "results", "population"), load_curves(SHIPPED, "population")
    assert set(made) == set(shipped)
    for curve in made:
        np.testing.assert_allclose(made[curve], shipped[curve], rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "holds no curves of a statement"),
        ('{"name": "rate", "curves": {}}', "holds no curves of bayes"),
        ('{"name": "bayes", "curves": {"places": ["a"]}}', "an array is no table of numbers"),
        ('{"name": "bayes", "curves": {"places": [1, [2]]}}', "an array is no table of numbers"),
        ('{"name": "bayes", "curves": {"places": [1]}}', "is of another version, it lacks the curve 'posterior'"),
    ],
)
def test_foreign_curves_are_told_in_one_line(refuses, tmp_path, content, words):
    (tmp_path / "results" / "curves").mkdir(parents=True)
    (tmp_path / "results" / "curves" / "bayes.json").write_text(content)
    remedy = "make it with: python -m paper_figs.statements --only bayes --out results/curves"
    refuses(main, "--only", "bayes", words=["results/curves/bayes.json", words, remedy])
    assert not (tmp_path / "results" / "figures").exists()
