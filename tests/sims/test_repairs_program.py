"""`python -m sims.repairs` as a user runs it, on small sizes."""

import json

import jax
import numpy as np
import pytest

from sims.repairs.closed_forms import Plane, predictions
from sims.repairs.config import RepairConfig
from sims.repairs.result import tabulate
from sims.repairs.scores import PLAIN
from theory import PROBES, SpuriousModel, accuracy

SMALL = ("--image-dim", 4, "--text-dim", 4, "--embed-dim", 4, "--steps", 200, "--seeds", 3, "--captions", 512)


@pytest.mark.slow
def test_files_and_numbers(call_program, tmp_path):
    repairs = ("projection", "calibrated", "whitened")
    small = (*SMALL, "--objective", "linearized", "--repair", ",".join(repairs))
    done = call_program("sims.repairs", "--spurious-ratio", "0.8", *small, "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    folder = tmp_path / "results" / "repairs"
    assert json.loads((folder / "result.json").read_text()) == content
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    with np.load(folder / "arrays.npz") as arrays:
        runs = dict(arrays)
    rows = {row["repair"]: row for row in content["results"]}
    assert list(rows) == [PLAIN, *repairs, *PROBES]
    for name, row in rows.items():
        found = runs[f"linearized.{name}"]
        assert found.shape == (3, 2)
        np.testing.assert_allclose(row["accuracy"]["conflicting"], found[:, 1].mean(), rtol=1e-6)
        moved = found.min(axis=1) - runs[f"linearized.{PLAIN}"].min(axis=1)
        np.testing.assert_allclose(row["change"], moved.mean(), atol=1e-6)
        # 16,384 test images of three runs, and a training of 200 steps: within two points of the closed form.
        assert row["accuracy"]["conflicting"] == pytest.approx(row["theory"]["conflicting"], abs=0.02)
    # With one axis of background lambda changes no decision (S30), but for rounding.
    np.testing.assert_allclose(runs["linearized.calibrated"], runs["linearized.projection"], atol=2e-4)
    assert rows["projection"]["change"] > 0.05


@pytest.mark.slow
def test_captions_of_words_have_their_own_closed_forms(call_program, tmp_path):
    """Within three points after 200 steps; those of captions that share the image's features are ten points off."""
    words = ("--caption", "label-attribute", "--mention-spu", "0.7", "--spurious-ratio", "0.9")
    options = ("--objective", "linearized", "--repair", "projection,whitened,mixture")
    done = call_program("sims.repairs", *words, *SMALL, *options, "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["config"]["caption"], content["config"]["mention_spu"]) == ("label-attribute", 0.7)
    of_latents = jax.jit(lambda model: accuracy(model, "linearized"))(SpuriousModel(spurious_ratio=0.9))
    gaps = {}
    for row in content["results"]:
        shared = of_latents[1] if row["repair"] == PLAIN else None
        if row["repair"] not in PROBES:  # which learn from 512 images
            gaps[row["repair"]] = abs(row["accuracy"]["conflicting"] - row["theory"]["conflicting"])
        assert shared is None or abs(row["accuracy"]["conflicting"] - float(shared)) > 0.1
    assert max(gaps.values()) < 0.03, gaps


def test_what_silent_captions_leave_open_has_no_closed_form():
    model = SpuriousModel(spurious_ratio=0.9)
    plane = [Plane(np.array([[1.0, 0.2], [0.2, 1.0]]))]
    for caption, mention in (("label", 1.0), ("label-attribute", 0.0), ("latent", 0.0)):
        config = RepairConfig(model, ("linearized",), caption=caption, mention_spu=mention)
        found = predictions(config, "linearized", plane)
        known = {name for name, (values, _) in found.items() if values is not None}
        assert known == {PLAIN, "perception", "mixture"}
        for name in known:
            np.testing.assert_allclose(found[name][0], found[PLAIN][0], atol=1e-12)
        assert all("never name the background" in note for values, note in found.values() if values is None)
    of_latents = RepairConfig(model, ("infonce",), mention_spu=0.5)
    assert all(values is None for values, _ in predictions(of_latents, "infonce", plane).values())


def test_wrong_input_is_told_in_a_line(call_program):
    for words in (
        ("--repair", "magic"),
        ("--seeds", "1"),
        ("--share", "2"),
        ("--objective", "logistic"),
        ("--caption", "a poem"),
        ("--mention-inv", "0"),
    ):
        done = call_program("sims.repairs", *words)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and words[0] in done.stderr
    silent = ("--caption", "label", "--mention-inv", "0.5", "--objective", "linearized,siglip")
    done = call_program("sims.repairs", *silent)
    assert done.returncode == 2 and "no words have no direction" in done.stderr


def test_theory_follows_each_runs_own_encoders_and_a_wrong_one_is_seen():
    """Planted accuracies: the closed forms of runs that differ in Q agree, five points less do not."""
    config = RepairConfig(SpuriousModel(), ("linearized",), ("projection",), seeds=4)
    grams = [Plane(np.array([[1.0, off], [off, 1.0]])) for off in (0.2, 0.3, 0.5, 0.6)]
    found = predictions(config, "linearized", grams)
    projected = found["projection"][0]
    assert projected.shape == (4, 4) and abs(projected[0, 1] - projected[3, 1]) > 0.05
    np.testing.assert_allclose(found[PLAIN][0][0], list(accuracy(config.model, "linearized")), atol=1e-6)
    planted = {name: np.array(values[:, :2]) for name, (values, _) in found.items()}
    rows = tabulate(config, {"linearized": planted}, {"linearized": found}, {"linearized": True})
    assert all(row.agrees for row in rows)
    planted["projection"] = planted["projection"] - 0.05  # twice what four runs' Student's t allows their test images
    rows = tabulate(config, {"linearized": planted}, {"linearized": found}, {"linearized": True})
    assert {row.repair: row.agrees for row in rows}["projection"] is False
