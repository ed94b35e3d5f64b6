"""`theory.accuracy` traced, mapped and differentiated, in both precisions, and the table that `predict` gives."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theory
from theory import CAPTIONS, GROUPS, LEARNERS, Caption, SpuriousModel
from theory.names import CONTRASTIVE, SUPERVISED
from workbench.errors import ParameterError

# Unequal, unround parameters.
MODEL = SpuriousModel(0.83, 0.9, 1.4, 0.8, 0.6, 1.1, 12, 20)
PROMPTS = ("label", "class-mean", "mixture:0.3", "best")
# Every learner with every caption and with every prompt, and every caption with every prompt; not all three at once.
TRIPLES = [
    *(
        (learner, CAPTIONS[turn % 3], PROMPTS[(row + turn) % 4])
        for (row, learner), turn in itertools.product(enumerate(CONTRASTIVE), range(4))
    ),
    *((learner, "latent", "label") for learner in SUPERVISED),
]


# For programs of all of it, which take long to compile: a learner of each kind.
TRACED = [
    ("linearized", "latent", "class-mean"),
    ("infonce_bilinear", "latent", "label"),
    ("siglip", "label-attribute", "best"),
    *TRIPLES[-len(SUPERVISED) :],
]
FEW = [*TRACED, ("linearized", "label", "best")]  # the last one is NaN: no prompt changes that rule


def accuracies(triples, model):
    """Shape (triples, groups)."""
    found = [theory.accuracy(model, learner, caption=caption, prompt=prompt) for learner, caption, prompt in triples]
    return jnp.stack([jnp.stack(each) for each in found])


def traced(ratio):
    return accuracies(TRACED, MODEL.replace(spurious_ratio=ratio))


def predicted(triples):
    """What `predict` says of the learners and captions in these triples, by learner, caption and prompt."""
    learners, captions, _ = map(set, zip(*triples, strict=True))
    captions = [Caption(kind) for kind in CAPTIONS if kind in captions]
    frame = theory.predict(MODEL, prompts=PROMPTS, captions=captions, learners=tuple(learners)).to_frame()
    return frame.set_index(["learner", "caption", "prompt"])


@pytest.mark.parametrize("triples", [FEW, pytest.param(TRIPLES, marks=pytest.mark.slow)], ids=["few", "all"])
def test_it_is_what_predict_says_and_nan_where_that_names_a_reason(triples):
    table, found = predicted(triples), np.asarray(accuracies(triples, MODEL))
    for (learner, caption, prompt), cells in zip(triples, found, strict=True):
        key = (None, None) if learner in SUPERVISED else (caption, prompt)
        (row,) = table.loc[[(learner, *key)]].itertuples()
        wanted = [getattr(row, group) for group in GROUPS]
        # Both find InfoNCE's optimum to six digits.
        np.testing.assert_allclose(cells, wanted, atol=1e-6, err_msg=f"{learner} {caption} {prompt}")
        if learner != "bayes":
            assert np.isnan(cells).all() == isinstance(row.note, str), (learner, caption, prompt)
    assert np.isnan(found).any() and np.isfinite(found).mean() > 0.8


@pytest.mark.slow
def test_single_precision_has_four_digits_under_jit_and_vmap():
    ratios = np.array([0.6, 0.83, 0.97])
    with jax.enable_x64(False):
        single = np.asarray(jax.jit(jax.vmap(traced))(ratios))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [traced(ratio) for ratio in ratios], atol=1e-4)


def test_infonce_in_single_precision_keeps_six_digits_of_its_critic():
    """Summed over all nodes at once it would keep four: 4.5e-5 was measured, 1e-7 in sums of sums."""
    for learner, caption in (("infonce_bilinear", Caption()), ("infonce_text_to_image", Caption())):
        with jax.enable_x64(False):
            single = np.asarray(theory.contrastive_critic(learner, SpuriousModel(), caption))
        wanted = np.asarray(theory.contrastive_critic(learner, SpuriousModel(), caption))
        assert np.abs(single - wanted).max() < 2e-6 * np.abs(wanted).max()


@pytest.mark.slow
@pytest.mark.parametrize("double_precision", [True, False])
def test_gradients_are_slopes(double_precision):
    with jax.enable_x64(double_precision):
        found = np.asarray(jax.jit(jax.jacfwd(traced))(0.83))
    step = 1e-4
    slopes = (np.asarray(traced(0.83 + step)) - np.asarray(traced(0.83 - step))) / (2 * step)
    known = np.isfinite(slopes)
    # Differences are off by the step's square and by InfoNCE's six digits over the step.
    np.testing.assert_allclose(found[known], slopes[known], atol=2e-3 if double_precision else 5e-3)
    assert np.nanmax(np.abs(slopes)) > 0.5  # the tolerance is small beside what is differentiated


@pytest.mark.slow
def test_reverse_mode_agrees_with_forward_mode():
    def conflicting(sizes):
        return theory.accuracy(MODEL.replace(**sizes), "infonce_bilinear").conflicting

    sizes = {"mu_spu": 1.4, "sigma_inv": 0.8, "sigma_xi": 1.1, "class_prior": 0.5}
    reverse, forward = (jax.jit(derivative(conflicting))(sizes) for derivative in (jax.grad, jax.jacfwd))
    assert min(abs(reverse[name]) for name in ("mu_spu", "sigma_inv", "sigma_xi")) > 0.01
    for name in sizes:
        np.testing.assert_allclose(reverse[name], forward[name], rtol=1e-8, atol=1e-12)


CLOSED_FORMS = {
    "bayes_accuracies": theory.bayes_accuracies,
    "caption_covariance": lambda model: theory.caption_covariance(model, Caption("label-attribute", 0.9, 0.4)),
    "contrastive_critic": lambda model: theory.contrastive_critic("infonce_image_to_text", model, Caption("label")),
    "critical_squared_agreement": lambda model: theory.critical_squared_agreement(model, "class-mean"),
    "cross_covariance": lambda model: theory.cross_covariance(model, jnp.eye(3)[:, :2], jnp.eye(4)[:, 1:3]),
    "latent_covariance": theory.latent_covariance,
    "latent_prompt": lambda model: theory.latent_prompt(model, "class-mean"),
    "least_squares_direction": theory.least_squares_direction,
    "logistic_direction": theory.logistic_direction,
    "mixed_prompt": lambda model: theory.mixed_prompt(model, 0.3),
    "regularised_logistic_direction": lambda model: theory.regularised_logistic_direction(model, 0.2),
    "siglip_critic": lambda model: theory.siglip_critic(model, Caption()),
    "theorem62": lambda model: jnp.stack(theory.theorem62(model, False)[1:3]),
    "zero_shot_direction": lambda model: theory.zero_shot_direction(model, "class-mean"),
}


# Their third derivatives take longest to compile, and their own tests ask for the second ones.
LONGEST = {"siglip_critic", "contrastive_critic", "regularised_logistic_direction"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONGEST else []) for name in CLOSED_FORMS]
)
def test_closed_forms_hold_in_both_precisions_mapped_and_differentiated(name):
    def of(ratio):
        return CLOSED_FORMS[name](MODEL.replace(spurious_ratio=ratio))

    # One program a precision: values and slopes are compiled together.
    both = jax.jacfwd(lambda ratio: (of(ratio), of(ratio)), has_aux=True)
    ratios = np.array([0.6, 0.83, 0.95])
    slopes, mapped = map(np.asarray, jax.jit(jax.vmap(both))(ratios))
    for ratio, found in zip(ratios, mapped, strict=True):
        np.testing.assert_allclose(found, of(ratio), rtol=1e-10, atol=1e-12)
    step = 1e-4
    difference = (np.asarray(of(0.83 + step)) - np.asarray(of(0.83 - step))) / (2 * step)
    # The step's square, times third derivatives.
    np.testing.assert_allclose(slopes[1], difference, rtol=1e-4, atol=1e-5)
    with jax.enable_x64(False):
        single_slope, single = map(np.asarray, jax.jit(both)(0.83))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, mapped[1], rtol=2e-5, atol=2e-6)
    # In single precision Newton's iteration ends within a thousandth of the optimum, where the slope is another.
    np.testing.assert_allclose(single_slope, slopes[1], rtol=2e-3, atol=2e-3 * np.abs(slopes[1]).max())


def test_where_there_is_no_optimum_it_is_nan_and_predict_says_why():
    separable = MODEL.replace(sigma_inv=0.0, sigma_xi=0.0)
    assert np.isnan(theory.accuracy(separable, "logistic").conflicting)
    assert np.isnan(theory.accuracy(separable, "siglip").conflicting)
    # Captions that name the class alone say nothing of a prompt that names what no caption does.
    same = SpuriousModel(0.5, sigma_inv=1.5, mu_inv=1.0, mu_spu=1.5, sigma_spu=1.0)
    assert np.isnan(theory.accuracy(same, "linearized", embed_dim=1).conflicting)
    for model, learner, width in ((separable, "logistic", 2), (separable, "siglip", 2), (same, "linearized", 1)):
        assert theory.predict(model, width, ("label",), learners=(learner,))[0].note


def test_where_no_prompt_changes_the_rule_there_is_no_best_one():
    """Label and attribute are one word here: the critic's columns are proportional but for rounding."""
    model, caption = MODEL.replace(spurious_ratio=1.0), Caption("label-attribute", 0.7, 0.3)
    critic = np.asarray(theory.contrastive_critic("linearized", model, caption))
    assert 0 < abs(np.linalg.det(critic)) < 1e-14  # or the linear system would say so by itself
    assert np.isnan(theory.accuracy(model, "linearized", caption=caption, prompt="best").conflicting)
    assert theory.predict(model, 2, ("best",), (caption,), ("linearized",))[0].note


@pytest.mark.slow
def test_a_person_at_the_keyboard_sees_a_curve():
    """The example of the documentation, in JAX's own single precision."""
    with jax.enable_x64(False):
        model = SpuriousModel(spurious_ratio=0.9)
        ratios = jnp.linspace(0.5, 0.99, 3)

        def conflicting(ratio):
            with_ratio = model.replace(spurious_ratio=ratio)
            return theory.accuracy(with_ratio, "infonce_bilinear", caption="latent", prompt="label").conflicting

        curve = np.asarray(jax.jit(jax.vmap(conflicting))(ratios))
    assert curve.shape == (3,) and np.isfinite(curve).all()
    frame = theory.predict(model).to_frame()
    assert len(frame) == len(CONTRASTIVE) * 2 + len(SUPERVISED)
    assert frame.dtypes[list(GROUPS)].eq(float).all() and set(frame.learner) == set(LEARNERS)


@pytest.mark.slow
def test_batches_of_a_size_change_infonce_alone():
    learners = ("linearized", "infonce_bilinear", "siglip", "least_squares")
    table = predicted([(learner, "latent", "label") for learner in learners])
    rows = theory.predict(MODEL, prompts=("label",), learners=learners, batch_size=16)
    for row in rows:
        if row.learner == "siglip":
            assert row.accuracy is None and "infinite batches" in row.note
            continue
        found = np.array(theory.accuracy(MODEL, row.learner, batch_size=16))
        np.testing.assert_allclose(found, [row.accuracy[group] for group in GROUPS], atol=1e-6)
        key = (None, None) if row.caption is None else ("latent", "label")
        (endless,) = table.loc[[(row.learner, *key)], list(GROUPS)].to_numpy()
        distance = np.abs(found - endless).max()
        assert distance > 0.005 if row.learner == "infonce_bilinear" else distance < 1e-9
    for wrong in ({"batch_size": 1}, {"batch_size": True}, {"learner": "siglip", "batch_size": 16}):
        with pytest.raises(ParameterError, match="batch_size"):
            theory.accuracy(MODEL, **({"learner": "infonce_bilinear"} | wrong))


def test_wrong_input_gets_one_line():
    with pytest.raises(TypeError, match=r"theory\.predict takes numbers.*theory\.accuracy"):
        jax.vmap(lambda ratio: theory.predict(MODEL.replace(spurious_ratio=ratio)))(jnp.array([0.6, 0.7]))
    for wrong in ({"learner": "clip"}, {"caption": "long"}, {"prompt": "name"}, {"embed_dim": 0}, {"embed_dim": 1}):
        with pytest.raises(ParameterError):
            theory.accuracy(MODEL, **({"learner": "siglip"} | wrong))
    with pytest.raises(ParameterError, match="spurious_ratio"):
        MODEL.replace(spurious_ratio=2.0)
    with pytest.raises(TypeError):
        MODEL.replace(ratio=0.7)
