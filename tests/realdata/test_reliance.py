"""The index of spurious reliance on published accuracies, and on tables whose reliance is planted."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from published.tables import PublishedTables, read_published_tables
from realdata.reliance import evaluate_reliance
from tests.conftest import ROOT

PHOTOS = read_published_tables().classes


@pytest.fixture(scope="module")
def published():
    return evaluate_reliance(read_published_tables())


def planted(rng, of_clips, of_imagenet, intercept=0.0, spread=0.0):
    """Accuracies counted on the photos of models on lines through the origin, moved by an intercept or a spread."""
    columns = {"table": "3", "setup": "1v1000", "prompt": "simple", "averaging": "unbalanced", "checkpoint": ""}
    photos = {group: int(PHOTOS[f"{group}_photos"].sum()) for group in ("common", "counter")}
    rows = []
    for family, tau, count in (("clip", of_clips, 28), ("imagenet", of_imagenet, 15)):
        for index, common in enumerate(rng.uniform(0.4, 1.4, count)):
            own = tau + spread * rng.normal()
            probits = {"common": common, "counter": intercept + common * (1 - own) / (1 + own)}
            shares = {name: 100 * rng.binomial(photos[name], norm.cdf(z)) / photos[name] for name, z in probits.items()}
            rows.append(columns | {"family": family, "backbone": f"{family}{index}", "pretrain": "made"} | shares)
    empty = read_published_tables().replication.iloc[:0]
    return PublishedTables(pd.DataFrame(rows), empty, PHOTOS)


def test_planted_indices_are_recovered_with_their_errors_and_the_verdicts_keep_their_level():
    rng = np.random.default_rng(0)
    covered, rejected = [], 0
    for _ in range(50):
        tests, (comparison,) = evaluate_reliance(planted(rng, 0.4, 0.3))
        covered += [test.interval[0] < tau < test.interval[1] for test, tau in zip(tests, (0.4, 0.3), strict=True)]
        covered.append(comparison.interval[0] < 0.1 < comparison.interval[1])
        rejected += any(test.verdict == "rejected" for test in tests)
    # 150 intervals at 95%, somewhat wider where chi-square exceeds its mean; 3.7 binomial deviations (p = 1e-4).
    assert np.mean(covered) > 0.95 - 3.7 * np.sqrt(0.05 * 0.95 / 150)
    assert rejected / 50 < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / 50)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"intercept": -0.3}, "better models lean less"), ({"intercept": 0.3}, "better models lean more"),
     ({"spread": 0.06}, "they differ")],
)  # fmt: skip
def test_what_the_theory_cannot_explain_is_found(change, reason):
    tests, _ = evaluate_reliance(planted(np.random.default_rng(1), 0.4, 0.3, **change))
    for test in tests:
        assert test.verdict == "rejected" and reason in test.reasons


@pytest.mark.parametrize(("tau", "verdict"), [(0.45, "CLIPs lean more"), (0.15, "CLIPs lean less")])
def test_difference_between_the_families_is_found(tau, verdict):
    _, (comparison,) = evaluate_reliance(planted(np.random.default_rng(2), tau, 0.3))
    assert comparison.verdict == verdict
    assert comparison.difference == pytest.approx(tau - 0.3, abs=5 * comparison.stderr)


def test_each_model_has_its_own_index(published):
    for test in published[0]:
        for model in test.models:
            z = norm.ppf([model["common"] / 100, model["counter"] / 100])
            assert model["reliance"] == pytest.approx((z[0] - z[1]) / (z[0] + z[1]), rel=1e-9)


def test_what_the_published_numbers_say(published):
    """One reliance a family is rejected everywhere: better models lean less. The families are not told apart."""
    tests, comparisons = published
    assert len({(t.family, t.source, t.tables, *t.setting.values()) for t in tests}) == len(tests)
    assert all("better models lean less" in test.reasons and "they differ" in test.reasons for test in tests)
    assert {row.verdict for row in comparisons} == {"inconclusive"}
    readme = (ROOT / "README.md").read_text()
    assert f"in {len(tests)} of {len(tests)} cases" in readme and f"any of {len(comparisons)} comparisons" in readme
    assert all(-0.85 < test.intercept < -0.5 for test in tests)  # 0.5 to 0.8 in docs/theory/accuracy_on_the_line.md


def test_models_worse_than_chance_are_left_out_and_told(published, run_program):
    (table9,) = [t for t in published[0] if t.tables == ("9",) and t.setting["selector"] == "included"]
    assert table9.left_out > 0 and all(model["common"] + model["counter"] > 100 for model in table9.models)
    done = run_program("realdata.reliance")
    assert done.returncode == 0, done.stderr
    assert f"({table9.left_out} left out)" in " ".join(done.stdout.split())


def test_program_writes_json_and_refuses_wrong_tables(run_program, refused):
    done = run_program("realdata.reliance", "--json", "-")
    content = json.loads(done.stdout)
    assert set(content) == {"tests", "comparisons"} and content["tests"][0]["family"] == "clip"
    refused("realdata.reliance", "--published", "nowhere", words=["nowhere"])
