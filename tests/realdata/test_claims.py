"""The claims on the published tables, and on tables whose answer is planted."""

import functools
import json
import shutil
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm, ttest_1samp

from published.directory import DIRECTORY
from published.tables import PublishedTables, read_published_tables
from realdata.claims import evaluate, table
from realdata.claims.c1_drop import ask_drop
from realdata.claims.c2_robustness import ask_robustness
from realdata.claims.claim_test import judge
from realdata.claims.differences import DIFFERENCES, ask_difference
from realdata.claims.evaluate import rows_of_tables
from realdata.claims.hypothesis import Effect, positive
from realdata.claims.program import main
from realdata.claims.settings import image_tower_parameters, is_filtered, settings
from tests import seeds
from tests.realdata.test_added_models import evaluation
from workbench.errors import InputError

PUBLISHED = read_published_tables()


@pytest.fixture(scope="module")
def tests(published_claims):
    return published_claims.tests


def find(tests, claim, source="paper", question=None, **setting):
    return [
        t
        for t in tests
        if (t.claim, t.source) == (claim, source)
        and question in (None, t.question)
        and setting.items() <= t.setting.items()
    ]


PLAIN = {"selector": "included", "values": "as printed"}


def test_every_setting_is_asked_once(tests):
    asked = [(t.claim, t.question, t.source, t.tables, *t.setting.values()) for t in tests]
    assert len(asked) == len(set(asked))
    drops = find(tests, "C1", question="drop", **PLAIN)
    assert [t.tables for t in drops] == [("3",), ("10",), ("11",), ("13",), ("9",)]  # Table 5 repeats rows of Table 3
    pairs = [t.tables for t in find(tests, "C2", **PLAIN)]
    assert pairs == [("3", "4"), ("10", "4"), ("11", "12"), ("13", "14")]
    # The replication measured no ImageNet model at 1 vs. 20, so C2 cannot be asked there.
    assert not find(tests, "C2", "replication", setup="1v20")
    assert {t.claim for t in tests} == {"C1", "C2", "C3", "C4", "C5", "C6", "C8"}


def test_the_selector_and_then_its_family_are_left_out(tests):
    for test in find(tests, "C1", question="drop", values="as printed"):
        names = {(model["backbone"], model["pretrain"]) for model in test.models}
        assert (("ViT/B/32", "LAION400M") in names) == (test.setting["selector"] == "included")
        related = [name for name in names if name[1] == "LAION400M" or name[0] in ("ViT/B/32", "ViT/B/32-256")]
        assert bool(related) == (test.setting["selector"] != "family excluded"), test.setting
    assert Counter(t.setting["selector"] for t in find(tests, "C2", values="as printed")) == {
        "included": 4, "excluded": 4, "family excluded": 4}  # fmt: skip


def test_effects_are_those_of_an_independent_computation(tests):
    results = pd.read_csv(DIRECTORY / "results.csv")
    clips, imagenet = results[results["table"] == 11], results[results["table"] == 12]
    slope, intercept = np.polyfit(logit(imagenet["common"] / 100), logit(imagenet["counter"] / 100), 1)
    expected = clips["counter"] - 100 * expit(intercept + slope * logit(clips["common"] / 100))
    (test,) = find(tests, "C2", averaging="unbalanced", **PLAIN)
    assert test.effect == pytest.approx(expected.mean(), rel=1e-9)
    assert [m["effective_robustness"] for m in test.models] == pytest.approx(list(expected), rel=1e-9)
    (drop,) = find(tests, "C1", averaging="unbalanced", **PLAIN)
    assert drop.effect == pytest.approx((clips["common"] - clips["counter"]).mean())
    first = clips.iloc[0]
    variance = sum(first[g] * (100 - first[g]) / n for g, n in (("common", 7174), ("counter", 5926)))
    assert drop.models[0]["stderr"] == pytest.approx(np.sqrt(variance))


def sandwich(design, values, groups):
    """The last coefficient and its cluster-robust error (Liang and Zeger 1986), with the usual small-sample factor."""
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ values
    residuals = values - design @ coefficients
    scores = [design[groups == g].T @ residuals[groups == g] for g in set(groups)]
    (n, k), clusters = design.shape, len(set(groups))
    factor = clusters / (clusters - 1) * (n - 1) / (n - k)
    return coefficients[-1], np.sqrt(factor * (inverse @ sum(np.outer(s, s) for s in scores) @ inverse)[-1, -1])


def test_clustered_errors_are_the_sandwich(tests):
    clips = pd.read_csv(DIRECTORY / "results.csv").query("table == 3")
    drops = (clips["common"] - clips["counter"]).to_numpy()
    sizes = np.log10(image_tower_parameters(clips, "")).to_numpy()
    design = np.column_stack([pd.get_dummies(clips["pretrain"], dtype=float), sizes])
    collection = clips["pretrain"].replace({"DFN5B": "DFN2B"}).to_numpy()
    families = ("RN", "ConvNext", "ViT/B/32", "ViT/L/14", "ViT/H/14")
    architecture = np.array([next((f for f in families if b.startswith(f)), b) for b in clips["backbone"]])
    (test,) = find(
        tests, "C3", question="model size: drop", setup="1v1000", averaging="balanced", prompt="simple", **PLAIN
    )
    for groups, name in ((collection, "pre-training data"), (architecture, "architecture")):
        slope, error = sandwich(design, drops, groups)
        assert test.effect == pytest.approx(slope)
        if test.clustered.method == f"clustered by {name}":
            assert (test.clustered.stderr, test.clustered.clusters) == (pytest.approx(error), len(set(groups)))
        else:  # the other way says more, which is why it was not taken
            assert test.clustered.p_value > 2 * np.exp(-((slope / error) ** 2))


def test_of_several_effects_all_must_be_as_claimed_and_one_is_enough_for_the_opposite():
    """The largest p-value of all, and Bonferroni's of the smallest; both two-sided."""
    estimates = [Effect(3.0, 1.0), Effect(2.2, 1.0), Effect(-2.5, 1.0)]
    claim, opposite = positive("none is above 0", "points").p_values_of_all(estimates[:2])
    assert claim == pytest.approx(2 * norm.sf(2.2)) and opposite == 1.0
    claim, opposite = positive("none is above 0", "points").p_values_of_all(estimates)
    assert claim == 1.0 and opposite == pytest.approx(3 * 2 * norm.sf(2.5))


def test_amounts_of_data_are_compared_over_sets_that_were_not_filtered(tests):
    data = pd.read_csv(DIRECTORY / "pretraining_data.csv").set_index("pretrain")["filtered"]
    asked = find(tests, "C4", **PLAIN)
    assert asked and all(data[model["pretrain"]] == 0 for test in asked for model in test.models)


def test_equivalence_is_two_one_sided_tests(tests):
    wide = pd.read_csv(DIRECTORY / "multicolored_mnist.csv").pivot(
        index=["classes", "p_inv", "p_spu"], columns="method"
    )
    difference = wide["rev_mean"]["contrastive"] - wide["rev_mean"]["supervised"]
    (test,) = find(tests, "C8", question="colours reversed")
    assert test.effect == pytest.approx(difference.mean())
    sides = [ttest_1samp(difference, bound, alternative=side).pvalue for bound, side in ((-5, "greater"), (5, "less"))]
    assert test.p_value == pytest.approx(2 * max(sides))
    assert test.p_value_opposite == pytest.approx(2 * ttest_1samp(difference, 0, alternative="greater").pvalue, abs=1)
    assert test.clustered.clusters == 6  # numbers of classes


def test_what_the_published_numbers_say(tests):
    """Origin: `python -m realdata.claims`; docs/findings.md and the report say the same."""
    verdicts = {
        (t.source, t.setting["setup"], t.setting["prompt"], t.setting["averaging"]): (t.verdict, t.verdict_naive)
        for t in find(tests, "C2", **PLAIN) + find(tests, "C2", "replication", **PLAIN)
    }
    assert verdicts == {
        ("paper", "1v1000", "simple", "balanced"): ("inconclusive", "supported"),
        ("paper", "1v1000", "openai80", "balanced"): ("inconclusive", "inconclusive"),
        ("paper", "1v1000", "simple", "unbalanced"): ("inconclusive", "inconclusive"),
        ("paper", "1v20", "simple", "balanced"): ("inconclusive", "supported"),
        ("replication", "1v1000", "simple", "balanced"): ("supported", "supported"),
    }
    open_tests = [t for t in tests if (t.claim, t.question) == ("C1", "drop") and t.verdict != "supported"]
    assert {t.tables for t in open_tests} == {("9",)}
    assert all("DataComp S S13M B4K" in note for t in open_tests for note in t.notes)
    size = [t for t in tests if t.claim == "C3"]
    assert all(t.verdict == "supported" for t in size if t.question.endswith("drop") and t.setting | PLAIN == t.setting)
    assert not [t for t in size if not t.question.endswith("drop") and t.verdict == "supported"]
    assert {t.verdict for t in tests if t.claim == "C4"} == {"inconclusive"}  # three unfiltered sets of two sizes
    assert not [t for t in tests if t.question == "filtered data: effective robustness" and t.verdict == "supported"]


def planted(shift=0.0, drop_of_first=None, size=0.0, filtered=0.0, of_data=0.0, noise=0.05, draw=5):
    """Tables 3 and 4 with made accuracies: CLIPs on the ImageNet line, moved off it by so many logits.

    Args:
        shift: of every CLIP.
        drop_of_first: in points, of the first CLIP.
        size: for ten times the image tower's parameters.
        filtered: where the data are.
        of_data: deviation of a shift that all models of a data set share.
        noise: deviation of each model's own shift.
        draw: number of the random draw.
    """
    rng = seeds.generator(draw)
    real = PUBLISHED
    results = real.results[real.results["table"].isin(("3", "4"))].copy()
    clips = results["family"] == "clip"
    sizes, good = (np.zeros(len(results)) for _ in range(2))
    sizes[clips] = np.log10(image_tower_parameters(results[clips], "") / 100)
    good[clips] = is_filtered(results[clips], "")
    shared = dict(zip(results["pretrain"].unique(), rng.normal(0, of_data, results["pretrain"].nunique()), strict=True))
    # Larger and better data: more accurate; ImageNet models over the same range, so that their line is known there.
    common = 0.9 + 0.6 * sizes + 0.5 * good + np.where(clips, 0.15, 0.6) * rng.normal(size=len(results))
    moved = shift + size * sizes + filtered * good + results["pretrain"].map(shared)
    counter = -0.9 + 1.1 * common + np.where(clips, moved, 0.0) + rng.normal(0, noise, len(results))
    results["common"], results["counter"] = 100 * expit(common), 100 * expit(counter)
    if drop_of_first is not None:
        results.loc[results.index[0], "counter"] = results["common"].iloc[0] - drop_of_first
    return PublishedTables(results, real.replication.iloc[:0], real.classes)


def rows_of_table_3(tables):
    """What is asked of Table 3 with all its CLIPs, the first of the questions that `rows_of_tables` asks."""
    setting = next(settings(tables))
    assert setting.selector == "included"
    rows = [ask_drop(setting, tables), ask_robustness(setting, tables)]
    return rows + [row for difference in DIFFERENCES for row in ask_difference(difference, setting, tables)]


def verdict(tables, claim, question=None):
    """Of Table 3 with all its CLIPs, judged alone."""
    (row,) = judge(find(rows_of_table_3(tables), claim, question=question))
    return row.verdict


@pytest.mark.simulation
@pytest.mark.parametrize(("shift", "expected"), [(-0.3, "supported"), (0.3, "not supported")])
def test_planted_robustness_is_found(shift, expected):
    assert verdict(planted(shift), "C2") == expected


@pytest.mark.simulation
@pytest.mark.parametrize(("drop", "expected"), [(None, "supported"), (0.5, "inconclusive"), (-8.0, "not supported")])
def test_one_clip_that_does_not_drop_is_found(drop, expected):
    assert verdict(planted(-0.3, drop_of_first=drop), "C1") == expected


@functools.cache
def draws_tested(**change):
    """The tests of Table 3 with all its CLIPs, each judged alone, in twelve draws; by claim and question."""
    found = defaultdict(list)
    for draw in range(12):
        rows = rows_of_table_3(planted(draw=draw, **change))
        for row in (row for claim in ("C2", "C3", "C5") for row in find(rows, claim)):
            found[row.claim, row.question].extend(judge([row]))
    return found


def verdicts(found, claim, question, word):
    return sum(row.verdict == word for row in found[claim, question])


@pytest.mark.simulation
def test_size_and_data_shrink_drops_by_accuracy_alone():
    """The drop shrinks along the line that all models share; that is no robustness, and is not called so."""
    found = draws_tested()
    # Found in 95% and 78% of 60 draws: fewer than 8 and 4 of 12 have a probability of 1e-5.
    assert verdicts(found, "C3", "model size: drop", "supported") >= 8
    assert verdicts(found, "C5", "filtered data: drop", "supported") >= 4
    robustness = [("C2", "effective robustness"), ("C3", "model size: effective robustness")]
    for claim, question in (*robustness, ("C5", "filtered data: effective robustness")):
        # A test of 5%: five alarms of 12 have a probability of 2e-4.
        assert verdicts(found, claim, question, "inconclusive") >= 8, question


@pytest.mark.simulation
@pytest.mark.parametrize(("sign", "expected"), [(1, "supported"), (-1, "not supported")])
def test_planted_effects_of_size_and_data_are_found(sign, expected):
    assert verdict(planted(size=0.4 * sign), "C3", "model size: effective robustness") == expected
    assert verdict(planted(filtered=0.4 * sign), "C5", "filtered data: effective robustness") == expected


@pytest.mark.simulation
def test_what_data_sets_share_is_not_taken_for_many_models():
    """Shifts that belong to data sets look like evidence to errors of independent models; clusters tell."""
    rows = draws_tested(of_data=0.3)["C2", "effective robustness"]
    assert np.median([row.clustered.stderr / row.stderr for row in rows]) > 1.5
    naive = [row.verdict_naive != "inconclusive" for row in rows]
    clustered = [row.verdict != "inconclusive" for row in rows]
    # The naive test is wrong in half of the draws: none of 12 has a probability of 5e-4; the other keeps its 5%.
    assert sum(naive) >= 1 and sum(clustered) <= 4
    assert sum(naive) > sum(clustered)


@pytest.mark.simulation
def test_a_single_filtered_set_says_nothing_of_filtering():
    tables = planted(filtered=0.5, noise=0.01)
    kept = tables.results["pretrain"].isin(("OpenAI", "LAION400M", "LAION2B", "DataComp1B", "ImageNet1K"))
    (row,) = judge(
        find(rows_of_tables(PublishedTables(tables.results[kept], tables.replication, tables.classes)), "C5",
             question="filtered data: effective robustness", selector="included")
    )  # fmt: skip
    assert row.verdict == "inconclusive" and row.clustered is None and "one or two data sets" in row.undecidable


@pytest.mark.simulation
def test_accuracies_of_nought_and_a_hundred_are_taken_as_half_a_photo_away():
    tables = planted(-0.3)
    first, second = tables.results.index[:2]
    tables.results.loc[first, ["common", "counter"]] = 100.0
    tables.results.loc[second, ["common", "counter"]] = 0.0
    rows = rows_of_tables(tables)
    for test in rows:
        assert np.isfinite([test.effect, test.stderr, test.p_value, *test.interval]).all()
    first = rows_of_table_3(tables)
    assert [(row.claim, row.question, row.p_value) for row in rows[: len(first)]] == [
        (row.claim, row.question, row.p_value) for row in first
    ]
    assert {row.setting["selector"] for row in rows[len(first) :]} == {"excluded", "family excluded"}


@pytest.mark.simulation
def test_a_baseline_without_a_line_is_refused():
    tables = planted(-0.3)
    tables.results.loc[tables.results["family"] == "imagenet", "common"] = 80.0
    with pytest.raises(InputError, match=r"results\.csv: 1v1000, balanced: a line needs baseline models of different"):
        rows_of_tables(tables)


def test_corrections_are_a_setting_of_their_own_where_they_change_something(tests):
    corrected = find(tests, "C2", values="corrected", selector="included")
    assert {t.tables for t in corrected} == {("10", "4"), ("3", "4"), ("11", "12"), ("13", "14")}
    (openai80,) = [t for t in corrected if t.tables == ("10", "4")]
    named = {(m["backbone"], m["pretrain"]) for m in openai80.models}
    # Rows of Table 10 whose numbers contradict each other, or are another prompt's, cannot be used.
    assert not named & {("ViT/B/16", "LAION400M"), ("ViT/G/14", "LAION2B"), ("ViT/bigG/14", "LAION2B")}
    assert len(named) == 25


def test_program_prints_and_writes_the_same(call_program, tmp_path, published_claims, tests, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(evaluate, "evaluate", lambda *given: asked.append(given) or published_claims)
    done = call_program("realdata.claims", "--all", "--json", "claims.json")
    assert done.returncode == 0, done.stderr
    assert [(place, list(models)) for place, models in asked] == [(DIRECTORY, [])]  # as `published_claims`
    content = json.loads((tmp_path / "claims.json").read_text())
    key = ("claim", "question", "source", "setting", "verdict")
    assert [tuple(c[k] for k in key) for c in content["claims"]] == [tuple(getattr(t, k) for k in key) for t in tests]
    assert content["not_asked"][0]["claim"] == "C2" and content["added"] == []
    assert [len(content[key]) for key in ("other_shifts", "other_models", "masked_drops")] == [27, 4, 12]
    words = " ".join(done.stdout.split())
    assert "C9. CLIPs are robust on test sets made to break ImageNet models" in words
    assert "On CounterAnimal: 8 inconclusive of 8 rows" in words and "points remain on average" in words
    assert f"{len(tests)} rows are judged together" in words
    counted = Counter(t.verdict for t in tests if t.claim == "C2")
    assert f"In 24 settings: {counted['supported']} supported, {counted['inconclusive']} inconclusive." in words
    table.show(tests, [], everything=False)
    assert "excluded" not in capsys.readouterr().out
    table.show(tests, [], everything=True)
    assert "family excluded corrected" in " ".join(capsys.readouterr().out.split())


def test_published_rows_are_what_they_are_without_added_models(published_claims, call_program, tmp_path, monkeypatch):
    judged = []
    monkeypatch.setattr(evaluate, "_evaluate_claims", lambda *given: judged.append(given) or published_claims.tests)
    monkeypatch.setattr(evaluate, "ask_primary", lambda *given: [])
    monkeypatch.setattr(evaluate, "judge_primary", lambda *given: published_claims.primary)
    monkeypatch.setattr(evaluate, "compare_sources", lambda *given: published_claims.both)
    folder = evaluation(tmp_path / "mine")
    done = call_program("realdata.claims", "--with", folder, "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert len(judged) == 1 and all(row["source"] != "added" for row in content["claims"])
    assert {row["claim"] for row in content["added"]} == {"C1", "C2"} and content["added_not_asked"] == []


def test_wrong_tables_get_one_line(refuses, tmp_path):
    refuses(main, "--published", "nowhere", words=["--published", "nowhere"])
    refuses(main, "--published", tmp_path, words=["results.csv", "no such file"])
    for path in DIRECTORY.glob("*.csv"):
        shutil.copy(path, tmp_path / path.name)
    text = (tmp_path / "results.csv").read_text()
    (tmp_path / "results.csv").write_text(text.replace("64.02", "much", 1))
    refuses(main, "--published", tmp_path, words=["results.csv", "line 2", "'common'", "'much'"])
    (tmp_path / "results.csv").write_text(text.replace(",RN50,OpenAI,", ",RN51,OpenAI,"))
    refuses(main, "--published", tmp_path, words=["results.csv", "line 2", "'backbone'", "RN51 OpenAI"])
    (tmp_path / "results.csv").write_text(text.splitlines()[0] + "\n")
    refuses(main, "--published", tmp_path, words=["results.csv", "no rows"])
    refuses(main, "--json", "/dev/null/x.json", words=["--json", "/dev/null"])
