"""The house rules that a test can hold: which way imports point, and what may not be committed."""

import ast
import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT

# Each package, and those of ours that it may import.
ALLOWED = {
    "workbench": set(),
    "theory": {"workbench"},
    "published": {"workbench"},
    "pretrained": {"workbench"},
    "sims": {"workbench", "theory", "published", "pretrained"},
    "realdata": {"workbench", "theory", "published", "pretrained"},
    "paper_figs": {"workbench", "theory", "published", "sims", "realdata"},
    "sober_clip": {"workbench"},
    "benchmarks": {"workbench", "theory", "sims", "pretrained", "realdata"},
}
MODULES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    ours = {name.partition(".")[0] for name in imported(path)} & set(ALLOWED)
    assert ours <= ALLOWED[package] | {package}


def test_colours_of_figures_have_one_home():
    rooms = [ROOT / "sims", ROOT / "realdata", ROOT / "paper_figs", ROOT / "workbench"]
    homes = {
        path for room in rooms for path in room.rglob("*.py") if re.search(r"\"#[0-9A-Fa-f]{6}\"", path.read_text())
    }
    assert homes == {ROOT / "workbench" / "palette.py"}


def test_theory_knows_no_file_plot_or_random_key():
    for path in (ROOT / "theory").rglob("*.py"):
        if path.name in ("program.py", "tables.py"):  # of the program
            continue
        names = {name.partition(".")[0] for name in imported(path)}
        assert not names & {"pathlib", "os", "io", "matplotlib", "rich", "argparse"}, path
        assert not re.search(r"jax\.random|from jax import .*random", path.read_text()), path


def test_every_package_is_installed():
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    # benchmarks are run in a checkout.
    rooms = {path.parent for path in MODULES if path.relative_to(ROOT).parts[0] != "benchmarks"}
    listed.remove("paper_figs.shipped")  # docs/results, as data
    assert listed == {".".join(room.relative_to(ROOT).parts) for room in rooms}


@pytest.mark.slow
def test_importing_reads_nothing_prints_nothing_and_picks_no_device():
    program = (
        "import gc\n"
        "gc.disable()  # what is imported stays\n"
        "import jax, theory.public, sims.training.train, realdata.claims.evaluate, paper_figs.report.page\n"
        "import sims.contrastive.run, sims.repairs.run, realdata.evaluate.run, paper_figs.program\n"
        "from paper_figs.registry import FIGURES\n"
        "from paper_figs.statements.table import CURVES, DRAW\n"
        "from sims.theorems.table import STATEMENTS\n"
        "drawn = [figure.draw for name, figure in FIGURES.items() if name not in DRAW]\n"
        "assert all(callable(later.found) for later in (*drawn, *DRAW.values(), *CURVES.values()))\n"
        "assert all(statement.panels for statement in STATEMENTS.values())\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge.backends_are_initialized()\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_pins_cover_the_dependencies_and_name_no_index():
    pins = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"https?:|file:|^\s*-", pins, re.MULTILINE)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in pins.splitlines() if "==" in line}
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    names = {re.match(r"[\w-]+", requirement).group().lower().replace("_", "-") for requirement in wanted}
    assert names <= pinned


def test_citation_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (reference,) = citation["references"]
    assert reference["identifiers"][0]["value"] == "arXiv:2403.11497"
