"""`python -m sims.repairs digits`: what it counts and predicts against plain NumPy, and as a user runs it, small."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from sims.clip.model import tiny_clip
from sims.clip.training import zero_shot_answers
from sims.colored_digits.captioned import NAMES, PROMPT, caption, held_out_photos, paint_bytes
from sims.colored_digits.digits import read_digits
from sims.repairs.digits import run as digits_run
from sims.repairs.digits import shares as shares_module
from sims.repairs.digits.config import DigitsRepairConfig
from sims.repairs.digits.evaluated import beside, read_evaluated
from sims.repairs.digits.result import AGREES, NOT_NORMAL, OTHER_IMAGES, DigitsRepairResult, markdown
from sims.repairs.digits.shares import Shares, by_place
from tests import seeds
from theory.repair_rules import PLAIN, Prompts
from workbench.conventions import GROUPS
from workbench.errors import InputError

SMALL = ("--mention-spu", "1", "--steps", 5, "--seeds", 2, "--draws", 100, "--repair", "roboshot,perception")


@pytest.mark.slow
def test_files_and_a_second_run_reads_what_is_there(call_program, tmp_path, monkeypatch):
    trained = []

    def untrained(design, digits, mentions, steps, seed, on_progress):
        assert (mentions, steps, seed) == ((1.0, 1.0), 5, len(trained))
        said = [caption(label, colour, True, True) for label in range(4) for colour in range(4)]
        trained.append(tiny_clip(digits.train.images.shape[1], said, seed))
        return trained[-1]

    monkeypatch.setattr(digits_run, "train_captioned", untrained)
    done = call_program("sims.repairs", "digits", *SMALL, "--json", "-")
    assert done.returncode == 0, done.stderr
    folder, content = tmp_path / "results" / "repairs_digits", json.loads(done.stdout)
    assert json.loads((folder / "result.json").read_text()) == content
    rows = {row["repair"]: row for row in content["results"]}
    assert list(rows) == [PLAIN, "roboshot", "perception"] and len(trained) == 2
    # The plain prompt's share is that of the answers that any other program gets.
    digits, right = read_digits(4), []
    photos = held_out_photos(digits.test, 4)
    images = paint_bytes(
        digits.test.images[[one.digit for one in photos]], np.array([one.background for one in photos])
    )
    for checkpoint in trained:
        prompts = checkpoint.tokenizer([PROMPT.format(name) for name in NAMES[:4]])
        answers = zero_shot_answers(checkpoint.model, images, prompts, checkpoint.preprocessing)
        right.append(answers == [photo.class_index for photo in photos])
    for group in GROUPS:
        own = [
            [hits[[one.group == group and one.class_index == label for one in photos]].mean() for label in range(4)]
            for hits in right
        ]
        assert rows[PLAIN]["accuracy"][group] == pytest.approx(np.mean(own), abs=1e-12)
        assert rows[PLAIN]["stderr"][group] == pytest.approx(np.std(np.mean(own, axis=1), ddof=1) / 2**0.5, abs=1e-12)
    monkeypatch.setattr(digits_run, "train_captioned", None)
    again = call_program("sims.repairs", "digits", *SMALL, "--json", "-")
    assert again.returncode == 0 and json.loads(again.stdout)["results"] == content["results"]
    other = call_program("sims.repairs", "digits", *SMALL[:3], 6, *SMALL[4:])
    assert other.returncode == 2 and "different: steps" in other.stderr and other.stderr.count("\n") == 1
    assert (folder / "table.md").read_text() == markdown(content)


@pytest.mark.simulation
def test_predictions_are_those_of_normal_embeddings():
    """Two prompts at right angles, an isotropic cloud around the first: right with probability Phi(m / (s 2^(1/2)))."""
    width, mean, deviation, draws = 5, 0.7, 0.6, 40_000
    prompts = Prompts(np.eye(2, width), np.eye(2, width, 2), np.zeros((2, 2, width)), 1.0)
    generator = seeds.generator(0)
    cloud = generator.normal(size=(4000, width)) * deviation
    cloud = (cloud - cloud.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(cloud.T)).T) * deviation
    moments = {(label, group): cloud + mean * np.eye(2, width)[label] for label in range(2) for group in GROUPS}
    found = shares_module._predict((PLAIN,), prompts, moments, 2, draws)[0]
    wanted = norm.cdf(mean / (deviation * 2**0.5))
    error = (wanted * (1 - wanted) / draws) ** 0.5
    assert found.shape == (2, 2) and np.abs(found - wanted).max() < 5 * error
    assert abs(norm.cdf(mean / deviation) - wanted) > 20 * error  # a lost root would be seen


def planted(change=0.1, predicted=(0.1, 0.1), noise=0.01):
    """Three CLIPs, three classes; a repair's gain, and what is predicted from training images and from photos."""
    generator = np.random.default_rng(4)
    plain = 0.5 + 0.02 * generator.normal(size=(3, 1, 3, 2))
    right = np.concatenate([plain, plain + change], axis=1)
    gained = np.concatenate([0 * plain, 0 * plain + change], axis=1)
    each = [
        np.concatenate([plain, plain + gain + noise * generator.normal(size=plain.shape)], axis=1) for gain in predicted
    ]
    return Shares(right, gained, 0 * gained, np.stack(each, axis=1))


def result(shares):
    config = DigitsRepairConfig(mention_spu=(0.5,), repair=("tie",))
    return DigitsRepairResult(config, {"test": 720}, {0.5: shares}, None, {}, {})


@pytest.mark.parametrize(
    ("predicted", "said"), [((0.1, 0.1), AGREES), ((0.35, 0.1), OTHER_IMAGES), ((0.35, 0.35), NOT_NORMAL)]
)
def test_the_assumption_that_fails_is_named(predicted, said):
    plain, tie = result(planted(predicted=predicted)).rows
    assert plain.agrees is None and set(tie.agrees.values()) == {said}
    assert tie.change == pytest.approx(dict.fromkeys(("common", "counter", "worst"), 0.1))


def test_what_is_due_to_the_photos_is_not_averaged_out_by_clips():
    """Three points are 2.3 standard errors of 540 photos, whatever the CLIPs; ten are eight."""
    for gap, said in ((0.03, AGREES), (0.1, NOT_NORMAL)):
        (_, tie) = result(planted(predicted=(0.1 + gap, 0.1 + gap), noise=1e-4)).rows
        assert set(tie.agrees.values()) == {said}


def evaluation(file, shares, at, shift=0.0):
    """A `summary.json` of the CLIP in that place."""
    values = 100 * (by_place(shares.right[at]) + shift)
    groups = {}
    for place, group in enumerate(GROUPS):
        change = {"value": values[1, place] - values[0, place], "interval": [0, 9]}
        groups[group] = {"accuracy": values[1, place], "change": change}
    file.write_text(json.dumps({"repairs": {"each": {"tie": {"groups": groups}}}}))
    return file, read_evaluated(file)


def test_an_evaluation_stands_beside_the_clip_that_it_is_of(tmp_path):
    shares = planted()
    config = result(shares).config
    found = beside(*evaluation(tmp_path / "a", shares, 1), config, {0.5: shares})
    assert (found["mention_spu"], found["seed"]) == (0.5, 1)
    (row,) = found["results"]
    assert row["counter"]["change"] == pytest.approx(row["counter"]["simulated"])
    assert row["common"]["interval"] == [0.0, 0.09]
    with pytest.raises(InputError, match="no CLIP of this run is"):
        beside(*evaluation(tmp_path / "a", shares, 1, shift=0.2), config, {0.5: shares})
    with pytest.raises(InputError, match="has none of the repairs tie"):
        beside(tmp_path, {}, config, {0.5: shares})


def test_wrong_input_is_told_in_a_line(call_program, tmp_path):
    (tmp_path / "summary.json").write_text("{}")
    wrong = (("--mention-spu", "2"), ("--seeds", "1"), ("--repair", "magic"), ("--evaluated", "summary.json"))
    for words in wrong:
        done = call_program("sims.repairs", "digits", *words)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert words[0] in done.stderr or "summary.json" in done.stderr
