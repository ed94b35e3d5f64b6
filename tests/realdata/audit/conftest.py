"""Audits and clean tables that several tests share."""

import shutil

import pytest

from published.directory import DIRECTORY
from realdata.audit.audit import audit_tables
from tests.realdata.audit.made_tables import make_tables

SEEDS = (0, 10)


@pytest.fixture(scope="session")
def real():
    """The audit of the published tables."""
    return audit_tables(DIRECTORY)


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """Folders of tables in which nothing is wrong, by seed."""
    return {seed: make_tables(tmp_path_factory.mktemp("clean"), seed) for seed in SEEDS}


def serious(audit):
    return [finding for finding in audit.findings if finding.severity != "note"]


def copy_of(folder, target):
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return target
