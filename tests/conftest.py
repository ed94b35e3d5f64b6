"""The strict session: double precision, no silent rank promotion, shapes and types of every call checked."""

import contextlib
import gc
import importlib
import os
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

# The tests run side by side, one process a core. Most run for less time than they take to compile. So nothing is
# optimised, here and in the programs that tests start, but what says that it runs for long
# (`workbench.compilation.jit`). An XLA that does not know a flag would end the process.
_BRIEF = (
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1 --xla_cpu_use_fusion_emitters=false"
    if version("jaxlib").startswith("0.10.")
    else ""
)
os.environ.setdefault("XLA_FLAGS", f"--xla_cpu_multi_thread_eigen=false {_BRIEF}")
# One process a core: a second thread of NumPy's, PyTorch's or XLA's only takes the core from another process.
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PJRT_NPROC"):
    os.environ.setdefault(_threads, "1")
os.environ["MPLBACKEND"] = "Agg"
# Nobody reads in a compiled program which line of Python an operation came from.
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
gc.disable()  # while modules are imported, which stay

from tests import typechecking

typechecking.install(["theory", "pretrained", "sims", "published", "realdata", "paper_figs", "sober_clip", "workbench"])

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")  # a GPU would multiply with ten bits

from realdata.photos.decoding import processor_count
from tests import seeds
from workbench.program import whole_number

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser):
    parser.addoption(
        "--seed",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="base seed of the tests marked `simulation`; 0, the default, is what CI runs",
    )


def pytest_configure(config):
    seeds.set_base(config.getoption("--seed"))
    keep_compiled(config)


def pytest_xdist_auto_num_workers(config):
    """The slow tests wait a fifth of their time, for processes and for the network: one worker more than cores."""
    return processor_count() + 1 if config.getoption("markexpr") == "slow" else None


# The files that take longest; each is one process's work.
LONGEST = (
    "tests/test_readme.py",
    "tests/test_evidence.py",
    "tests/test_paper_figs.py",
    "tests/sims/test_hosts.py",
    "tests/realdata/test_repairs_on_digits.py",
    "tests/paper_figs/test_curves.py",
    "tests/theorems/test_s21_finite_batch.py",
    "tests/paper_figs/report/test_explorer.py",
    "tests/realdata/test_evaluate.py",
    "tests/theory/test_accuracy.py",
    "tests/theorems/test_s20_unit_length.py",
    "tests/realdata/test_reliance.py",
    "tests/theorems/test_s23_softmax.py",
    "tests/sims/test_sweep.py",
    "tests/sims/colored_digits/test_programs.py",
    "tests/sims/test_contrastive_program.py",
)


def pytest_collection_modifyitems(items):
    """Mark what decides by random draws, and let the longest begin first, so that nobody waits for them at the end.

    Statements are proved by simulation; other tests that decide by random draws say so themselves.
    """
    for item in items:
        if "theorems" in item.path.parts:
            item.add_marker(pytest.mark.simulation)
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish():
    """The collector leaves alone what was imported, a second to look through, each time Holm's method is used.

    Tracing makes many objects that are soon let go: it looks at the young ones after 20,000 of them, not after 700.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def kept_compilations():
    """Nor does it look through what JAX and jaxtyping keep of earlier files."""
    yield
    gc.collect()
    gc.freeze()


def keep_compiled(config):
    """What is compiled is kept in the checkout, by version of JAX; workers and programs share it."""
    try:
        folder = config.cache.mkdir(f"compiled-by-jax-{jax.__version__}")
    except (AttributeError, OSError):  # -p no:cacheprovider, or a checkout that cannot be written: nothing is kept
        return
    # JAX reads the variables when it is imported, as the programs that tests start do after this.
    for name, value in {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        # An entry that another process is writing, or that is broken, is compiled again.
        "jax_raise_persistent_cache_errors": False,
    }.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory):
    """Programs that the tests run keep nothing in the user's own cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def main_of(module):
    """What `python -m MODULE` calls."""
    found = importlib.import_module(module)
    if hasattr(found, "__path__"):
        found = importlib.import_module(f"{module}.__main__")
    return found.main if hasattr(found, "main") else importlib.import_module(f"{module}.program").main


@contextlib.contextmanager
def single_precision():
    """Programs run as a user runs them, in all of their threads."""
    jax.config.update("jax_enable_x64", False)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", True)


def free_port():
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_process(module, *arguments, cwd, **options):
    """Run `python -m MODULE ARGUMENTS` as a user would, in a directory; text output, never raises."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=1800,
        **options,
    )


@pytest.fixture
def run_program(tmp_path):
    """`run_process`, in an empty directory unless another is named."""

    def run(module, *arguments, cwd=tmp_path, **options):
        return run_process(module, *arguments, cwd=cwd, **options)

    return run


def called(main, arguments, capsys):
    """What a program's `main` returned and printed."""
    capsys.readouterr()
    try:
        code = main(list(map(str, arguments)))
    except SystemExit as exit:  # argparse's
        code = exit.code
    return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())


@pytest.fixture
def call_program(tmp_path, capsys, monkeypatch):
    """As `run_program`, within this process and in single precision, for programs that another test starts as one."""

    def call(module, *arguments, cwd=tmp_path):
        main = main_of(module)
        monkeypatch.chdir(cwd)
        monkeypatch.setenv("COLUMNS", "120")
        with single_precision():
            return called(main, arguments, capsys)

    return call


def assert_refused(done, words):
    """A program ended with exit code 2 and one line that has all the words, and did nothing else."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def refused(call_program):
    """Call a program, by its module's name, with wrong input."""
    return lambda module, *arguments, words=(): assert_refused(call_program(module, *arguments), words)


@pytest.fixture
def refuses(tmp_path, capsys, monkeypatch):
    """Call a program, by its `main`, with wrong input."""

    def call(main, *arguments, words=()):
        monkeypatch.chdir(tmp_path)
        assert_refused(called(main, arguments, capsys), words)

    return call
