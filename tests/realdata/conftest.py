"""What several files of tests ask of the published tables, asked once."""

import importlib

import pytest

from realdata.claims.evaluate import evaluate


@pytest.fixture(scope="session")
def published_claims():
    """Every claim in every setting of the published tables, and the primary tests."""
    return evaluate()


@pytest.fixture
def undrawn(monkeypatch):
    """Evaluations whose pictures are empty: drawing takes a third of the time of those that test something else."""
    result = importlib.import_module("realdata.evaluate.result")  # `realdata.evaluate` is a function
    monkeypatch.setattr(result, "to_png", lambda figure: b"")
