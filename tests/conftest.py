"""The strict session: double precision, no silent rank promotion, shapes and types of every call checked."""

import os
import socket
import subprocess
import sys
from pathlib import Path

# The tests run side by side, one process a core.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ["MPLBACKEND"] = "Agg"

from jaxtyping import install_import_hook

install_import_hook(
    ["theory", "pretrained", "sims", "published", "realdata", "paper_figs", "workbench"], "beartype.beartype"
)

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    """Programs that the tests run share compiled code among themselves, and nothing with the user's own runs."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path_factory.mktemp("compiled"))


def free_port():
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def run_program(tmp_path):
    """Run `python -m MODULE ARGUMENTS` as a user would, in an empty directory; text output, never raises."""

    def run(module, *arguments, **options):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=options.pop("cwd", tmp_path),
            env=environment,
            timeout=300,
            **options,
        )

    return run


@pytest.fixture
def refused(run_program):
    """Run a program with wrong input: exit code 2, one line with all the given words, nothing else."""

    def run(module, *arguments, words=(), **options):
        done = run_program(module, *arguments, **options)
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        for word in words:
            assert word in done.stderr
        return done.stderr

    return run


@pytest.fixture
def refuses(tmp_path, capsys, monkeypatch):
    """As `refused`, within this process: for many wrong inputs of a program that another test runs as a whole."""

    def call(main, *arguments, words=()):
        monkeypatch.chdir(tmp_path)
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as exit:  # argparse's
            code = exit.code
        output = capsys.readouterr()
        assert code == 2, output.err
        assert output.out == ""
        assert output.err.count("\n") == 1, output.err
        for word in words:
            assert word in output.err

    return call
