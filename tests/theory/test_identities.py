"""The pages of docs/theory: their order, and every numbered identity on them, checked by SymPy."""

import functools
import itertools
import re

import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.theory.identities import PLACES, PageError, entries, equal_at, identities_of
from theory import Caption, SpuriousModel, least_squares_direction, spurious_reliance, zero_shot_direction
from theory.statements import accuracy_on_the_line, boundary, dynamics, many_classes, population, prompts, softmax

PAGES = sorted(path for path in (ROOT / "docs" / "theory").glob("*.md") if path.name != "README.md")
PARTS = [
    "Question",
    "Statement",
    "What it means for somebody who trains a CLIP",
    "Derivation",
    "What it does not say",
    "How it is tested",
]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@functools.cache
def found_on(page):
    """The identities of a page of `PAGES`."""
    return identities_of(page.read_text())


def sections(text):
    """Heading and text of each statement on a page; what follows under a smaller heading belongs to it."""
    parts = re.split(r"^# (.*)\n", text, flags=re.M)
    return list(zip(parts[1::2], parts[2::2], strict=True))


@every_page
def test_a_page_has_the_same_parts_in_the_same_order(page):
    for heading, text in sections(page.read_text()):
        assert re.match(r"S\d+(, S\d+)*\. \S", heading), heading
        leads = re.findall(rf"^\*\*({'|'.join(PARTS)})\b", text, re.M)
        assert leads == PARTS, f"{heading}: {leads}"
        question = re.search(r"\*\*Question\.\*\*(.*?)\n\n", text, re.S).group(1)
        assert question.count("?") == 1 and question.endswith("?"), f"{heading}: the question is one sentence"
        derivation = text[text.index("**Derivation") : text.index("**What it does not say")]
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", derivation, re.M)]
        assert steps == list(range(1, len(steps) + 1)) and steps, f"{heading}: steps {steps}"


@every_page
def test_identities_are_numbered_under_their_statements(page):
    text = page.read_text()
    labels = [label for heading, _ in sections(text) for label in re.findall(r"S\d+", heading.partition(".")[0])]
    found = found_on(page)
    assert {identity.label for identity in found} == set(labels), "every statement of a page has identities"
    for label in labels:
        numbers = [identity.number for identity in found if identity.label == label]
        assert numbers == list(range(1, len(numbers) + 1)), f"{label}: {numbers}"


def test_pages_name_only_identities_that_there_are():
    tags = {f"{identity.label}.{identity.number}" for found in map(found_on, PAGES) for identity in found}
    assert len(tags) >= 120
    for page in PAGES:
        assert set(re.findall(r"\((S\d+\.\d+)\)", page.read_text())) <= tags, page.stem


@every_page
def test_identities_are_true(page):
    for identity in found_on(page):
        identity.check()


def sign_changed(text):
    """The text with its last plus or minus turned into the other; else without a minus; else with one on the right."""
    if places := [found.start() for found in re.finditer(r"(?<=[^=\s] )[+-](?= )", text)]:
        place = places[-1]
        return text[:place] + ("-" if text[place] == "+" else "+") + text[place + 1 :]
    without = re.sub(r"-(?=\w)", "", text, count=1)
    return without if without != text else text.replace("= ", "= -", 1)


@every_page
def test_no_identity_survives_a_changed_sign(page):
    """In every one of them; at one random place that is enough."""
    for identity in found_on(page):
        changed = identity.sides_of(sign_changed(identity.text))
        same = [equal_at(PLACES[:1], left, right) for left, right in itertools.pairwise(changed)]
        assert not all(same), f"({identity.label}.{identity.number}) says nothing: {sign_changed(identity.text)}"


@pytest.mark.parametrize(
    ("page", "right", "wrong"),
    [
        ("population", "E[z_inv z_spu | y = -1] / 2 - m^2", "E[z_inv z_spu | y = -1] / 2 + m^2"),
        ("boundary", "let A = mu_inv^2 + mu_spu^2", "let A = mu_inv^2 - mu_spu^2"),
        ("dynamics", "(S16.1) d/dt(g) = 2 g (c - rho g)", "(S16.1) d/dt(g) = 2 g (c + rho g)"),
        ("infonce", "= e^(b n_k + b^2 W / 2)", "= e^(b n_k - b^2 W / 2)"),
    ],
)
def test_a_page_with_a_sign_changed_fails(tmp_path, page, right, wrong):
    """On a copy: in a definition, in an identity, and in one with an integral; the page as it is does not fail."""
    text = (ROOT / "docs" / "theory" / f"{page}.md").read_text()
    assert text.count(right) == 1
    copy = tmp_path / f"{page}.md"
    copy.write_text(text.replace(right, wrong))
    with pytest.raises(PageError, match="not true"):
        for identity in identities_of(copy.read_text()):
            identity.check()


def test_the_readmes_example_is_one():
    readme = (ROOT / "docs" / "theory" / "README.md").read_text()
    example = re.search(r"^    let V_spu.*?\n\n", readme, re.M | re.S).group()
    first, second = identities_of(f"# S2. A\n\n```identity\n{example}```\n")
    assert (first.number, second.number) == (1, 2) and len(second.sides) == 3
    first.check()
    second.check()


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("(S1.1) rho q = q rho", "q is not declared"),
        ("(S1.1) rho / 2 n = rho n / 2", "put brackets"),
        ("(S1.1) rho^-1 = 1 / rho", "put brackets"),
        ("(S1.1) rho + n", "no equals sign"),
        ("(S1.1) rho + = n", "unexpected ="),
        ("(S1.1) (rho, n) = rho", "a matrix cannot be equal to a number"),
        ("rho = rho", "neither"),
        ("let rho = 2", "rho is declared already"),
        ("(S1.1) rho & n = n", "cannot read"),
        ("(S1.1) E[y | y = 2] = 2", "expected 1, found 2"),
        ("(S1.1) E[sqrt(1 + u_inv)] = 1", "no polynomial"),
    ],
)
def test_what_cannot_be_read_is_refused(block, words):
    with pytest.raises(PageError, match=re.escape(words)):
        for identity in identities_of(f"# S1. A\n\n```identity\n{block}\n```\n"):
            identity.check()


MODEL = SpuriousModel(0.83, 1.1, 1.7, 0.9, 0.6, 1.3, 7, 5, class_prior=0.5)
LABEL, CLASS_MEAN = "label", "class-mean"
CRITIC = jnp.array([[0.9, 0.2], [-0.3, 0.7]])
UNEVEN = MODEL.replace(class_prior=0.35)


# What a page calls a quantity: the statement, its name, the function that computes it, and the page's other symbols.
IN_THE_CODE = [
    ("S2", "inv_inv", lambda: population.latent_covariance(UNEVEN)[0, 0], {"m": -0.3}),
    ("S2", "spu_spu", lambda: population.latent_covariance(UNEVEN)[1, 1], {"m": -0.3}),
    ("S2", "inv_spu", lambda: population.latent_covariance(UNEVEN)[0, 1], {"m": -0.3}),
    ("S3", "Lambda", lambda: population.latent_covariance(MODEL), {}),
    ("S7", "w", lambda: zero_shot_direction(MODEL, LABEL), {}),
    ("S7", "m", lambda: zero_shot_direction(MODEL, CLASS_MEAN), {}),
    ("S8", "t_squares", lambda: spurious_reliance(least_squares_direction(MODEL)), {}),
    ("S8", "t_label", lambda: boundary.linearised_reliance(MODEL, LABEL), {}),
    ("S8", "t_mean", lambda: boundary.linearised_reliance(MODEL, CLASS_MEAN), {}),
    ("S16", "g", lambda: dynamics.singular_growth(jnp.array([1.4]), jnp.array([0.1]), 0.9, 1.2)[0],
     {"c": 1.4, "g_0": 0.1, "t": 0.9, "rho": 1.2}),
    ("S17", "best", lambda: prompts.best_share(MODEL, CRITIC),
     {"B_21": -0.3, "B_22": 0.7, "c_inv": 1.1, "c_spu": 0.66 * 1.7}),
    ("S18", "P", lambda: many_classes.pair_covariance(MODEL, 3, 0.4), {"m": 3, "alpha": 0.4}),
    ("S18", "N_spu", lambda: many_classes.within_class_variance(MODEL, 3, 0.4)[1], {"m": 3, "alpha": 0.4}),
    ("S19", "z_C", lambda: accuracy_on_the_line.probits(MODEL, 0.4, 0.2)[1], {"t": 0.4, "noise": 0.2}),
    ("S23", "r_c2", lambda: softmax.critical_squared_agreement(MODEL, 3, 0.4, CLASS_MEAN, Caption("latent", 0.8, 0.6)),
     {"m": 3, "g": 0.75**2, "N": 0.9**2 + 2 / 3 * 0.4**2}),
    ("S23", "r_c2'", lambda: softmax.critical_squared_agreement(MODEL, 3, 0.4, CLASS_MEAN, Caption("label-attribute")),
     {"m": 3, "g": 1, "N": 0.9**2 + 2 / 3 * 0.4**2}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "name", "function", "symbols"), IN_THE_CODE, ids=[f"{x[0]}-{x[1]}" for x in IN_THE_CODE]
)
def test_a_page_and_the_code_mean_the_same(label, name, function, symbols):
    names = next(one for found in map(found_on, PAGES) for one in reversed(found) if one.label == label).names
    parameters = ("mu_inv", "mu_spu", "sigma_inv", "sigma_spu", "sigma_xi")
    values = {parameter: getattr(MODEL, parameter) for parameter in parameters}
    values |= {"r": MODEL.agreement, "tau": MODEL.sigma_xi / 7**0.5, "nu": MODEL.sigma_xi / 5**0.5} | symbols
    (on_page, in_code) = names[name], np.asarray(function())
    on_page = [one.subs({s: values[s.name] for s in one.free_symbols}) for one, _ in entries(on_page, on_page)]
    np.testing.assert_allclose(np.array(on_page, float), in_code.reshape(-1), rtol=1e-12)
