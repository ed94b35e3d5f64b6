"""The index of spurious reliance on published accuracies, and on tables whose reliance is planted."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import norm

from paper_figs.context import Context
from paper_figs.published import accuracy_curves, reliance
from published.directory import DIRECTORY
from published.tables import PublishedTables, read_classwise, read_published_tables
from realdata.reliance import program
from realdata.reliance.alternatives import ask_alternatives
from realdata.reliance.curve_table import describe
from realdata.reliance.curve_tests import CLIPS, DIFFICULTY_ALONE, FEWER, MASKED, OWN, RELIANCE, read_other_models
from realdata.reliance.curves import BACKGROUNDS, LINES, THEORIES
from realdata.reliance.families import pair_families
from realdata.reliance.question import Question, holm
from realdata.reliance.study import study
from tests import seeds
from tests.documentation import FINDINGS, words_of
from workbench.results import to_png

pytestmark = pytest.mark.simulation

TABLES = read_published_tables()
PHOTOS = TABLES.classes


@pytest.fixture(scope="module")
def published():
    return study(TABLES, read_classwise(), read_other_models())


def planted(rng, of_clips, of_imagenet, intercept=0.0, spread=0.0):
    """Accuracies counted on the photos of models on lines through the origin, moved by an intercept or a spread.

    An index of 0 with an intercept is a shift: photos that are harder for every model.
    """
    columns = {"table": "3", "setup": "1v1000", "prompt": "simple", "averaging": "unbalanced", "checkpoint": ""}
    photos = {group: int(PHOTOS[f"{group}_photos"].sum()) for group in ("common", "counter")}
    rows = []
    for family, tau, count in (("clip", of_clips, 28), ("imagenet", of_imagenet, 15)):
        for index, common in enumerate(rng.uniform(0.4, 1.4, count)):
            own = tau + spread * rng.normal()
            probits = {"common": common, "counter": intercept + common * (1 - own) / (1 + own)}
            shares = {name: 100 * rng.binomial(photos[name], ndtr(z)) / photos[name] for name, z in probits.items()}
            rows.append(columns | {"family": family, "backbone": f"{family}{index}", "pretrain": "made"} | shares)
    return PublishedTables(pd.DataFrame(rows), TABLES.replication.iloc[:0], PHOTOS)


RUNS = 12


@pytest.fixture(scope="module")
def rays():
    rng = seeds.generator(0)
    return [study(planted(rng, 0.4, 0.3), {}) for _ in range(RUNS)]


def test_planted_indices_are_recovered_with_their_errors_and_the_verdicts_keep_their_level(rays):
    covered, rejected = [], 0
    for run in rays:
        covered += [test.interval[0] < tau < test.interval[1] for test, tau in zip(run.tests, (0.4, 0.3), strict=True)]
        covered.append(run.comparisons[0].interval[0] < 0.1 < run.comparisons[0].interval[1])
        rejected += any(test.verdict == "rejected" for test in run.tests)
    # 36 intervals at 95%, somewhat wider where chi-square exceeds its mean; 3.7 binomial deviations (p = 1e-4).
    assert np.mean(covered) > 0.95 - 3.7 * np.sqrt(0.05 * 0.95 / len(covered))
    assert rejected / RUNS < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / RUNS)


def test_rays_are_told_as_rays_and_no_model_as_leaning_otherwise(rays):
    """The theory's own tables are not rejected beyond chance, and neither alternative is taken for them."""
    rows = [row for run in rays for row in run.alternatives]
    wrong = np.mean([row.p_values["ray"] < 0.05 for row in rows])
    assert wrong < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / len(rows))
    assert np.mean([row.verdict == "ray" for row in rows]) > 0.9  # what is left after Holm's correction
    # The lines meet at 50%: Fieller's set holds it, and chance is outside.
    holds = [any(low <= 0.5 <= high for low, high in row.meeting_set) for row in rows]
    assert np.mean(holds) > 0.95 - 3.7 * np.sqrt(0.05 * 0.95 / len(rows))
    assert not any(low <= 0.001 <= high for row in rows for low, high in row.meeting_set)
    for model in rays[0].models:
        tau = {"clip": 0.4, "imagenet": 0.3}[model.family]
        assert abs(model.reliance - tau) < 4.5 * model.stderr and model.verdict == "above 0"  # 43 models, p = 3e-4


def test_harder_photos_are_told_as_a_shift_and_not_as_reliance():
    rng = seeds.generator(3)
    asked = [ask_alternatives(pair_families(planted(rng, 0.0, 0.0, intercept=-0.5)))[0] for _ in range(20)]
    rows = [question.answer(lambda p: p) for questions in asked for question in questions]
    wrong = np.mean([row.p_values["shift"] < 0.05 for row in rows])
    assert wrong < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / len(rows))
    assert all(row.p_values["ray"] < 1e-3 for row in rows)
    assert np.mean([row.p_values["chance"] < 0.01 for row in rows]) > 0.8  # with 15 models not always
    run = study(planted(rng, 0.0, 0.0, intercept=-0.5), {})
    # A family may be left undecided, as one of 34 was, or even its shift be rejected, as 5% are: not four of eight.
    runs = [run, *(study(planted(rng, 0.0, 0.0, intercept=-0.5), {}) for _ in range(3))]
    verdicts = [row.verdict for each in runs for row in each.alternatives]
    assert set(verdicts) <= {"shift", "undecided", "none alone"} and verdicts.count("shift") > 4
    assert all(test.verdict == "rejected" for test in run.tests)
    (beside,) = run.differences
    assert beside.verdict == "inconclusive" and abs(beside.difficulty + 0.5) < 0.1
    assert abs(beside.clip_reliance) < 0.05  # the ray alone would say 0.2 and more


@pytest.mark.parametrize("candidates", [20, 1000])
def test_probit_of_choosing_among_many_is_almost_a_line_through_chance(candidates):
    """Of the largest of normal scores: so reliance among many classes is a line through chance, and not the origin."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    height, weight = 12 * nodes + 2, 12 * weights
    lead = np.linspace(0.0, 4.5, 46)  # up to 99% of 20
    others = np.exp((candidates - 1) * norm.logcdf(height))
    places = norm.ppf([np.sum(weight * norm.pdf(height - d) * others) for d in lead])
    above = places - norm.ppf(1 / candidates)
    assert abs(above[0]) < 1e-9
    assert np.abs(above - lead * np.sum(above * lead) / np.sum(lead**2)).max() < 0.04


def test_reliance_among_many_classes_is_told_by_where_the_lines_meet():
    """Models of one reliance whose guessers are right in 1 of 1000: a line through chance."""
    chance = norm.ppf(1 / 1000)
    slope = (1 - 0.15) / (1 + 0.15)
    run = study(planted(seeds.generator(4), 0.15, 0.15, intercept=chance * (1 - slope)), {})
    assert [row.verdict for row in run.alternatives] == ["chance", "chance"]
    for row in run.alternatives:
        assert row.slopes["chance"] == pytest.approx(slope, abs=0.01)  # its standard error is 0.002


def test_families_that_differ_beside_one_difficulty_are_told():
    (row,) = study(planted(seeds.generator(5), 0.1, 0.0, intercept=-0.5), {}).differences
    assert row.verdict == "CLIPs lean more" and row.difference == pytest.approx(0.1, abs=0.03)
    assert row.difficulty_p_value > 0.01


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"intercept": -0.3}, "better models lean less"), ({"intercept": 0.3}, "better models lean more"),
     ({"spread": 0.06}, "they differ")],
)  # fmt: skip
def test_what_the_theory_cannot_explain_is_found(change, reason):
    for test in study(planted(seeds.generator(1), 0.4, 0.3, **change), {}).tests:
        assert test.verdict == "rejected" and reason in test.reasons


@pytest.mark.parametrize(("tau", "verdict"), [(0.45, "CLIPs lean more"), (0.15, "CLIPs lean less")])
def test_difference_between_the_families_is_found(tau, verdict):
    (comparison,) = study(planted(seeds.generator(2), tau, 0.3), {}).comparisons
    assert comparison.verdict == verdict
    assert comparison.difference == pytest.approx(tau - 0.3, abs=5 * comparison.stderr)


def test_each_model_has_its_own_index(published):
    for test in published.tests:
        for model in test.models:
            z = norm.ppf([model["common"] / 100, model["counter"] / 100])
            assert model["reliance"] == pytest.approx((z[0] - z[1]) / (z[0] + z[1]), rel=1e-9)


def test_what_the_published_numbers_say(published):
    """One reliance a family is rejected everywhere: better models lean less. The families are not told apart."""
    tests, comparisons = published.tests, published.comparisons
    assert len({(t.family, t.source, t.tables, *t.setting.values()) for t in tests}) == len(tests)
    assert all("better models lean less" in test.reasons and "they differ" in test.reasons for test in tests)
    assert {row.verdict for row in comparisons} == {"inconclusive"}
    found = words_of(FINDINGS)
    assert f"in {len(tests)} of {len(tests)} cases" in found and f"any of {len(comparisons)} comparisons" in found
    assert all(-0.85 < test.intercept < -0.5 for test in tests)  # 0.5 to 0.8 in docs/theory/accuracy_on_the_line.md


def test_program_tells_everything_and_who_is_left_out(published, call_program, tmp_path, monkeypatch):
    (table9,) = [t for t in published.tests if t.tables == ("9",) and t.setting["selector"] == "included"]
    assert table9.left_out > 0 and all(model["common"] + model["counter"] > 100 for model in table9.models)
    asked = []
    monkeypatch.setattr(
        "realdata.reliance.study.study", lambda *given: asked.append(given) or published
    )  # as it was found above
    done = call_program("realdata.reliance", "--models", "--classes", "--json", "found.json")
    assert done.returncode == 0, done.stderr
    ((tables, *others),) = asked
    for name in ("results", "replication", "classes"):
        pd.testing.assert_frame_equal(getattr(tables, name), getattr(TABLES, name))
    for given, wanted in zip(others, (read_classwise(), read_other_models()), strict=True):
        assert given.keys() == wanted.keys() and all(given[name].equals(wanted[name]) for name in wanted)
    words = " ".join(done.stdout.split())
    assert f"({table9.left_out} left out)" in words
    assert all(test.sentence in words for test in published.classes)
    without = sum(row.reliance is None for row in published.models)
    assert f"{without} models have none" in words and words.count("no index") == without
    content = json.loads((tmp_path / "found.json").read_text())
    assert set(content) == {"tests", "comparisons", "classes", "models", "alternatives", "curves", "questions"}
    assert content["tests"][0]["family"] == "clip"
    assert {row["verdict"] for row in content["classes"]["tests"]} <= {"rejected", "holds", "undecided"}
    assert len(content["models"]) == len(published.models)


def test_all_findings_have_a_verdict_a_sentence_and_one_correction(published):
    rows = [*published.tests, *published.comparisons, *published.classes, *published.summaries, *published.models,
            *published.alternatives, *published.differences]  # fmt: skip
    assert all(row.verdict and row.sentence.endswith(".") for row in rows)
    # Two questions a test, a class and a difference, one a comparison, a summary and a model, two with its classes, ...
    models = sum((m.reliance is not None) + (m.classwise is not None) for m in published.models)
    others = 2 * len(published.tests) + len(published.comparisons) + 3 * len(published.alternatives)
    assert published.questions == models + others + 2 * (len(published.classes) + len(published.differences)) + 2
    raw = [
        (row.p_values[name], row.p_values_corrected[name]) for row in published.alternatives for name in row.p_values
    ]
    # Holm's factor is at most the number of questions, and 1 for none of those that are not the least significant.
    assert all(p < corrected <= min(1.0, published.questions * p) + 1e-12 for p, corrected in raw)


def test_questions_are_corrected_together():
    """Holm by hand: 0.01 times 4; 0.02 times 3, also where it stands twice; the largest as it is."""
    questions = [Question(asked, lambda correct: None) for asked in ((0.5, 0.02), (), (0.01,), (0.02,))]
    correct = holm(questions)
    assert [correct(p) for p in (0.01, 0.02, 0.5)] == pytest.approx([0.04, 0.06, 0.5])


def test_wrong_tables_are_refused(refuses, tmp_path):
    refuses(program.main, "--published", "nowhere", words=["nowhere"])
    for file in DIRECTORY.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    table = tmp_path / "classwise.csv"
    table.write_text(table.read_text().replace("71.36", "seven", 1))
    refuses(program.main, "--published", ".", words=["classwise.csv", "line 2", "common", "seven"])


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(reliance.draw_reliance, marks=pytest.mark.slow),
        pytest.param(reliance.draw_reliance_classes, marks=pytest.mark.slow),
        reliance.draw_reliance_models,
    ],
)
def test_figures_name_axes_and_are_the_same_each_time(draw, published):
    context = Context()
    vars(context)["reliance"] = published
    figure, again = draw(context), draw(context)
    assert all(axis.get_xlabel() or axis.get_ylabel() for axis in figure.axes)
    for each in (figure, again):
        each.set_layout_engine("none")  # it follows from what is drawn, and takes a third of the time
    assert to_png(figure) == to_png(again)


def test_what_the_published_classes_say(published):
    """In no class is one ray shown to hold; a shift is nearer everywhere, and classes whose ray stands hardly drop."""
    paper, replication = published.summaries
    for summary in (paper, replication):
        assert summary.rejected_at_5["ray"] > 10 * summary.expected and summary.holds == 0
        assert summary.qaicc["shift"] < summary.qaicc["chance"] < summary.qaicc["ray"]
        assert summary.drops["undecided"] < summary.drops["rejected"]
    assert (paper.verdict, replication.verdict) == ("shift", "line")
    classwise = [model.classwise for model in published.models if model.classwise]
    assert len(classwise) == 5 + 15 and all(found.heterogeneity_p_value_corrected < 0.05 for found in classwise)


def test_log_odds_of_table_4_by_an_independent_fit(published):
    """Maximum likelihood by a search without derivatives, over curves of plain sums."""
    _, _, family = next(row for row in pair_families(TABLES) if row[0].tables[:1] == ("3",))
    x, x_error, y, y_error = (np.asarray(part) for part in (*family.common, *family.counter))
    places = np.arange(-8, 8, 0.1)
    density = norm.pdf(places) * 0.1
    signals, usual = np.linspace(2.0, 6.0, 81)[:, None], 1000 / BACKGROUNDS

    def loss(given):
        beta, scatter = given
        own, raised = norm.logcdf(places + signals), norm.logcdf(places + signals + beta / signals)
        lowered = norm.logcdf(places + signals - beta / signals)
        common = norm.ppf(np.exp((usual - 1) * own + (1000 - usual) * raised) @ density)
        counter = norm.ppf(np.exp((999 - usual) * own + usual * lowered) @ density)
        predicted, beyond = (np.interp(x + step, common, counter) for step in (0.0, 0.05))
        variance = y_error**2 + ((beyond - predicted) / 0.05 * x_error) ** 2 + scatter**2
        return 0.5 * np.sum((y - predicted) ** 2 / variance + np.log(variance))

    found = minimize(loss, (1.5, 0.03), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4}).x
    (shape,) = (s for s in published.shapes if (s.theory, s.tables) == ("sight", ("4",)))
    assert shape.constants["log_odds"] == pytest.approx(found[0], abs=0.02)  # its standard error is 0.04
    assert shape.scatter == pytest.approx(abs(found[1]), abs=0.005)


def test_what_the_published_averages_say(published):
    verdicts = {}
    for shape in published.shapes:
        verdicts.setdefault(shape.theory, []).append(shape.verdict)
    assert {len(of) for of in verdicts.values()} == {4} and set(verdicts) == {
        *THEORIES, *LINES, RELIANCE, DIFFICULTY_ALONE
    }  # fmt: skip
    assert set(verdicts["sight"]) == {"not rejected"}
    for theory in ("noise", "difficulty", RELIANCE, DIFFICULTY_ALONE):
        assert set(verdicts[theory]) == {"rejected"}
    missed = {(row.theory, row.group) for row in published.predictions if row.verdict == "missed"}
    assert {("sight", MASKED), ("noise", MASKED), ("difficulty", MASKED), ("sight", FEWER)} <= missed
    assert not any(group == CLIPS for _, group in missed)
    own = {row.theory: row for row in published.predictions if row.group == OWN and row.tables == ("4",)}
    assert own["sight"].log_score > own["shift"].log_score > own["noise"].log_score
    assert all(row.sentence.endswith(".") for row in (*published.shapes, *published.predictions))
    asked = sum(row.p_value is not None for row in (*published.shapes, *published.predictions))
    assert published.curve_questions == asked
    for row in (*published.shapes, *published.predictions):
        if row.p_value is not None and row.p_value_corrected is not None:
            assert row.p_value <= row.p_value_corrected <= min(1.0, asked * row.p_value) + 1e-12
    assert "sight, rejected in 0 of 4 settings" in describe(published.shapes, published.predictions)


def test_figure_of_curves_names_axes(published):
    context = Context()
    vars(context)["reliance"] = published
    figure = accuracy_curves.draw(context)
    assert all(axis.get_xlabel() and axis.get_ylabel() for axis in figure.axes)
