"""Planted faults: the table fits the product as it is, and the program tells which fault the tests see."""

import tomllib

import pytest

from tests import mutants
from tests.conftest import ROOT
from tests.mutant_table import MUTANTS, Mutant

EXAMPLE = Mutant("a sign", "product.py", "return 1", "return -1", ("test_product.py",))
SEES = "from product import one\ndef test_one():\n    assert one() == 1\n"
# A fault, its tests, and what is said of both.
CASES = {
    "a test that fails": (EXAMPLE, SEES, mutants.CAUGHT, "test_product.py::test_one"),
    "a test that passes": (EXAMPLE, SEES.replace("assert one()", "assert abs(one())"), mutants.SURVIVED, ""),
    "tests that cannot be collected": (EXAMPLE, "import no_such_module\n", mutants.BROKEN, "error"),
    "a fault that crashes": (EXAMPLE._replace(becomes="return no_such_name"), SEES, mutants.BROKEN, "NameError"),
}


def test_every_fault_is_in_one_line_of_the_product_and_has_tests():
    assert [mutants.fault_in(mutant) for mutant in MUTANTS] == [None] * len(MUTANTS)
    assert len({mutant[1:4] for mutant in MUTANTS}) == len(MUTANTS) >= 40


def test_every_package_has_one():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    without = (
        {*packages} - {"paper_figs.shipped"} - {mutant.file.rpartition("/")[0].replace("/", ".") for mutant in MUTANTS}
    )
    assert without == set()


@pytest.mark.parametrize("name", CASES)
def test_verdicts(tmp_path, name):
    mutant, tests, verdict, words = CASES[name]
    (tmp_path / "product.py").write_text("def one():\n    return 1\n")
    (tmp_path / "test_product.py").write_text(tests)
    found = mutants.run_mutant(tmp_path, mutant)
    assert found.verdict == verdict and words in found.by, found
    assert (tmp_path / "product.py").read_text() == "def one():\n    return 1\n"


def test_what_was_not_caught_is_shown_in_the_end():
    outcome = {verdict: mutants.Outcome(verdict, "", 1.0) for verdict in (mutants.CAUGHT, mutants.SURVIVED)}
    other = EXAMPLE._replace(fault="a factor")
    assert mutants.summary({EXAMPLE: outcome[mutants.CAUGHT]}) is None
    table = mutants.summary({EXAMPLE: outcome[mutants.CAUGHT], other: outcome[mutants.SURVIVED]})
    assert [list(column.cells) for column in table.columns] == [
        ["SURVIVED"],
        ["product.py"],
        ["a factor"],
        ["test_product.py"],
    ]


def test_only_the_line_changes_and_keeps_its_indentation():
    text = "def one():\n    return 1\n\ndef two():\n    return 2\n"
    assert mutants.planted(text, EXAMPLE) == "def one():\n    return -1\n\ndef two():\n    return 2\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--only", "no such fault"], ["--only", "no such fault"]), (["--jobs", "0"], ["--jobs", "0"])],
)
def test_wrong_input_gets_one_line(refuses, arguments, words):
    refuses(mutants.main, *arguments, words=words)


def test_a_line_that_is_not_there_is_told(refuses, monkeypatch):
    monkeypatch.setattr(mutants, "MUTANTS", [MUTANTS[0]._replace(line="return 0")])
    refuses(mutants.main, words=[MUTANTS[0].file, "once", "0 times"])


def test_a_test_that_is_not_there_is_told(refuses, monkeypatch):
    for test in ("tests/test_no_such.py", "tests/test_mutants.py::test_no_such", "tests/test_no_such.py::test_a[1]"):
        monkeypatch.setattr(mutants, "MUTANTS", [MUTANTS[0]._replace(tests=(test,))])
        refuses(mutants.main, words=[test, "no such test"])
