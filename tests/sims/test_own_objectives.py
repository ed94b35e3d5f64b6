"""Objectives of one's own: trained as they are written, in the main job, the sweep and on the command line."""

import functools
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import sims
from sims.encoders import Architecture
from sims.models import CosineDualEncoder
from sims.objectives import find_objective
from sims.objectives.infonce import INITIAL_SCALE
from sims.objectives.table import source_of
from sims.sweep.run import default_axes
from sims.synthetic.sampler import Batch
from theory import SpuriousModel
from workbench.errors import ParameterError, RunError

SOURCE = """
import jax
import jax.numpy as jnp

def triplet(images, texts, labels):
    scores = images @ texts.T
    other = labels[:, None] != labels[None, :]
    gaps = 0.2 + scores - jnp.diagonal(scores)[:, None]
    return jnp.mean(jnp.where(other, jax.nn.relu(gaps), 0.0))

number = 3
"""
SMALL = {"seeds": 2, "steps": 40, "batch_size": 32}
MODEL = SpuriousModel(spurious_ratio=0.9, image_dim=4, text_dim=4)


def clip(images, texts, scale):
    """CLIP's loss, written as one would who does not know this package."""
    logits = scale * images @ texts.T
    rows, columns = (jnp.mean(jax.nn.logsumexp(each, axis=1) - jnp.diag(each)) for each in (logits, logits.T))
    return (rows + columns) / 2.0


def margin(images, texts):
    wrong = images @ texts.T - 2.0 * jnp.eye(len(images))
    return jnp.mean(jax.nn.relu(0.2 + jnp.max(wrong, axis=1) - jnp.sum(images * texts, axis=1)))


@pytest.fixture
def losses(tmp_path, monkeypatch):
    """The module `my_losses`, in a folder where Python finds modules."""
    (tmp_path / "my_losses.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_function_gets_unit_embeddings_labels_and_the_trained_scale():
    seen = {}

    def look(images, texts, scale, labels):
        seen.update(images=images, texts=texts, scale=scale, labels=labels)
        return jnp.sum(images) * 0.0

    objective = find_objective(look)
    assert objective.name == "look" and objective.contrastive
    model = objective.create(Architecture(5, 4, 3), nnx.Rngs(0))
    rng = np.random.default_rng(0)
    labels = jnp.array([1.0, -1.0, 1.0])
    images, texts = jnp.asarray(rng.normal(size=(3, 5))), jnp.asarray(rng.normal(size=(3, 4)))
    objective.loss(model, Batch(images, texts, labels, -labels))
    for name, inputs, encoder in (("images", images, model.image_encoder), ("texts", texts, model.text_encoder)):
        plain = np.asarray(inputs) @ np.asarray(encoder.kernel[...])
        np.testing.assert_allclose(seen[name], plain / np.linalg.norm(plain, axis=1)[:, None], rtol=1e-12)
    np.testing.assert_array_equal(seen["labels"], labels)
    np.testing.assert_allclose(seen["scale"], INITIAL_SCALE, rtol=1e-12)


def doubled(model, batch):
    """A supervised loss of one's own."""
    return 2.0 * sims.OBJECTIVES["logistic"].loss(model, batch)


@pytest.fixture(scope="module")
def result():
    own = sims.Objective("doubled", False, sims.OBJECTIVES["logistic"].create, doubled)
    return sims.train(MODEL, ("linearized", "infonce", clip, margin, own), **SMALL)


def test_clips_loss_written_anew_trains_to_clips_numbers(result):
    """The same loss from the same draws: if a gradient, the scale or a batch were lost on the way, they would part."""
    contrastive, supervised = ["linearized", "infonce", "clip", "margin"], ["least_squares", "logistic", "doubled"]
    assert list(result.trained) == contrastive + supervised
    np.testing.assert_array_equal(result.trained["clip"].accuracies, result.trained["infonce"].accuracies)
    # Two different losses do not.
    assert np.any(result.trained["margin"].accuracies != result.trained["clip"].accuracies)


def test_it_takes_part_in_table_figure_and_verdict_and_not_in_theory(result):
    frame = result.to_frame()
    assert list(frame.columns[:5]) == ["objective", "prompt", "group", "mean", "standard_error"]
    assert len(frame) == (4 * 2 + 3) * 4
    assert not any(isinstance(cell, dict | list | tuple) for cell in frame.to_numpy().ravel())
    of = frame[(frame.objective == "margin") & (frame.prompt == "label") & (frame.group == "conflicting")].iloc[0]
    runs = result.trained["margin"].accuracies[:, 0, 1]
    assert of["mean"] == pytest.approx(runs.mean()) and np.isnan(of.theory)
    assert of.standard_error == pytest.approx(runs.std(ddof=1) / np.sqrt(len(runs)))
    assert not frame[frame.objective == "linearized"].theory.isna().any()
    assert result.accuracy("margin", prompt="label").loc["conflicting", "mean"] == of["mean"]
    assert {item["learner"] for item in result.verdict["comparisons"]} == {"linearized", "infonce", "clip", "margin"}
    labels = {text.get_text() for axis in result.plot().axes for text in axis.get_yticklabels()}
    assert any(label.startswith("margin, label") for label in labels)


def test_what_was_not_trained_has_no_accuracy(result):
    with pytest.raises(ParameterError, match=r"objective must be one of linearized, infonce, .*, got 'siglip'"):
        result.accuracy("siglip")
    with pytest.raises(ParameterError, match="prompt must be one of label, class-mean, got None"):
        result.accuracy("linearized")
    assert list(result.accuracy("logistic").columns) == ["mean", "standard_error"]


def test_a_supervised_objective_of_ones_own_joins_the_references(result):
    first = result.verdict["comparisons"][0]
    assert [item["reference"] for item in first["differences"]] == ["least_squares", "logistic", "doubled"]
    assert result.trained["doubled"].accuracies.shape == (2, 1, 2)


def test_a_sweep_trains_it_and_names_its_axes():
    model = SpuriousModel(spurious_ratio=0.7, mu_spu=1.3, image_dim=4, text_dim=6)
    table = sims.sweep(
        model, {"spurious_ratio": np.array([0.6, 0.9]), "steps": 30}, objectives=("infonce", clip), seeds=2
    )
    found = table.to_xarray()
    assert found.accuracy.dims == ("objective", "spurious_ratio", "seed", "prompt", "group")
    # What is no axis comes from the model.
    assert (float(found.mu_spu), int(found.image_dim), int(found.text_dim), int(found.steps)) == (1.3, 4, 6, 30)
    np.testing.assert_array_equal(found.accuracy.sel(objective="clip"), found.accuracy.sel(objective="infonce"))
    frame = table.to_frame()
    row = frame[(frame.objective == "clip") & (frame.spurious_ratio == 0.9) & (frame.seed == 1)].iloc[0]
    place = {"objective": "clip", "spurious_ratio": 0.9, "seed": 1, "prompt": "label", "group": "conflicting"}
    assert row["conflicting (label)"] == float(found.accuracy.sel(place))


def test_an_axis_that_is_not_given_has_its_models_value():
    axes = default_axes(SpuriousModel(spurious_ratio=0.7, mu_spu=1.3, text_dim=6))
    assert [axes[name] for name in ("spurious_ratio", "mu_spu", "text_dim")] == [(0.7,), (1.3,), (6,)]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"mu": 1.0}, "axes must be among objective, .*, got mu"),
        ({"steps": [10.5]}, "steps must be whole numbers"),
        ({"mu_spu": []}, "mu_spu must be one value or more"),
        ({"mu_spu": [1.0, 1.0]}, "mu_spu must be .* each once"),
        ({"spurious_ratio": 2.0}, "spurious_ratio must be .*, got 2"),
    ],
)
def test_wrong_axes_are_told(axes, words):
    with pytest.raises(ParameterError, match=words):
        sims.sweep(MODEL, axes, seeds=1)


@pytest.mark.slow
def test_the_command_line_imports_it(call_program, losses):
    small = ("--image-dim", 4, "--text-dim", 4, "--steps", 40, "--seeds", 2, "--batch-size", 32)
    done = call_program("sims.contrastive", "--objective", "my_losses:triplet", *small, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "triplet" in done.stdout and "No closed form for triplet: none is known of this loss." in done.stdout
    content = json.loads((losses / "out" / "result.json").read_text())
    assert content["config"]["objective"] == ["triplet"]
    of = [row for row in content["results"] if row["learner"] == "triplet"]
    assert [row["prompt"] for row in of] == ["label", "class-mean"] and all(row["theory"] is None for row in of)
    swept = call_program("sims.sweep", "--objective", "least_squares,my_losses:triplet", *small, "--out", "swept")
    assert swept.returncode == 0, swept.stderr
    assert (
        ",triplet," in (losses / "swept" / "sweep.csv").read_text()
        or "triplet" in (losses / "swept" / "sweep.csv").read_text().splitlines()[-1]
    )


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("triplet", ["among linearized", "module:function", "got triplet"]),
        ("my_loses:triplet", ["can be imported", "No module named 'my_loses'"]),
        ("my_losses:tripled", ["a function or an Objective of my_losses", "got tripled"]),
        ("my_losses:number", ["a function or an Objective of my_losses", "got number"]),
        ("my_losses:", ["module:function"]),
    ],
)
def test_what_cannot_be_imported_is_told(refused, losses, word, words):
    refused("sims.contrastive", "--objective", word, words=["--objective", *words])


def test_a_module_in_the_current_folder_is_found(tmp_path, monkeypatch):
    """As `python -m` finds it, and a program that was installed by its name does not by itself."""
    (tmp_path / "here_only.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", str(tmp_path))])
    assert find_objective("here_only:triplet").name == "triplet"


def undefined(images, texts):
    """NaN for every pair, its gradient finite."""
    return jnp.mean(jnp.log(-(jnp.sum(images * texts, axis=1) ** 2)))


def test_a_loss_that_is_not_finite_ends_the_training():
    with pytest.raises(RunError, match="undefined diverged at step 1 in run 0 of 2: its loss or its weights are not"):
        sims.train(MODEL, ("linearized", undefined), **SMALL)


def crossed(images, texts):
    return images @ texts


def three(images, texts, others):
    return jnp.sum(images)


def rows(images, texts):
    return jnp.sum(images * texts, axis=1)


def infonce(images, texts):
    return jnp.sum(images * texts)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (three, r"a function of image and text embeddings.*got three\(images, texts, others\)"),
        (rows, "returns a scalar, got rows"),
        (crossed, r"that JAX can trace, on arrays of shape \(size, width\), got crossed, which raises TypeError: dot"),
        (lambda images, texts: 0.0, "a function with a name"),
        (infonce, "a name of its own, got a second infonce"),
    ],
)
def test_what_is_no_objective_is_told(given, words):
    with pytest.raises(ParameterError, match=words):
        find_objective(given)


def test_each_is_trained_once():
    with pytest.raises(ParameterError, match="each one once, got margin twice"):
        sims.train(MODEL, (margin, margin), **SMALL)


def test_a_changed_function_is_another_run():
    """What checkpoints and sweeps know it by: a function of the same name with another body is refused there."""
    first = find_objective(margin)

    def changed(images, texts):
        return 2.0 * margin(images, texts)

    changed.__name__ = "margin"
    assert source_of(first) != source_of(find_objective(changed))
    assert source_of(first) == source_of(find_objective(margin))
    assert isinstance(first.loss, functools.partial)
    assert isinstance(first.create(Architecture(4, 4, 2), nnx.Rngs(0)), CosineDualEncoder)
