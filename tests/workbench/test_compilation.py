"""Compiled programs are kept for the next run, for this user alone, and never get in the way."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from workbench import compilation


def run(cache_home, **variables):
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache_home)} | variables
    return subprocess.run(
        [sys.executable, "-m", "theory", "--learner", "logistic", "--json", "-"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


@pytest.mark.slow
def test_second_run_compiles_nothing_that_is_kept_and_says_the_same(tmp_path):
    first = run(tmp_path)
    assert first.returncode == 0, first.stderr
    folder = tmp_path / "sober-clip"
    kept = {path.name for path in folder.iterdir() if not path.name.endswith("-atime")}
    assert kept and folder.stat().st_mode & 0o077 == 0
    second = run(tmp_path, JAX_LOG_COMPILES="1", JAX_EXPLAIN_CACHE_MISSES="0")
    assert second.stdout == first.stdout
    assert {path.name for path in folder.iterdir() if not path.name.endswith("-atime")} == kept
    assert "Persistent compilation cache hit" in second.stderr or "cache hit" in second.stderr.lower()


@pytest.mark.slow
def test_a_broken_entry_and_a_missing_folder_change_nothing(tmp_path):
    first = run(tmp_path)
    for path in (tmp_path / "sober-clip").iterdir():
        path.write_bytes(b"not machine code")
    assert run(tmp_path).stdout == first.stdout
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run(blocked)
    assert done.returncode == 0 and done.stdout == first.stdout


def test_what_xla_flags_decides_is_left(monkeypatch):
    options = compilation._cpu_options.__wrapped__
    if options(True, False) is None:
        pytest.skip("this version of XLA does not know the options")
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    assert options(True, False) == {"xla_cpu_use_fusion_emitters": False}
    long = {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False}
    assert options(True, True) == long
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")
    assert options(False, False) == {"xla_backend_optimization_level": 1}
    monkeypatch.delenv("XLA_FLAGS")
    assert options(False, False) == {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": True}
