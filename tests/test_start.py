"""A program shows its `--help` before the libraries that it computes with are imported."""

import subprocess
import sys

import pytest

from sims.colored_digits import config, learners
from sims.encoders.architecture import NETWORKS
from sims.names import IMAGE_ENCODERS, OBJECTIVE_NAMES, SUPERVISED, TEXT_ENCODERS
from sims.objectives import OBJECTIVES
from sober_clip.console import PROGRAMS
from tests.conftest import ROOT

# Each takes longer to import than a reader should wait for a list of options.
SLOW = ("jax", "pandas", "scipy", "statsmodels", "sklearn", "matplotlib", "flax", "optax", "orbax", "jinja2")
HELP = """
import contextlib, io, runpy, sys
sys.argv = [*sys.argv[1:], "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as shown:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
assert shown.getvalue().startswith(("usage:", f"python -m {sys.argv[0]}")), shown.getvalue()
print(*{name.partition(".")[0] for name in sys.modules})
"""


PARTS = ("sims.repairs digits",)


@pytest.mark.parametrize("name", [*(program.name for program in PROGRAMS.values()), *PARTS])
def test_help_comes_before_slow_imports(name):
    done = subprocess.run(
        [sys.executable, "-c", HELP, *name.split()], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert name.partition(".")[0] in imported and not imported & set(SLOW)


def test_packages_import_nothing_slow_before_an_interruption_can_be_told():
    """`workbench.program.start` tells it; what a package imports by itself comes before that."""
    packages = "import theory, sims, realdata, paper_figs, published, pretrained, workbench.program, sober_clip, sys; "
    check = "print(*{'numpy', 'jax', 'jaxtyping', 'rich'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", packages + check], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""


def test_options_know_the_names_of_all_that_there_is():
    assert tuple(OBJECTIVES) == OBJECTIVE_NAMES
    assert tuple(name for name, objective in OBJECTIVES.items() if not objective.contrastive) == SUPERVISED
    assert tuple(NETWORKS) == IMAGE_ENCODERS and set(TEXT_ENCODERS) < set(NETWORKS)
    assert tuple(learners.LEARNERS) == config.OBJECTIVE_NAMES
