"""The claims on the published tables, and on tables whose answer is planted."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from published.tables import DIRECTORY, PublishedTables, read_published_tables
from realdata.claims import evaluate_claims, main
from workbench.errors import InputError


@pytest.fixture(scope="module")
def tests():
    return evaluate_claims(read_published_tables())


def find(tests, claim, source, **setting):
    return [t for t in tests if (t.claim, t.source) == (claim, source) and setting.items() <= t.setting.items()]


def test_every_setting_is_asked_once_with_and_without_the_selector(tests):
    asked = [(t.claim, t.source, t.tables, *t.setting.values()) for t in tests]
    assert len(asked) == len(set(asked))
    tables = {t.tables[0] for t in tests if t.claim == "C1" and t.source == "paper"}
    assert tables == {"3", "9", "10", "11", "13"}  # Table 5 repeats rows of Table 3
    pairs = {t.tables for t in tests if t.claim == "C2" and t.source == "paper"}
    assert pairs == {("3", "4"), ("10", "4"), ("11", "12"), ("13", "14")}
    for test in tests:
        (other,) = [
            t
            for t in tests
            if (t.claim, t.source, t.tables) == (test.claim, test.source, test.tables)
            and t.setting == test.setting | {"selector": "excluded"}
        ]
        assert not any((m["backbone"], m["pretrain"]) == ("ViT/B/32", "LAION400M") for m in other.models)
    # The replication measured no ImageNet model at 1 vs. 20, so C2 cannot be asked there.
    assert not find(tests, "C2", "replication", setup="1v20")


def test_effects_are_those_of_an_independent_computation(tests):
    results = pd.read_csv(DIRECTORY / "results.csv")
    clips, imagenet = results[results["table"] == 11], results[results["table"] == 12]
    slope, intercept = np.polyfit(logit(imagenet["common"] / 100), logit(imagenet["counter"] / 100), 1)
    expected = clips["counter"] - 100 * expit(intercept + slope * logit(clips["common"] / 100))
    (test,) = find(tests, "C2", "paper", averaging="unbalanced", selector="included")
    assert test.effect == pytest.approx(expected.mean(), rel=1e-9)
    assert [m["effective_robustness"] for m in test.models] == pytest.approx(list(expected), rel=1e-9)
    (drop,) = find(tests, "C1", "paper", averaging="unbalanced", selector="included")
    assert drop.effect == pytest.approx((clips["common"] - clips["counter"]).mean())
    first = clips.iloc[0]
    variance = sum(first[g] * (100 - first[g]) / n for g, n in (("common", 7174), ("counter", 5926)))
    assert drop.models[0]["stderr"] == pytest.approx(np.sqrt(variance))


def test_what_the_published_numbers_say(tests):
    """C2 depends on the prompt and on the averaging; C1 on nothing but one untrained model of Table 9."""
    for selector in ("included", "excluded"):
        verdicts = {(t.source, t.setting["setup"], t.setting["prompt"], t.setting["averaging"]): t.verdict
                    for t in tests if t.claim == "C2" and t.setting["selector"] == selector}  # fmt: skip
        assert verdicts == {
            ("paper", "1v1000", "simple", "balanced"): "supported",
            ("paper", "1v1000", "openai80", "balanced"): "inconclusive",
            ("paper", "1v1000", "simple", "unbalanced"): "inconclusive",
            ("paper", "1v20", "simple", "balanced"): "supported",
            ("replication", "1v1000", "simple", "balanced"): "supported",
        }
    open_tests = [t for t in tests if t.claim == "C1" and t.verdict != "supported"]
    assert {t.tables for t in open_tests} == {("9",)}
    assert all("DataComp S S13M B4K" in note for t in open_tests for note in t.notes)


def planted(shift, drop_of_first=None):
    """Tables of the paper's shape: CLIPs on the ImageNet line, moved by `shift` logits."""
    rng = np.random.default_rng(5)
    columns = {"table": "3", "setup": "1v1000", "prompt": "simple", "averaging": "balanced", "checkpoint": ""}
    rows = []
    for family, count, move in (("imagenet", 15, 0.0), ("clip", 28, shift)):
        for index, common in enumerate(rng.uniform(0.5, 2.0, count)):
            counter = 100 * expit(-0.9 + 1.1 * common + move + 0.05 * rng.normal())
            rows.append(columns | {"family": family, "backbone": f"{family}{index}", "pretrain": "made",
                                   "common": 100 * expit(common), "counter": counter})  # fmt: skip
    results = pd.DataFrame(rows)
    if drop_of_first is not None:
        results.loc[15, "counter"] = results.loc[15, "common"] - drop_of_first
    real = read_published_tables()
    return PublishedTables(results, real.replication, real.classes)


@pytest.mark.parametrize(("shift", "verdict"), [(-0.3, "supported"), (0.0, "inconclusive"), (0.3, "not supported")])
def test_planted_robustness_is_found(shift, verdict):
    (test,) = find(evaluate_claims(planted(shift)), "C2", "paper")
    assert test.verdict == verdict
    assert np.sign(test.effect) == np.sign(shift) or shift == 0


@pytest.mark.parametrize(("drop", "verdict"), [(None, "supported"), (0.5, "inconclusive"), (-8.0, "not supported")])
def test_one_clip_that_does_not_drop_is_found(drop, verdict):
    tests = evaluate_claims(planted(-0.3, drop_of_first=drop))
    assert find(tests, "C1", "paper")[0].verdict == verdict


def test_accuracies_of_nought_and_a_hundred_are_taken_as_half_a_photo_away():
    tables = planted(-0.3)
    tables.results.loc[15, ["common", "counter"]] = 100.0
    tables.results.loc[16, ["common", "counter"]] = 0.0
    for test in evaluate_claims(tables):
        assert np.isfinite([test.effect, test.stderr, test.p_value, *test.interval]).all()


def test_a_baseline_without_a_line_is_refused():
    tables = planted(-0.3)
    tables.results.loc[tables.results["family"] == "imagenet", "common"] = 80.0
    with pytest.raises(InputError, match=r"results\.csv: 1v1000, balanced: a line needs baseline models of different"):
        evaluate_claims(tables)


def test_contradictions_are_corrected_over_settings_too():
    """A gain that 5% in one setting would call significant is no contradiction among several settings."""
    tests = evaluate_claims(planted(-0.3, drop_of_first=-2.5))
    first = find(tests, "C1", "paper")[0]
    assert 0.05 / len(find(tests, "C1", "paper") + find(tests, "C1", "replication")) < first.p_value_opposite < 0.05
    assert first.verdict == "inconclusive"


def test_program_prints_the_same_as_json(run_program, tests):
    done = run_program("realdata.claims", "--json", "-")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)["claims"]
    assert [(c["claim"], c["source"], c["setting"], c["verdict"]) for c in printed] == [
        (t.claim, t.source, t.setting, t.verdict) for t in tests
    ]
    assert {"effect", "stderr", "interval", "p_value", "models"} <= set(printed[0])
    table = run_program("realdata.claims")
    assert "C2 is supported in 6 of 10 settings; not with: paper, openai80 prompt, balanced" in table.stdout.replace(
        "\n", " "
    )


def test_wrong_tables_get_one_line(refuses, tmp_path):
    refuses(main, "--published", "nowhere", words=["--published", "nowhere"])
    refuses(main, "--published", tmp_path, words=["results.csv", "no such file"])
    for name in ("results.csv", "replication_results.csv", "classes.csv"):
        shutil.copy(DIRECTORY / name, tmp_path / name)
    lines = (tmp_path / "results.csv").read_text().splitlines()
    (tmp_path / "results.csv").write_text("\n".join([lines[0], lines[1].replace("64.02", "much")]))
    refuses(main, "--published", tmp_path, words=["results.csv", "line 2", "'common'", "'much'"])
    (tmp_path / "results.csv").write_text(lines[0] + "\n")
    refuses(main, "--published", tmp_path, words=["results.csv", "no rows"])
    refuses(main, "--json", "/dev/null/x.json", words=["--json", "/dev/null"])
