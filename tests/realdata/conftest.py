"""What several files of tests ask of the published tables, asked once."""

import importlib

import pytest

from realdata.claims.evaluate import evaluate
from workbench import results


@pytest.fixture(scope="session")
def published_claims():
    """Every claim in every setting of the published tables, and the primary tests."""
    return evaluate()


@pytest.fixture
def undrawn(monkeypatch):
    """Programs whose pictures are empty: drawing takes a third of the time of those that test something else."""
    evaluation = importlib.import_module("realdata.evaluate.result")  # `realdata.evaluate` is a function
    for place in (evaluation, results):
        monkeypatch.setattr(place, "to_png", lambda figure: b"")
