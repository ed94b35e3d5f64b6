"""What the tests keep between runs never gets in their way."""

import os
import subprocess
import sys

import pytest

from tests.conftest import LONGEST, ROOT


def run(cache):
    """A test that compiles a little, with another folder for what is kept."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-o", f"cache_dir={cache}", "tests/test_seeds.py"]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_compiled_programs_are_kept_and_none_that_is_broken_missing_or_unwritable_is_a_failure(tmp_path):
    assert run(tmp_path / "kept").returncode == 0
    (folder,) = (tmp_path / "kept" / "d").iterdir()
    entries = sorted(folder.glob("*-cache"))
    assert folder.name.startswith("compiled-by-jax-") and entries
    entries[0].unlink()
    for entry in entries[1:]:
        entry.write_bytes(entry.read_bytes()[:20])  # as one that another process is writing
    done = run(tmp_path / "kept")
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "below")
    assert done.returncode == 0, done.stdout


def test_the_files_that_begin_first_are_there():
    assert all((ROOT / name).is_file() for name in LONGEST) and len(set(LONGEST)) == len(LONGEST)
