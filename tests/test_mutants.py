"""Planted faults: the table fits the product as it is, and the program tells which fault the tests see."""

import tomllib

import pytest

from tests import mutants
from tests.conftest import ROOT
from tests.mutant_table import MUTANTS, Mutant

EXAMPLE = Mutant("a sign", "product.py", "return 1", "return -1", ("test_product.py",))
TESTS = {
    mutants.CAUGHT: "from product import one\ndef test_one():\n    assert one() == 1\n",
    mutants.SURVIVED: "from product import one\ndef test_one():\n    assert abs(one()) == 1\n",
    mutants.BROKEN: "import no_such_module\n",
}


def test_every_fault_is_in_one_line_of_the_product_and_has_tests():
    assert [mutants.fault_in(mutant) for mutant in MUTANTS] == [None] * len(MUTANTS)
    assert len({(mutant.file, mutant.line) for mutant in MUTANTS}) == len(MUTANTS) >= 40


def test_every_package_has_one():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    without = set(packages) - {mutant.file.rpartition("/")[0].replace("/", ".") for mutant in MUTANTS}
    assert without == set()


@pytest.mark.parametrize("verdict", TESTS)
def test_verdicts(tmp_path, verdict):
    folder = tmp_path / "0"
    folder.mkdir()
    (folder / "product.py").write_text("def one():\n    return 1\n")
    (folder / "test_product.py").write_text(TESTS[verdict])
    assert mutants.run_mutant(folder, EXAMPLE).verdict == verdict
    assert (folder / "product.py").read_text() == "def one():\n    return 1\n"


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
