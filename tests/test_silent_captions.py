"""What the pages print of captions that leave the background out is what the closed forms and the runs give."""

import re

import jax
import numpy as np
import pandas as pd
import pytest

from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.digits import read_digits
from sims.colored_digits.linear_theory import measured_model, predict_learners
from tests.conftest import ROOT
from tests.documentation import EVALUATE, FINDINGS, README, THEORY, USE, words_of
from theory import Caption, SpuriousModel, predict

RESULTS = ROOT / "docs" / "results"
FOUND, EVERYWHERE = words_of(FINDINGS), words_of(README, FINDINGS, USE, EVALUATE, THEORY)
PAGE, DIGITS = (
    words_of(path.read_text()) for path in (ROOT / "docs" / "theory" / "infonce.md", RESULTS / "colored_digits.md")
)
SHARES = (1.0, 0.9, 0.5, 0.1)
LOSSES = ("linearized", "infonce_bilinear", "siglip")


@pytest.fixture(scope="module")
def closed():
    """(learner, caption, share of captions that name the background, prompt) to a prediction; at the defaults."""
    rows = {}
    for kind in ("label-attribute", "latent"):
        for share in SHARES:
            for row in predict(SpuriousModel(), captions=(Caption(kind, 1.0, share),), learners=LOSSES):
                rows[row.learner, kind, share, row.prompt] = row
    (row,) = predict(SpuriousModel(), prompts=("label",), captions=(Caption("label"),), learners=("infonce_bilinear",))
    rows[row.learner, "label", 1.0, row.prompt] = row
    for row in predict(SpuriousModel(), learners=("least_squares", "logistic", "bayes")):
        rows[row.learner] = row
    return rows


def reliance(row):
    return f"{row.direction[1] / row.direction[0]:.2f}"


def percent(row, group="conflicting"):
    return f"{100 * row.accuracy[group]:.1f}"


def cell(row):
    return f"{percent(row)} ({reliance(row)})"


@pytest.mark.slow
def test_the_table_is_the_closed_forms(closed):
    table = re.findall(
        r"\| (label-attribute|latent) \| (label|class-mean) \| `(\w+)` \| ([^|]*\([^|]*\|[^|]*\|[^|]*\|[^|]*) \|", PAGE
    )
    assert len(table) == 2 * 2 * len(LOSSES)
    for kind, prompt, learner, cells in table:
        assert cells.split(" | ") == [cell(closed[learner, kind, share, prompt]) for share in SHARES]
    always = {kind: closed["infonce_bilinear", kind, 1.0, "label"] for kind in ("latent", "label-attribute")}
    price = " and ".join(f"{percent(row, 'in_distribution')}%" for row in always.values())
    assert (
        f"InfoNCE is right on {price}, logistic regression on {percent(closed['logistic'], 'in_distribution')}%" in PAGE
    )
    others = f"logistic regression has {cell(closed['logistic'])}, least squares {cell(closed['least_squares'])}"
    assert f"{others}, the Bayes classifier {percent(closed['bayes'])}" in PAGE


def sentences_of_inner_products(closed, kind="label-attribute"):
    """What the findings say of InfoNCE on inner products at the label prompt, with these captions."""
    of = {share: closed["infonce_bilinear", kind, share, "label"] for share in SHARES}
    logistic = closed["logistic"]
    price = f"{percent(of[1.0], 'in_distribution')}% instead of {percent(logistic, 'in_distribution')}%"
    return (
        f"*against* the background ({percent(of[1.0])}%, at the price of {price}",
        f"If half of them do, it leans on it ({percent(of[0.5])}%)",
        f"if a tenth do, more than logistic regression ({percent(of[0.1])}%)",
        f"{reliance(of[1.0])} if all name the background, {reliance(of[0.9])} if 90% do, "
        f"{reliance(of[0.5])} if half do and {reliance(of[0.1])} if a tenth do. "
        f"Logistic regression has {reliance(logistic)}",
    )


@pytest.mark.slow
def test_the_findings_say_of_inner_products_what_theory_says(closed):
    """And the same sentences with the numbers of `latent` captions, or the old one, are not there."""
    assert all(sentence in FOUND for sentence in sentences_of_inner_products(closed))
    assert not any(sentence in EVERYWHERE for sentence in sentences_of_inner_products(closed, "latent"))
    assert "and the prompt does not, it does not lean on it" not in EVERYWHERE
    label = closed["infonce_bilinear", "label", 1.0, "label"]
    assert f"(right on {percent(label)}% against {percent(closed['logistic'])}% of the conflicting images)" in FOUND
    shared = [reliance(closed["infonce_bilinear", "latent", share, "label"]) for share in SHARES]
    assert f"stays small: {', '.join(shared[:3])} and {shared[3]}." in FOUND
    always, logistic = closed["infonce_bilinear", "label-attribute", 1.0, "label"], closed["logistic"]
    readme = words_of(README)
    assert (
        f"right on {percent(label)}% of the conflicting images, logistic regression on {percent(logistic)}%" in readme
    )
    assert f"also names the background, InfoNCE is right on {percent(always)}%" in readme
    of = [percent(row, "in_distribution") for row in (always, logistic)]
    assert f"images as in training: {of[0]}%, against {of[1]}%" in readme


def test_signs_and_orders_that_the_sentences_claim(closed):
    """Leaning against, on, and more than logistic regression, whatever the rounding."""
    logistic = closed["logistic"].accuracy
    for learner in ("infonce_bilinear", "siglip"):
        of = {share: closed[learner, "label-attribute", share, "label"] for share in SHARES}
        assert of[1.0].direction[1] < 0 < of[0.5].direction[1]
        assert of[1.0].accuracy["in_distribution"] < logistic["in_distribution"] - 0.1
        assert of[0.5].accuracy["conflicting"] > logistic["conflicting"] > of[0.1].accuracy["conflicting"]
        assert all(
            closed[learner, "latent", share, "label"].accuracy["conflicting"] > logistic["conflicting"]
            for share in SHARES
        )


def test_what_unit_length_learns_is_the_runs_table():
    runs = pd.read_csv(RESULTS / "mention.csv")
    table = re.findall(
        r"\| (label-attribute|latent) \| (label|class-mean) \| `(\w+)` \| ([^|]*±[^|]*\|[^|]*\|[^|]*) \|", PAGE
    )
    assert len(table) == 2 * 2 * 2

    def of(learner, kind, share, prompt="label"):
        chosen = (runs.objective == learner) & (runs.caption == kind) & (runs.mention_spu == share)
        return 100 * runs[chosen][f"conflicting ({prompt})"]

    for kind, prompt, learner, cells in table:
        values = [of(learner, kind, share, prompt) for share in (1.0, 0.5, 0.1)]
        assert cells.split(" | ") == [f"{value.mean():.1f} ± {value.std():.1f}" for value in values]
    ours = of("infonce", "label-attribute", 1.0)
    assert f"eight runs end between {ours.min():.0f}% and {ours.max():.0f}%" in FOUND and len(ours) == 8
    half = of("infonce", "label-attribute", 0.5)
    assert f"already if half of the captions name it ({half.mean():.1f}%)" in FOUND


def test_runs_on_inner_products_agree_with_theory(closed):
    """Within three points: the runs end at a finite batch, and are tested on finitely many images."""
    runs = pd.read_csv(RESULTS / "mention.csv").query("objective == 'infonce_bilinear'")
    for (kind, share), rows in runs.groupby(["caption", "mention_spu"]):
        for prompt in ("label", "class-mean"):
            expected = 100 * closed["infonce_bilinear", kind, share, prompt].accuracy["conflicting"]
            assert 100 * rows[f"conflicting ({prompt})"].mean() == pytest.approx(expected, abs=3.0)


def test_the_digits_page_names_the_statement_that_it_follows(closed):
    half = closed["infonce_bilinear", "label-attribute", 0.5, "label"]
    assert f"S14's InfoNCE is right on {percent(half)}% of the conflicting images, " in DIGITS
    assert f"logistic regression on {percent(closed['logistic'])}%, and S13's optimum" in DIGITS
    assert f"the Bayes classifier, on {percent(closed['bayes'])}%" in DIGITS
    expected, measured, errors = [], [], []
    runs = pd.read_csv(RESULTS / "colored_digits_captions.csv")
    runs = runs[(runs.text_encoder == "linear") & (runs.mention_spu == 0.5)].set_index(["p_inv", "p_spu", "objective"])
    for ratio in (0.9, 0.75):
        config = DigitsConfig(Design(2, ratio, ratio), mention_spu=0.5, objective=("infonce", "cross_entropy"))
        with jax.enable_x64(True):
            found = predict_learners(measured_model(read_digits(2).train, config), config)
        expected.append(found["infonce"]["conflicting"] - found["cross_entropy"]["conflicting"])
        rows = [runs.loc[(ratio, ratio, name)] for name in ("infonce", "cross_entropy")]
        measured.append(rows[0].conflicting_mean - rows[1].conflicting_mean)
        errors.append(np.hypot(*(row.conflicting_std for row in rows)) / np.sqrt(10))
    assert "expects InfoNCE {:.0f} and {:.0f} points above supervised training".format(*expected) in DIGITS
    assert "measured are {:.0f} and {:.0f}, each ± 3".format(*measured) in DIGITS
    assert [round(error) for error in errors] == [3, 3]
