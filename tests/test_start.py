"""A program shows its `--help` before the libraries that it computes with are imported."""

import json
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
PROGRAM = """
import json, os, sys, traceback
from tests import in_turn
import jaxtyping, numpy, workbench.program  # what most programs begin with and none is slow, once for all of them

def shown(*words):
    text = in_turn.run(*words, "--help")
    assert text.startswith(("usage:", f"python -m {words[0]}")), text
    return sorted({name.partition(".")[0] for name in sys.modules})

for name in sys.argv[1:]:
    if not os.fork():
        try:
            found = shown(*name.split())
        except BaseException:
            found = traceback.format_exc()
        print(json.dumps(found), flush=True)
        os._exit(0)
    os.wait()
"""


PARTS = ("sims.repairs digits",)
NAMES = [*(program.name for program in PROGRAMS.values()), *PARTS]


@pytest.fixture(scope="module")
def imported():
    """What is imported when a program, each in a process of its own, has shown its help."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *NAMES], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    return dict(zip(NAMES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_help_comes_before_slow_imports(name, imported):
    assert isinstance(imported[name], list), imported[name]
    assert name.partition(".")[0] in imported[name] and not set(imported[name]) & set(SLOW)


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
