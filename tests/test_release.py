"""A release: one version everywhere, and a wheel that works without the checkout."""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
import venv

import pytest
import yaml

from tests.conftest import ROOT


def test_version_is_one():
    """pyproject.toml states it; what else names it must follow."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert re.search(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == version


@pytest.mark.slow
def test_wheel_from_the_source_distribution_works_without_the_checkout(tmp_path):
    """Built as `python -m build` does, which makes the wheel from the source distribution; so that has all it needs.

    The wheel is installed into an empty environment. What it depends on is this environment's, found by a path, which
    does not lead to the checkout.
    """
    ignored = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", "build", "dist", "site", "*.egg-info")
    shutil.copytree(ROOT, tmp_path / "checkout", ignore=ignored)
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def run(*words, cwd=tmp_path):
        done = subprocess.run(list(map(str, words)), cwd=cwd, env=clean, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", cwd=tmp_path / "checkout")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == 1
    shutil.rmtree(tmp_path / "checkout")

    venv.create(tmp_path / "empty", with_pip=True)
    program = tmp_path / "empty" / "bin"
    run(program / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    (packages,) = (tmp_path / "empty").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    where = run(program / "python", "-c", "import paper_figs, sims, theory; print(sims.__file__, theory.__file__)")
    assert all(file.startswith(str(packages)) for file in where.split())

    assert "contrastive" in run(program / "sober-clip", "--help")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(program / "sober-clip", "--version") == f"sober-clip {version}\n"
    assert json.loads(run(program / "sober-clip", "models", "--json", "-"))["models"]  # published/*.csv
    # The shipped results, without which this figure needs a minute of simulation.
    run(program / "sober-clip", "paper-figs", "--only", "bayes", "--out", tmp_path / "figures")
    assert list((tmp_path / "figures").rglob("bayes.png"))
