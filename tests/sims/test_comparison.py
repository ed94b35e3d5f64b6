"""Agreement and verdict: how often they are wrong when all is right, and whether they notice when it is not."""

import numpy as np
import pytest

from sims.comparison import standard_errors, tabulate
from sims.runs import TEST_SIZE
from sims.training import Trained
from sims.verdict import compare, verdict
from theory import GROUPS, SpuriousModel, group_accuracies, predict
from theory.theorem62 import printed_latent_covariance

RATIO, RUNS = 0.9, 8
PROMPTS = ("label", "class-mean")


def trained(rng, truths, spread=0.004, converged=True, runs=RUNS):
    """Accuracies as training would give them: a run's own optimum, then a test set of finite size."""
    accuracies = np.empty((runs, len(truths), 2))
    for index, truth in enumerate(truths):
        own = np.clip(np.asarray(truth) + spread * rng.normal(size=(runs, 2)), 0, 1)
        accuracies[:, index] = rng.binomial(TEST_SIZE, own) / TEST_SIZE
    return Trained(accuracies, np.array([1]), accuracies[None], 1, converged, 0.0)


def learners(rng, **options):
    rows = {(row.learner, row.prompt): row.accuracy for row in predict(SpuriousModel(spurious_ratio=RATIO))}
    pair = lambda learner, prompt: [rows[(learner, prompt)][group] for group in GROUPS[:2]]  # noqa: E731
    return {
        "linearized": trained(rng, [pair("linearized", prompt) for prompt in PROMPTS], **options),
        "least_squares": trained(rng, [pair("least_squares", None)], **options),
        "logistic": trained(rng, [pair("logistic", None)], **options),
    }


def predictions(**change):
    rows = predict(SpuriousModel(spurious_ratio=RATIO, **change))
    return [{"learner": row.learner, "prompt": row.prompt, "accuracy": row.accuracy} for row in rows]


def test_right_theory_agrees():
    """At most 1% of tables should show a disagreement; 300 tables show at most 9 with probability 0.999."""
    rng, theory = np.random.default_rng(0), predictions()
    wrong = sum(not all(row.agrees for row in tabulate(learners(rng), theory, PROMPTS, RATIO)) for _ in range(300))
    assert wrong <= 9


@pytest.mark.parametrize("change", [{"mu_spu": 1.6}, {"sigma_xi": 0.0}])
def test_theory_of_another_model_is_rejected(change):
    rng, theory = np.random.default_rng(1), predictions(**change)
    rows = tabulate(learners(rng), theory, PROMPTS, RATIO)
    assert not all(row.agrees for row in rows)


def test_printed_lemma_is_rejected():
    """Lemma D.3's matrix gives the label prompt another direction, and 13 points less on conflicting images."""
    rng, theory = np.random.default_rng(2), predictions()
    model = SpuriousModel(spurious_ratio=RATIO)
    printed = np.asarray(group_accuracies(model, printed_latent_covariance(model)[:, 0]))
    theory[0] = theory[0] | {"accuracy": dict(zip(GROUPS, printed.tolist(), strict=True))}
    rows = tabulate(learners(rng), theory, PROMPTS, RATIO)
    assert [row.agrees for row in rows] == [False, True, True, True]


def test_unconverged_or_single_runs_are_not_judged():
    rng, theory = np.random.default_rng(3), predictions()
    assert {row.agrees for row in tabulate(learners(rng, converged=False), theory, PROMPTS, RATIO)} == {None}
    single = learners(rng, runs=1)
    assert {row.agrees for row in tabulate(single, theory, PROMPTS, RATIO)} == {None}
    reference, comparisons = compare(single, PROMPTS)
    assert {comparison.verdict for comparison in comparisons} == {"not judged"}
    assert verdict(reference, comparisons, tabulate(single, theory, PROMPTS, RATIO))["answer"] == "inconclusive"


def test_standard_errors_are_those_of_the_runs_and_of_mixtures():
    accuracies = np.array([[0.9, 0.4], [0.8, 0.5], [0.95, 0.2]])
    mixed = accuracies @ [RATIO, 1 - RATIO]
    expected = [np.std(column, ddof=1) / np.sqrt(3) for column in (*accuracies.T, mixed, accuracies.mean(axis=1))]
    np.testing.assert_allclose(standard_errors(accuracies, RATIO), expected, rtol=1e-12)
    single = standard_errors(accuracies[:1], RATIO)
    np.testing.assert_allclose(single[:2] ** 2 * TEST_SIZE, [0.9 * 0.1, 0.4 * 0.6], rtol=1e-12)
    np.testing.assert_allclose(single[3] ** 2, (single[0] ** 2 + single[1] ** 2) / 4, rtol=1e-12)


def test_verdict_finds_what_is_there_and_keeps_its_level():
    rng = np.random.default_rng(4)
    result = learners(rng)
    reference, comparisons = compare(result, PROMPTS)
    assert reference == "logistic"
    assert [comparison.verdict for comparison in comparisons] == ["more robust", "less robust"]
    answer = verdict(reference, comparisons, tabulate(result, predictions(), PROMPTS, RATIO))
    assert answer["answer"] == "yes" and answer["text"][0].startswith("Yes: linearized with the label prompt")

    # Identical truths: a difference shows in at most 5% of tables; 200 tables show at most 22 with probability 0.999.
    truth, false_alarms = [0.95, 0.5], 0
    for _ in range(200):
        same = {
            "linearized": trained(rng, [truth, truth]),
            "least_squares": trained(rng, [[0.95, 0.3]]),
            "logistic": trained(rng, [truth]),
        }
        false_alarms += any(comparison.verdict != "no difference shown" for comparison in compare(same, PROMPTS)[1])
    assert false_alarms <= 22


def test_only_less_robust_learners_give_a_plain_no():
    rng = np.random.default_rng(5)
    result = {
        "linearized": trained(rng, [[0.95, 0.2], [0.95, 0.1]]),
        "least_squares": trained(rng, [[0.95, 0.3]]),
        "logistic": trained(rng, [[0.95, 0.5]]),
    }
    reference, comparisons = compare(result, PROMPTS)
    answer = verdict(reference, comparisons, tabulate(result, predictions(), PROMPTS, RATIO))
    assert answer["answer"] == "no" and answer["text"][0].startswith("No: every contrastive learner")
