"""`python -m theory map`: which losses, captions and prompts are more robust than logistic regression."""

import json

import jax
import jax.numpy as jnp
import pytest

from theory import (
    CAPTIONS,
    Caption,
    SpuriousModel,
    group_accuracies,
    least_squares_direction,
    predictions,
    zero_shot_direction,
)
from theory.names import CONTRASTIVE
from theory.program import main
from theory.report import verdict_map

MODEL = SpuriousModel(spurious_ratio=0.86, mu_spu=1.3)


@pytest.fixture(scope="module")
def answer():
    return verdict_map(MODEL)


def test_every_triple_is_there_once(answer):
    keys = [(row["learner"], row["caption"], row["prompt"]) for row in answer["map"]]
    assert len(set(keys)) == len(keys) == len(CONTRASTIVE) * len(CAPTIONS) * 2
    json.dumps(answer, allow_nan=False)


def test_verdicts_are_the_accuracies(answer):
    reference = answer["reference"]["accuracy"]["conflicting"]
    words = set()
    for row in answer["map"]:
        assert row["difference"] == pytest.approx(row["conflicting"] - reference, abs=1e-12)
        if row["verdict"] == "as robust":
            assert row["conflicting"] == pytest.approx(reference, abs=1e-6)
        else:
            assert (row["verdict"] == "more robust") == (row["conflicting"] > reference)
        assert row["fails"] == (row["conflicting"] < 0.5)
        words.add(row["verdict"])
    assert words == {"more robust", "as robust", "less robust"}


def test_only_image_to_text_on_label_captions_is_the_supervised_learner(answer):
    same = {(row["learner"], row["caption"]) for row in answer["map"] if row["verdict"] == "as robust"}
    assert same == {("infonce_image_to_text", "label")}


def test_program_shows_one_screen_and_prints_json(call_program):
    shown = call_program("theory", "map", "--spurious-ratio", "0.86", "--mu-spu", "1.3")
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) <= 24
    for words in ("infonce_bilinear", "label-attribute", "more (", "less (", "equal ("):
        assert words in shown.stdout
    done = call_program(
        "theory", "map", "--caption", "label", "--learner", "linearized", "--mu-spu", "1.3", "--json", "-"
    )
    (row, _) = json.loads(done.stdout)["map"]
    assert (row["learner"], row["caption"], row["verdict"]) == ("linearized", "label", "less robust")


def test_what_does_not_exist_is_named_in_the_map(monkeypatch):
    """Without noise and spread captions tell images apart exactly: no finite optimum, and no reference either."""
    for name in ("NODES", "_FINE_NODES"):  # no number of nodes finds what is not there
        monkeypatch.setattr(predictions, name, 33)
    answer = verdict_map(SpuriousModel(sigma_inv=0.0, sigma_xi=0.0))
    assert answer["reference"]["accuracy"] is None and "separable" in answer["reference"]["note"]
    assert all(row["verdict"] is None and row["note"] for row in answer["map"])
    json.dumps(answer, allow_nan=False)


def test_mentions_and_prompts_reach_the_program(call_program):
    options = ("--caption", "label-attribute", "--prompt", "mixture:0.25,best", "--mention-spu", "0.3", "--learner")
    done = call_program("theory", *options, "linearized,bayes", "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["mention_spu"] == 0.3
    mixture, best, bayes = content["predictions"]
    assert (mixture["caption"], mixture["prompt"], best["prompt"]) == ("label-attribute", "mixture:0.25", "best")
    assert best["accuracy"]["aligned"] == pytest.approx(best["accuracy"]["conflicting"], rel=1e-9)
    assert bayes["caption"] is None and bayes["direction"] is None and "not linear" in bayes["note"]
    # By hand: K = [[1, r], [r mu, mu]] diag(1, 0.3) with r = 0.8, mu = 1.5; q = 0.75 (1, 0) + 0.25 (1, 0.3 r).
    assert mixture["direction"] == pytest.approx([1.0 + 0.8 * 0.3 * 0.06, 1.2 + 1.5 * 0.3 * 0.06], rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["map", "--caption", "prose"], ["--caption", "latent, label, label-attribute", "prose"]),
        (["map", "--prompt", "mixture:2"], ["--prompt", "mixture:SHARE", "mixture:2"]),
        (["--prompt", "mixture:"], ["--prompt", "mixture:SHARE"]),
        (["--learner", "svm"], ["--learner", "bayes", "svm"]),
        (["--mention-spu", "1.5"], ["--mention-spu", "from 0 to 1", "1.5"]),
        (["--class-prior", "1"], ["--class-prior", "between 0 and 1", "1"]),
        (["verdicts"], ["verdicts", "map"]),
    ],
)
def test_wrong_input_gets_one_line(refuses, arguments, words):
    refuses(main, *arguments, words=words)


def test_a_phase_diagram_of_the_closed_form_learners_is_one_compiled_function():
    """200 x 200 points of linearised (both prompts) and least squares; compiled once, and finite everywhere."""
    traced = []

    def conflicting(ratio, mu_spu):
        traced.append(None)
        model = SpuriousModel(spurious_ratio=ratio, mu_spu=mu_spu)
        rules = [zero_shot_direction(model, "label"), zero_shot_direction(model, "class-mean")]
        rules.append(least_squares_direction(model))
        return jnp.stack([group_accuracies(model, rule)[1] for rule in rules])

    diagram = jax.jit(jax.vmap(jax.vmap(conflicting, (None, 0)), (0, None)))
    for low in (0.1, 0.2):
        values = diagram(jnp.linspace(0.5, 1.0, 200), jnp.linspace(low, 3.0, 200))
    assert values.shape == (200, 200, 3) and bool(jnp.all(jnp.isfinite(values)))
    assert len(traced) == 1


def test_unknown_kinds_are_refused_in_python():
    with pytest.raises(ValueError, match="caption must be one of"):
        Caption("prose")
