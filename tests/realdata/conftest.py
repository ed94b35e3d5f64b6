"""What several files of tests ask of the published tables, asked once."""

import pytest

from realdata.claims.evaluate import evaluate


@pytest.fixture(scope="session")
def published_claims():
    """Every claim in every setting of the published tables, and the primary tests."""
    return evaluate()
