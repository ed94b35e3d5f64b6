"""S23: softmax regression and InfoNCE for many classes."""

import dataclasses
import functools
import itertools
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.theorems.class_draws import ALPHA, PAIRS, draw_classes
from tests.theorems.monte_carlo import UNROUND, agree
from theory import Caption, SpuriousModel, class_report, logistic_direction, spurious_reliance
from theory.class_sums import Terms, expected_log_sum
from theory.mixtures import pairs_of
from theory.names import DIRECTIONS
from theory.program import main
from theory.statements.infonce import infonce_objective
from theory.statements.many_classes import (
    class_accuracies,
    contrastive_direction,
    least_squares_direction,
    second_order_direction,
)
from theory.statements.softmax import (
    class_pairs,
    critic_of_class_pairs,
    critical_ratio_against_softmax,
    critical_squared_agreement,
    softmax_direction,
)

pytestmark = pytest.mark.statement("S23")

# As the program calls them, so that each is compiled once: 33 nodes give nine digits at these parameters.
SOFTMAX = class_report.compile_once(softmax_direction)
CRITIC = class_report.compile_once(critic_of_class_pairs, 3, 4, long=True)
COUNT = 33
DEFAULTS, LATENT = SpuriousModel(), Caption()


drawn = functools.cache(draw_classes)


@functools.cache
def softmax(model, pairs, alpha):
    return np.asarray(SOFTMAX(model, float(pairs), float(alpha)))


@functools.cache
def infonce(model, pairs, alpha, caption=LATENT, share=0.5):
    seen = class_pairs(model, float(pairs), float(alpha), caption)
    # Captions without spread are nodes too, the same many times: one function for all kinds.
    return np.asarray(CRITIC(seen, float(pairs), jnp.asarray(share), COUNT, False))


@pytest.mark.parametrize("others", [0.0, 3.0])
def test_the_integral_is_the_expected_logarithm_of_the_sum(others):
    """Two values for each term, all sums written out; derivatives by differentiating what is written out."""
    base = {"own": np.array([0.3, -1.2]), "other": np.array([4.0, 0.6])}
    slope = {"own": np.array([[1.0, 0.5], [-0.4, 2.0]]), "other": np.array([[0.7, -1.0], [0.2, 0.3]])}
    share = {"own": np.array([0.2, 0.8]), "other": np.array([0.35, 0.65])}

    def logs(name, place):
        return base[name] + jnp.asarray(slope[name]) @ place + 0.5 * jnp.sum(place**2)

    choices = np.array(list(itertools.product(range(2), repeat=1 + int(others))))
    chances = share["own"][choices[:, 0]] * np.prod(share["other"][choices[:, 1:]], axis=1)

    def written_out(place):
        terms = [logs("own", place)[choices[:, :1]], logs("other", place)[choices[:, 1:]]]
        return jnp.sum(chances * jax.nn.logsumexp(jnp.concatenate(terms, axis=1), axis=1))

    place = jnp.array([0.4, -0.3])
    gradients = {name: jnp.asarray(slope[name]) + place[None, :] for name in base}
    curved = jnp.broadcast_to(jnp.eye(2), (2, 2, 2))
    own, other = (Terms(jnp.asarray(share[name]), logs(name, place), gradients[name], curved) for name in base)
    found = jax.jit(expected_log_sum)(own, other, jnp.asarray(others))
    expected = jax.jit(
        lambda place: (written_out(place), jax.grad(written_out)(place), jax.hessian(written_out)(place))
    )
    for mine, theirs in zip(found, expected(place), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)


def gradients_of_softmax(weights, model=UNROUND, size=200_000):
    """Of each image, in the rules of the classes (c, +1) less (c, -1): the own pair's coordinates, and another's."""
    image, _, c, b = drawn(size, model=model)
    images = np.stack([image[:, :PAIRS], image[:, PAIRS:]], axis=2)
    scores = images @ weights
    shares = np.exp(np.concatenate([scores, -scores], axis=1))
    shares /= shares.sum(axis=1, keepdims=True)
    named = (np.arange(PAIRS)[None, :] == c[:, None]) * b[:, None]
    residual = shares[:, :PAIRS] - shares[:, PAIRS:] - named
    own = np.einsum("nk,nki->ni", residual, images)
    another = np.einsum("nk,nki->ni", residual, np.roll(images, 1, axis=1))
    return np.concatenate([own, another], axis=1)


def test_softmax_regression_by_samples():
    """Its gradient vanishes; without sharing, with a class more, at S6's weights or least squares' rule it does not."""
    assert agree(gradients_of_softmax(softmax(UNROUND, PAIRS, ALPHA)), 0.0)
    for weights in (softmax(UNROUND, PAIRS, 0.0), softmax(UNROUND, PAIRS + 1, ALPHA), softmax(UNROUND, 1, ALPHA)):
        assert not agree(gradients_of_softmax(weights)[:, :2], 0.0)
    # At a larger background least squares' rule is another: 25 standard errors in place of 5.
    loud = dataclasses.replace(UNROUND, mu_spu=2.5)
    found, squares = softmax(loud, PAIRS, ALPHA), np.asarray(least_squares_direction(loud, PAIRS, ALPHA))
    assert agree(gradients_of_softmax(found, loud), 0.0)
    scaled = squares * np.linalg.norm(found) / np.linalg.norm(squares)
    assert not agree(gradients_of_softmax(scaled, loud)[:, :2], 0.0)


def test_one_pair_is_logistic_regression_with_half_of_its_weights():
    np.testing.assert_allclose(2.0 * softmax(UNROUND, 1, ALPHA), logistic_direction(UNROUND), rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, ALPHA])
def test_image_to_text_with_label_captions_is_softmax_regression(alpha):
    """From two quadratures of their own: in the plane, and of the score. The other direction is not."""
    critic = infonce(UNROUND, PAIRS, alpha, Caption("label"), 1.0)
    np.testing.assert_allclose(critic[:, 0], softmax(UNROUND, PAIRS, alpha), rtol=1e-6)
    np.testing.assert_allclose(critic[:, 1], 0.0, atol=1e-12)
    other = infonce(UNROUND, PAIRS, alpha, Caption("label"), 0.0)[:, 0]
    assert abs(spurious_reliance(jnp.asarray(other)) / spurious_reliance(jnp.asarray(critic[:, 0])) - 1.0) > 0.01


@pytest.mark.parametrize("caption", [Caption(), Caption("label-attribute")], ids=str)
def test_one_pair_is_the_optimum_of_two_classes(caption):
    critic = jnp.asarray(infonce(UNROUND, 1, ALPHA, caption))
    flat = jax.jit(lambda critic: infonce_objective(pairs_of(UNROUND, caption), 0.5, critic).gradient)
    np.testing.assert_allclose(flat(critic), 0.0, atol=1e-8)
    assert np.abs(flat(jnp.asarray(infonce(UNROUND, 2, ALPHA, caption)))).max() > 1e-2


def tilted_mean(points, components):
    """Mean of a mixture of Gaussians, of the coordinates of all pairs, under the weight e^<point, t>."""
    weights, means, variances = components
    exponents = points @ means.T + 0.5 * (points**2 @ variances)[:, None] + np.log(weights)
    shares = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True) @ means + points * variances


def gradients_of_infonce(critic, size=100_000, pairs=2):
    """Of each pair in all entries of G, averaged over what symmetry makes equal; every class and sign written out."""
    image, text, *_ = drawn(size, pairs)
    weights, means = [], []
    for c, b, a, e in itertools.product(range(pairs), (1, -1), (1, -1), (1, -1)):  # e: of the other pair, pairs = 2
        invariant, spurious = np.full(pairs, ALPHA * e), np.zeros(pairs)
        invariant[c], spurious[c] = UNROUND.mu_inv * b, UNROUND.mu_spu * a
        means.append(np.concatenate([invariant, spurious]))
        weights.append((UNROUND.spurious_ratio if a == b else 1 - UNROUND.spurious_ratio) / (4 * pairs))
    features = np.repeat(np.asarray(UNROUND.latent_sigma) ** 2, pairs)
    sides = [
        (np.array(weights), np.array(means), features + noise)
        for noise in (UNROUND.image_noise_variance, UNROUND.text_noise_variance)
    ]
    full = np.kron(critic, np.eye(pairs))
    of_text = tilted_mean(image @ full, sides[1])
    of_image = tilted_mean(text @ full.T, sides[0])
    # Coordinates of one pair, then of two pairs: 4 and 4 entries.
    outer = lambda one, two: one.reshape(-1, 2, 1, pairs, 1) * two.reshape(-1, 1, 2, 1, pairs)  # noqa: E731
    gradient = outer(image, of_text) / 2 + outer(of_image, text) / 2 - outer(image, text)
    same, another = gradient[..., 0, 0] + gradient[..., 1, 1], gradient[..., 0, 1] + gradient[..., 1, 0]
    return np.concatenate([same.reshape(-1, 4), another.reshape(-1, 4)], axis=1)


def test_infonce_by_samples():
    """Its gradient vanishes in all of G; without sharing, with other numbers of classes or to second order not."""
    assert agree(gradients_of_infonce(infonce(UNROUND, 2, ALPHA)), 0.0)
    columns = [np.asarray(second_order_direction(UNROUND, 2, ALPHA, prompt)) for prompt in ("label", "class-mean")]
    mean = np.array([UNROUND.mu_inv, UNROUND.agreement * UNROUND.mu_spu])
    second_order = np.stack([columns[0], (columns[1] - mean[0] * columns[0]) / mean[1]], axis=1)
    for wrong in (infonce(UNROUND, 2, 0.0), infonce(UNROUND, 3, ALPHA), infonce(UNROUND, 1, ALPHA), second_order):
        assert not agree(gradients_of_infonce(wrong)[:, :4], 0.0)


def test_the_pages_numbers():
    """Those of the page's table and of the docstring."""
    page = (ROOT / "docs" / "theory" / "softmax.md").read_text()
    rows = re.findall(r"^\| ([\d.]+) \| (.*) \|$", page, re.M)
    assert [float(alpha) for alpha, _ in rows] == [0.0, 0.5, 1.0, 2.0]
    printed = []
    for alpha, cells in ((float(alpha), cells.split(" | ")) for alpha, cells in rows):
        label, latent = infonce(DEFAULTS, 4, alpha, Caption("label")), infonce(DEFAULTS, 4, alpha)
        rules = [softmax(DEFAULTS, 4, alpha), np.asarray(least_squares_direction(DEFAULTS, 4, alpha)), label[:, 0]]
        rules += [latent[:, 0], latent @ np.array([1.0, 1.2])]
        assert cells == [f"{rule[1] / rule[0]:.3f}" for rule in rules]
        printed.append(cells[0])
    docstring = " ".join((ROOT / "theory" / "statements" / "softmax.py").read_text().split())
    assert f"w_spu / w_inv is {', '.join(printed[:3])} and {printed[3]} at alpha" in docstring


@pytest.mark.parametrize("prompt", ["label", "class-mean"])
@pytest.mark.parametrize("caption", [Caption(), Caption("latent", 0.9, 0.6), Caption("label-attribute", 0.8, 0.5)])
def test_critical_agreement_is_where_the_two_rules_are_one(prompt, caption):
    """Over models; with S8's formula for two classes in its place the rules differ."""
    quiet = dataclasses.replace(UNROUND, mu_spu=2.0, sigma_spu=0.6, mu_inv=1.3)

    def differ(squared):
        model = dataclasses.replace(quiet, spurious_ratio=(1.0 + squared**0.5) / 2.0)
        linear = contrastive_direction(model, PAIRS, 0.1, prompt, caption)
        return float(spurious_reliance(linear) / spurious_reliance(least_squares_direction(model, PAIRS, 0.1))) - 1.0

    found = float(critical_squared_agreement(quiet, PAIRS, 0.1, prompt, caption))
    if 0.0 < found < 1.0:
        assert abs(differ(found)) < 1e-9
        assert abs(differ(float(np.clip(critical_squared_agreement(quiet, 1, 0.1, prompt, caption), 0.01, 1)))) > 1e-3
    else:
        assert (differ(1e-4) < 0) == (found < 0) and (differ(1.0) < 0) == (found < 0)


@pytest.mark.slow
def test_it_may_cross_least_squares_and_never_softmax_regression():
    """Of several pairs of classes the supervised rules differ at a ratio of 1, where least squares leans more."""
    model = SpuriousModel(mu_inv=1.98, mu_spu=2.11, sigma_inv=0.46, sigma_spu=1.79, sigma_xi=2.16, spurious_ratio=1.0)
    linear = spurious_reliance(contrastive_direction(model, 4, 2.1, "class-mean"))
    assert linear < spurious_reliance(least_squares_direction(model, 4, 2.1)) - 0.02
    assert linear > spurious_reliance(jnp.asarray(softmax(model, 4, 2.1))) + 0.02
    assert 0 < critical_squared_agreement(model, 4, 2.1, "class-mean") < 1
    assert np.isnan(critical_ratio_against_softmax(model, 4, 2.1, "class-mean"))


@pytest.mark.slow
def test_the_program_finds_the_ratios_where_rules_are_one(call_program):
    options = ("--pairs", "2", "--mu-spu", "2", "--prompt", "class-mean")
    (row,) = json.loads(call_program("theory", "boundary", *options, "--json", "-").stdout)["boundaries"]
    assert row["leans_less"] == "above the critical ratio"
    assert row["critical_ratio"] < row["critical_ratio_against_softmax"]
    for name, rule in (("critical_ratio", least_squares_direction), ("critical_ratio_against_softmax", softmax)):
        model = SpuriousModel(mu_spu=2.0, spurious_ratio=row[name])
        supervised = spurious_reliance(jnp.asarray(rule(model, 2, 0.0)))
        linear = spurious_reliance(contrastive_direction(model, 2, 0.0, "class-mean"))
        assert float(supervised) == pytest.approx(float(linear), rel=1e-8)


def test_the_map_of_many_classes(call_program, monkeypatch):
    monkeypatch.setattr(class_report, "NODES", COUNT)
    done = call_program("theory", "map", "--pairs", "4", "--shared-size", "0.5", "--caption", "latent", "--json", "-")
    content = json.loads(done.stdout)
    rule = content["reference"]["direction"]
    np.testing.assert_allclose(rule, softmax(DEFAULTS, 4, 0.5), rtol=1e-6)
    expected = np.asarray(class_accuracies(DEFAULTS, jnp.asarray(rule), 4.0, 0.5))
    assert content["reference"]["accuracy"]["conflicting"] == pytest.approx(expected[1], rel=1e-6)
    assert {row["learner"] for row in content["map"]} == {"linearized", *DIRECTIONS}
    verdicts = {(row["learner"], row["prompt"]): row["verdict"] for row in content["map"]}
    assert verdicts["infonce_bilinear", "label"] == verdicts["linearized", "class-mean"] == "more robust"
    assert verdicts["infonce_bilinear", "class-mean"] == "less robust"
    shown = call_program("theory", "map", "--pairs", "4", "--shared-size", "0.5", "--caption", "latent")
    assert len(shown.stdout.splitlines()) <= 24 and "softmax regression's is" in " ".join(shown.stdout.split())


@pytest.mark.slow
def test_the_map_of_all_captions_is_one_screen_and_image_to_text_of_labels_is_softmax_regression(call_program):
    """Slow: it compiles the exact captions' function too."""
    shown = call_program("theory", "map", "--pairs", "4", "--shared-size", "0.5")
    assert len(shown.stdout.splitlines()) <= 24
    rows = re.findall(r"infonce_image_to_text +[\w-]+ +[^(]*\([^)]*\) +([a-z]+)", shown.stdout)
    assert rows == ["equal", "equal"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pairs", "3"], ["--pairs", "1 for a point", "3"]),
        (["map", "--pairs", "0"], ["--pairs", "at least 1", "0"]),
        (["map", "--pairs", "3", "--shared-size", "-1"], ["--shared-size", "at least 0", "-1"]),
        (["map", "--pairs", "3", "--prompt", "best"], ["--prompt", "many classes", "best"]),
        (["map", "--pairs", "3", "--learner", "siglip"], ["--learner", "many classes", "siglip"]),
        (["boundary", "--pairs", "3", "--class-prior", "0.4"], ["--class-prior", "many classes", "0.4"]),
        (["boundary", "--pairs", "3", "--mention-inv", "0"], ["--mention-inv", "above 0", "0"]),
    ],
)
def test_wrong_input_gets_one_line(refuses, arguments, words):
    refuses(main, *arguments, words=words)


def test_what_is_not_resolved_is_not_a_number():
    """Nearly separable classes: the score's quadrature does not reach."""
    assert not np.isfinite(softmax(dataclasses.replace(UNROUND, sigma_inv=0.01, sigma_xi=0.01), 3, 0.0)).any()
