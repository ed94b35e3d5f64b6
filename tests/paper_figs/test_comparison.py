"""Shipped results: all that figures need, small, and what --compute says of results that were made again."""

import json
import shutil

import pytest

from paper_figs.comparison import compare_with_shipped
from paper_figs.registry import FIGURES
from paper_figs.saved_result import (
    DIGITS_REPAIRS,
    DIGITS_TABLE,
    MAIN_JOB,
    REPAIRS,
    SHIPPED,
    VERDICT_MAP,
    closed_forms,
    statement,
)
from paper_figs.statements.table import DRAW, load
from sims.theorems.table import STATEMENTS
from workbench import results
from workbench.errors import InputError

NEEDS = tuple(dict.fromkeys(need for spec in FIGURES.values() for need in spec.needs))
BAYES, BAYES_CURVES = statement("bayes"), closed_forms("bayes")
COMPARED = (BAYES, BAYES_CURVES, MAIN_JOB, VERDICT_MAP, DIGITS_TABLE, REPAIRS, DIGITS_REPAIRS)


def test_a_clean_clone_has_every_result_that_a_figure_needs():
    assert [need.files[0] for need in NEEDS if need.is_missing(SHIPPED)] == []
    sizes = [(SHIPPED / file).stat().st_size for need in NEEDS for file in need.files]
    assert sum(sizes) < 3e6
    for name in DRAW:
        found = load(SHIPPED, name)
        assert {panel: tuple(rows) for panel, rows in found.items()} == STATEMENTS[name].panels, name


@pytest.fixture
def made(tmp_path):
    """A folder of results, at first the shipped ones; and what changes the number in one place of one of them."""
    for need in COMPARED:
        for file in need.files:
            (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
            shutil.copy(SHIPPED / file, tmp_path / file)

    def change(need, *path, by):
        file = tmp_path / need.files[0]
        content = json.loads(file.read_text())
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] += by
        file.write_text(results.to_json(content))
        return compare_with_shipped(need, tmp_path)

    return tmp_path, change


def test_the_same_results_are_within_their_standard_errors(made):
    for need in COMPARED:
        found = compare_with_shipped(need, made[0])
        assert (found.beyond, found.only) == ((), ()) and found.numbers >= 20
        assert "all of" in found.text


def test_a_number_is_named_from_one_standard_error_on(made):
    folder, change = made
    row = json.loads((folder / MAIN_JOB.files[0]).read_text())["results"][0]
    error = row["stderr"]["conflicting"]
    assert change(MAIN_JOB, "results", 0, "accuracy", "conflicting", by=0.9 * error).beyond == ()
    found = change(MAIN_JOB, "results", 0, "accuracy", "conflicting", by=2.1 * error)
    assert found.beyond == ("linearized, label prompt, conflicting",) and found.largest == pytest.approx(3.0)
    assert "1 of 40 numbers" in found.text and "by 3.0 of them" in found.text
    # Closed forms have no error but rounding.
    assert change(VERDICT_MAP, "map", 0, "aligned", by=1e-7).beyond == ()
    assert len(change(VERDICT_MAP, "map", 0, "aligned", by=1e-3).beyond) == 1
    assert change(BAYES_CURVES, "curves", "accuracies", 3, 1, 0, by=1e-7).beyond == ()
    assert change(BAYES_CURVES, "curves", "accuracies", 3, 1, 0, by=1e-3).beyond == ("accuracies, number 4, 2, 1",)
    (panel, rows), *_ = json.loads((folder / BAYES.files[0]).read_text())["panels"].items()
    name, points = next(iter(rows.items()))
    by = 2 * points["standard_error"][1]
    (place,) = change(BAYES, "panels", panel, name, "mean", 1, by=by).beyond
    assert place.startswith(f"{panel}, {name}, at ")
    # Of ten runs, the error of a mean is a third of their deviation.
    cells = json.loads((folder / DIGITS_TABLE.files[0]).read_text())["rows"][0]["results"][0]
    assert len(change(DIGITS_TABLE, "rows", 0, "results", 0, "rand_mean", by=0.5 * cells["rand_std"]).beyond) == 1


def test_results_with_other_parameters_or_numbers_say_so(made):
    folder, change = made
    assert "other parameters than the shipped one: seed" in change(BAYES, "seed", by=1).text
    content = json.loads((folder / VERDICT_MAP.files[0]).read_text())
    content["map"].pop()
    (folder / VERDICT_MAP.files[0]).write_text(json.dumps(content))
    assert "holds other numbers than the shipped one" in compare_with_shipped(VERDICT_MAP, folder).text
    (folder / VERDICT_MAP.files[0]).write_text('{"map": [3]}')
    with pytest.raises(InputError, match=r"map\.json: cannot be read as a result of this version"):
        compare_with_shipped(VERDICT_MAP, folder)


def test_a_copy_of_the_shipped_result_is_made_again_and_an_own_one_is_not(made, tmp_path):
    folder, change = made
    assert BAYES.is_to_be_made(folder) and not BAYES.is_to_be_made(SHIPPED)
    change(BAYES, "seconds", by=1.0)
    assert not BAYES.is_to_be_made(folder) and BAYES.folder(folder) == folder
    empty = tmp_path / "empty"
    assert BAYES.is_to_be_made(empty) and BAYES.folder(empty) == SHIPPED
