"""What a notebook imports, as the front page shows it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import realdata
import sims
import theory
from pretrained import huggingface
from sims.clip.model import tiny_clip
from tests.realdata.made import made_photos


def test_closed_forms_as_a_table_and_as_a_curve():
    model = theory.SpuriousModel(spurious_ratio=0.9)
    frame = theory.predict(model, learners=("linearized", "logistic")).to_frame()  # all of them take seconds
    ratios = jnp.linspace(0.5, 0.99, 3)

    def conflicting(ratio):
        changed = model.replace(spurious_ratio=ratio)
        return theory.accuracy(changed, "linearized", caption="latent", prompt="label").conflicting

    curve = jax.jit(jax.vmap(conflicting))(ratios)
    assert curve[0] > curve[1] > curve[2]
    of = frame[(frame.learner == "linearized") & (frame.prompt == "label")].conflicting.item()
    assert of == pytest.approx(float(conflicting(0.9)), abs=1e-12)


def test_packages_do_not_take_the_places_of_the_functions():
    import realdata.evaluate.run
    import sims.sweep.run

    assert callable(sims.sweep) and callable(realdata.evaluate) and callable(sims.train)


@pytest.mark.slow
def test_results_are_saved_as_the_programs_save_them(tmp_path):
    model = theory.SpuriousModel(image_dim=4, text_dim=4)
    sims.train(model, "linearized", seeds=2, steps=20, out=tmp_path / "trained")
    assert {path.name for path in (tmp_path / "trained").iterdir()} == {"arrays.npz", "figure.png", "result.json"}
    sims.sweep(model, {"steps": 10}, seeds=1, out=tmp_path / "swept")
    assert {"sweep.csv", "sweep.npz", "sweep.json"} <= {path.name for path in (tmp_path / "swept").iterdir()}


def test_an_evaluation_has_a_summary_and_a_table(tmp_path, call_program):
    """The function and the program say the same of the same photos."""
    layout = {"0 cat": ("sofa", "snow"), "1 dog": ("grass", "sea")}
    paths = made_photos(tmp_path / "photos", layout, 4)
    (tmp_path / "names.txt").write_text("0\tcat\n1\tdog\n")
    model = tmp_path / "model"
    model.mkdir()
    for name, content in huggingface.files(tiny_clip(12, ["a photo of a cat", "a photo of a dog"], 0)).items():
        (model / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = {"names": str(tmp_path / "names.txt"), "workers": 0}
    evaluation = realdata.evaluate(data=tmp_path / "photos", model=str(model), **settings)
    assert not (tmp_path / "results").exists()
    frame = evaluation.predictions.to_frame()
    assert sorted(frame.path) == paths
    for group, of_group in frame.groupby("group"):
        balanced = 100 * of_group.groupby("class_index").correct.mean().mean()
        np.testing.assert_allclose(evaluation.summary["groups"][group]["accuracy"], balanced)
    assert evaluation.plot().axes
    command = ("realdata.evaluate", "--data", tmp_path / "photos", "--model", model, "--names", tmp_path / "names.txt")
    assert call_program(*command, "--workers", 0, "--out", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "predictions.csv").read_text() == frame.to_csv(index=False, lineterminator="\n")
