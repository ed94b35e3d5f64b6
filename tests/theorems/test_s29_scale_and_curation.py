"""S29: captions sub-sampled by how often they occur, captions that do not match, less noise, and more pairs."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from published.directory import DIRECTORY
from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.scale_and_curation import sub_sample
from tests import seeds
from tests.conftest import ROOT
from tests.theorems.monte_carlo import CRITICAL, UNROUND, agree, draw_in_plane, z_scores
from theory import (
    Caption,
    caption_covariance,
    group_accuracies,
    infonce_critic,
    latent_covariance,
    least_squares_direction,
    logistic_direction,
    spurious_reliance,
)
from theory.mixtures import pairs_of
from theory.statements.scale_and_curation import (
    curate,
    curated_critic,
    curated_pairs,
    drop_slope,
    mismatched_pairs,
    noise_excess,
    sample_deficit,
)
from workbench.compilation import jit

pytestmark = pytest.mark.statement("S29")

RATIO, AGREEMENT = UNROUND.spurious_ratio, 2 * UNROUND.spurious_ratio - 1


def both(mention, kind="label-attribute"):
    """Captions that always name the class, and the background with this probability."""
    return Caption(kind, 1.0, mention)


@pytest.mark.parametrize("mention", [0.02, 0.4, 0.97])
def test_balanced_whole_captions_leave_a_third_of_the_agreement(mention):
    found = curate(UNROUND, both(mention), "captions", 1.0)
    np.testing.assert_allclose(found.agreement, AGREEMENT / 3, rtol=1e-12)
    np.testing.assert_allclose(found.kept, 3 * min(mention * (1 - RATIO), 1 - mention), rtol=1e-12)


@pytest.mark.parametrize("cap", [1.0, 2.5, 7.0, 100.0])
@pytest.mark.parametrize("mention", [0.1, 0.6])
def test_capped_whole_captions_are_the_stated_fraction(mention, cap):
    a, b, c = mention * RATIO / 2, (1 - mention) / 2, mention * (1 - RATIO) / 2
    tau = cap * min(a, b, c)
    a_, b_, c_ = (min(mass, tau) for mass in (a, b, c))
    found = curate(UNROUND, both(mention), "captions", cap)
    np.testing.assert_allclose(found.agreement, (a_ - c_ + AGREEMENT * b_) / (a_ + b_ + c_), rtol=1e-12)
    assert (found.agreement < AGREEMENT - 1e-12) == (tau < a)  # where, and only where, the usual pairs are capped


def test_silent_captions_and_single_words_leave_the_agreement():
    for mention in (0.0, 0.3, 1.0):
        for cap in (1.0, 1.7):
            np.testing.assert_allclose(curate(UNROUND, both(mention), "words", cap).agreement, AGREEMENT, rtol=1e-12)
    for caption in (Caption("label"), both(0.0)):
        found = curate(UNROUND, caption, "captions", 1.0)
        np.testing.assert_allclose([found.agreement, found.kept], [AGREEMENT, 1.0], rtol=1e-12)
    assert abs(float(curate(UNROUND, both(1.0), "captions", 1.0).agreement)) < 1e-12  # nobody is silent


def test_captions_that_say_nothing_are_not_kept():
    found = curate(UNROUND, Caption("label-attribute", 0.7, 0.4), "captions", 1.0)
    assert float(found.weights[:, 3].max()) == 0.0
    np.testing.assert_allclose(found.weights.sum(), 1.0, rtol=1e-12)
    # {class}, {background} and the pairs: eight concepts of one mass, of which four tell nothing of the other word.
    np.testing.assert_allclose(found.agreement, (0 + 4 * AGREEMENT) / 8, rtol=1e-12)


@pytest.mark.parametrize(("concepts", "cap"), [("captions", 0.8), ("captions", 3.0), ("words", 0.8)])
def test_sub_sampled_pools_have_the_agreement_and_reject_another(concepts, cap):
    """MetaCLIP's own steps on pools of 20,000 captions: count, and keep by chance.

    The cap is not between a concept's count and its expectation: the smaller of the two would be biased.
    """
    rng, caption = seeds.generator(290), both(0.5)
    rarest = 0.25 if concepts == "words" else 0.25 * (1 - RATIO)
    pools = draw_in_plane(UNROUND, 20 * 20_000, caption, seed=292).batches(20)
    agreements, shares = [], []
    for texts, agrees in zip(pools.texts, pools.labels * pools.attributes, strict=True):
        kept = sub_sample(texts.astype(int), concepts, 20_000 * cap * rarest, rng)
        agreements.append(agrees[kept].mean())
        shares.append(kept.mean())
    right = curate(UNROUND, caption, concepts, cap)
    assert abs(z_scores(agreements, float(right.agreement))) < CRITICAL
    assert abs(z_scores(shares, float(right.kept))) < CRITICAL
    # As if silent captions stayed as many; or as if a cap on words were one on captions, and the other way round.
    other = curate(UNROUND, caption, "words" if concepts == "captions" else "captions", 1.0).agreement
    assert abs(z_scores(agreements, float(other))) > CRITICAL
    assert concepts == "words" or abs(z_scores(agreements, 0.5 * AGREEMENT)) > CRITICAL


@jax.jit
def curated_moment(model, caption, curated):
    return curated_pairs(model, caption, curated).joint_moment


@pytest.mark.parametrize("kind", ["label-attribute", "latent"])
def test_the_samplers_curated_pairs_have_the_covariance_of_the_critic(kind):
    """The option `--curation balanced`: moments of its pairs, class by class of nothing else."""
    caption = both(0.4, kind)
    bases = jax.jit(sample_bases, static_argnums=(1, 2))(seeds.key(293), UNROUND.image_dim, UNROUND.text_dim)
    batch = jit(lambda key: sample_pairs(key, UNROUND, bases, caption, 50_000, curation="balanced"))(seeds.key(294))
    images, texts = (np.asarray(part) @ np.asarray(basis) for part, basis in zip(batch[:2], bases, strict=True))
    curated = curate(UNROUND, caption, "captions", 1.0)
    expected = curated_moment(UNROUND, caption, curated)
    products = images[:, :, None] * texts[:, None, :]
    assert agree(products, expected)
    assert not agree(products, caption_covariance(UNROUND, caption))
    assert agree(np.asarray(batch.labels) * np.asarray(batch.attributes), curated.agreement)
    assert agree(np.asarray(batch.labels), 0.0)
    with pytest.raises(ValueError, match="curation must be one of none, balanced, and none with a ratio"):
        sample_pairs(seeds.key(0), UNROUND, bases, caption, 4, 0.5, "balanced")


def test_curated_critics_are_known_ones_where_nothing_is_removed():
    caption = both(0.0)
    pairs = curated_pairs(UNROUND, caption, curate(UNROUND, caption))
    np.testing.assert_allclose(curated_critic("linearized", pairs), caption_covariance(UNROUND, caption), atol=1e-12)
    latent = both(1.0, "latent")
    as_half = curated_pairs(UNROUND, latent, curate(UNROUND, latent))
    half = dataclasses.replace(UNROUND, spurious_ratio=0.5)
    np.testing.assert_allclose(curated_critic("linearized", as_half), latent_covariance(half), atol=1e-12)
    np.testing.assert_allclose(
        curated_critic("infonce_bilinear", as_half), infonce_critic(half, latent), rtol=1e-6, atol=1e-8
    )


def test_the_linearised_loss_leans_by_what_is_left_of_the_agreement():
    caption = both(0.4)
    for cap in (1.0, 3.0):
        curated = curate(UNROUND, caption, cap=cap)
        rule = curated_critic("linearized", curated_pairs(UNROUND, caption, curated))[:, 0]
        expected = curated.agreement * UNROUND.mu_spu / UNROUND.mu_inv
        np.testing.assert_allclose(spurious_reliance(rule), expected, rtol=1e-12)


def test_mismatched_label_captions_are_wrong_labels():
    """Image to text against a logistic regression with a share of wrong labels, minimised by SciPy on a sample."""
    share = 0.4
    sample = draw_in_plane(UNROUND, 20_000, seed=295)
    images, labels = sample.images, sample.labels
    half = share / 2

    def loss(weights):
        margins = labels * (images @ weights)
        return np.mean((1 - half) * np.logaddexp(0, -margins) + half * np.logaddexp(0, margins))

    fitted = minimize(loss, np.zeros(2), tol=1e-10).x
    pairs = pairs_of(UNROUND, Caption("label"))
    found = 2 * curated_critic("infonce_image_to_text", mismatched_pairs(pairs, share), True)[:, 0]
    np.testing.assert_allclose(found, fitted, atol=0.05)  # five deviations of a fit to 20,000
    wrong = 2 * curated_critic("infonce_image_to_text", mismatched_pairs(pairs, half), True)[:, 0]
    assert np.abs(np.asarray(wrong) - fitted).max() > 0.1  # as if each of them had the wrong label


def test_as_captions_cease_to_match_the_half_goes_from_logistic_regression_to_least_squares():
    pairs = pairs_of(UNROUND, Caption("label"))

    def reliance(share):
        return spurious_reliance(
            curated_critic("infonce_image_to_text", mismatched_pairs(pairs, share), exact_captions=True)[:, 0]
        )

    ends = [reliance(share) for share in (0.0, 0.5, 0.999)]
    logistic, squares = (spurious_reliance(of(UNROUND)) for of in (logistic_direction, least_squares_direction))
    np.testing.assert_allclose(ends[0], logistic, rtol=1e-8)
    np.testing.assert_allclose(ends[2], squares, rtol=1e-4)
    assert min(logistic, squares) < ends[1] < max(logistic, squares)


def test_the_drop_shrinks_with_the_noise_where_it_is_said_to():
    strong, weak = UNROUND, dataclasses.replace(UNROUND, mu_inv=2.6, mu_spu=0.7)

    def drop(model, noise):
        rule = latent_covariance(model)[:, 0]
        accuracies = group_accuracies(dataclasses.replace(model, sigma_xi=noise), rule)
        return accuracies[0] - accuracies[1]

    signs = []
    for model in (strong, weak):
        grown = float(drop(model, model.sigma_xi * 1.01) - drop(model, model.sigma_xi))
        slope = float(drop_slope(model, latent_covariance(model)[:, 0]))
        assert np.sign(grown) == np.sign(slope)
        signs.append(np.sign(grown))
        # By the slope itself: d drop / d log of the score's deviation.
        rule = np.asarray(latent_covariance(model)[:, 0])
        deviations = [
            np.sqrt(np.sum(rule**2 * np.asarray(dataclasses.replace(model, sigma_xi=noise).image_variance)))
            for noise in (model.sigma_xi, model.sigma_xi * 1.0001)
        ]
        step = float(drop(model, model.sigma_xi * 1.0001) - drop(model, model.sigma_xi))
        np.testing.assert_allclose(step / np.log(deviations[1] / deviations[0]), slope, rtol=1e-3)
    assert signs == [-1, 1]


def test_least_squares_leans_less_with_less_noise_where_it_is_said_to():
    wide = dataclasses.replace(UNROUND, sigma_inv=2.0)
    for model, sign in ((dataclasses.replace(UNROUND, sigma_inv=0.4), 1), (wide, -1)):
        less, more = (
            float(spurious_reliance(least_squares_direction(dataclasses.replace(model, sigma_xi=noise))))
            for noise in (1.0, 1.1)
        )
        assert np.sign(more - less) == np.sign(float(noise_excess(model))) == sign


SAMPLES, SIZE = 2400, 800  # the nearest wrong formula is 10 standard errors off


def sampled_accuracies(model, share, seed):
    """Accuracies on conflicting images of the label prompt's rules, less their part of first order in the rules' error.

    That part's mean is 0, and it varies most. A share of the pairs has the caption of another image.
    """
    sample = draw_in_plane(model, SAMPLES * SIZE, seed=seed, dims=(model.image_dim, 2)).batches(SAMPLES)
    others = draw_in_plane(model, SAMPLES * SIZE, seed=seed + 1).batches(SAMPLES).texts[:, :, 0]
    mixed = seeds.generator(seed + 2).random((SAMPLES, SIZE)) < share
    scores = np.where(mixed, others, sample.texts[:, :, 0])
    centred = sample.images - sample.images.mean(axis=1, keepdims=True)
    rules = np.einsum("rni,rn->ri", centred, scores) / (SIZE - 1)
    within, outside = rules[:, :2], np.linalg.norm(rules[:, 2:], axis=1)

    @jax.jit
    def accuracies(within, outside):
        right = jax.vmap(lambda rule, rest: group_accuracies(model, rule, rest)[1])(within, outside)
        learned = (1.0 - share) * latent_covariance(model)[:, 0]
        slope = jax.grad(lambda rule: group_accuracies(model, rule)[1])(learned)
        return right - (within - learned[None, :]) @ slope

    return np.asarray(accuracies(within, outside))


@pytest.mark.parametrize("share", [pytest.param(0.0, marks=pytest.mark.slow), 0.4])
def test_a_samples_rule_is_right_less_often_by_the_stated_share(share):
    model = dataclasses.replace(UNROUND, mu_spu=0.8, sigma_xi=2.5)
    prompt = jnp.array([1.0, 0.0])
    limit = float(group_accuracies(model, latent_covariance(model)[:, 0])[1])
    deficit = jax.jit(sample_deficit)
    deficits = SIZE * (limit - sampled_accuracies(model, share, seed=296))
    right = float(deficit(model, prompt, share)[1])
    assert abs(z_scores(deficits, right)) < CRITICAL
    plane = dataclasses.replace(model, image_dim=2, sigma_xi=2.5 * (2 / 5) ** 0.5)  # the same noise in each direction
    inside = float(deficit(dataclasses.replace(plane, text_dim=jnp.array(2.8)), prompt, share)[1])
    matched = float(deficit(model, prompt, 0.4 - share)[1])
    for wrong in (inside, matched):  # without the part outside the plane; the other share of captions that match
        assert abs(z_scores(deficits, wrong)) > CRITICAL


def test_refuses_other_names():
    with pytest.raises(ValueError, match="concepts must be one of captions, words"):
        curate(UNROUND, Caption(), "images")
    with pytest.raises(ValueError, match="learner must be one of linearized, infonce_bilinear"):
        curated_critic("siglip", pairs_of(UNROUND, Caption()))


def test_jits_vmaps_and_differentiates():
    def agreement(mention, cap):
        return curate(UNROUND, both(mention), cap=cap).agreement

    mentions = jnp.array([0.2, 0.5])
    many = jax.jit(jax.vmap(agreement, (0, None)))(mentions, 2.0)
    compiled, slopes = jax.jit(agreement), jax.jit(jax.grad(agreement, (0, 1)))
    np.testing.assert_allclose(many, [compiled(mention, 2.0) for mention in (0.2, 0.5)], rtol=1e-12)
    # In between, (2 C + 2 C r) / 5 C minus C: all of C's multiples, so it moves with the cap alone.
    np.testing.assert_allclose(slopes(0.5, 2.0)[0], 0.0, atol=1e-12)
    step = 1e-6
    numeric = (compiled(0.5, 2.0 + step) - compiled(0.5, 2.0 - step)) / (2 * step)
    np.testing.assert_allclose(slopes(0.5, 2.0)[1], numeric, rtol=1e-6)
    gradient = jax.grad(lambda noise: sample_deficit(dataclasses.replace(UNROUND, sigma_xi=noise), jnp.eye(2)[0])[1])
    assert np.isfinite(jax.jit(gradient)(1.3))


@pytest.mark.slow
def test_single_precision_keeps_five_digits():
    exact = curate(UNROUND, both(0.4), cap=2.0), sample_deficit(UNROUND, jnp.array([1.0, 0.0]))
    with jax.enable_x64(False):
        single = curate(UNROUND, both(0.4), cap=2.0), sample_deficit(UNROUND, jnp.array([1.0, 0.0]))
        assert single[1].dtype == jnp.float32
        np.testing.assert_allclose(single[0].weights, exact[0].weights, rtol=1e-5)
        np.testing.assert_allclose(single[1], exact[1], rtol=1e-4)


def test_the_ray_of_models_that_differ_in_noise_is_normal_quantiles_on_a_line():
    """Less noise multiplies both margins by one factor: the ratio of the two probits stays."""
    rule, ratios = latent_covariance(UNROUND)[:, 0], []
    for noise in (0.3, 1.0, 3.0):
        accuracies = group_accuracies(dataclasses.replace(UNROUND, sigma_xi=noise), rule)
        ratios.append(norm.ppf(accuracies[1]) / norm.ppf(accuracies[0]))
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-8)


def test_what_the_page_says_of_the_printed_c3():
    """From the tables alone, by least squares with a mean for each data set; no code shared with realdata."""
    page = (ROOT / "docs" / "theory" / "scale_and_curation.md").read_text()
    rows = pd.read_csv(DIRECTORY / "results.csv", dtype={"table": str})
    clips = rows[(rows.table == "3") & (rows.family == "clip")]
    sizes = pd.read_csv(DIRECTORY / "image_towers.csv").set_index("backbone").parameters_millions
    means = pd.get_dummies(clips.pretrain).to_numpy(float)
    columns = np.column_stack([means, np.log10(clips.backbone.map(sizes))])
    common, counter = (norm.ppf(clips[group] / 100) for group in ("common", "counter"))
    slope = common @ counter / (common @ common)

    def tenfold(predicted):
        drops = 100 * (norm.cdf(common) - norm.cdf(predicted))
        return np.linalg.lstsq(columns, drops, rcond=None)[0][-1]

    shrinking = int(np.sum(counter * norm.pdf(counter) > common * norm.pdf(common)))
    assert f"{tenfold(slope * common):+.1f} points; it shrinks in {shrinking} of {len(clips)} CLIPs" in page
    assert f"| {tenfold(counter):.1f} [-13.6, -5.5] |" in page
    assert f"(slope {slope:.2f} on probit axes)" in page
    assert f"by one constant give {tenfold(common - np.mean(common - counter)):.1f}." in page
