"""The design's probabilities, and what the Bayes classifier makes of them."""

import numpy as np
import pytest

from sims.colored_digits.accuracy import GROUPS, bayes_accuracies, group_accuracies, posterior
from sims.colored_digits.design import Design
from tests import seeds
from workbench.errors import ParameterError

pytestmark = pytest.mark.simulation

DESIGNS = [Design(2, 0.75, 0.9), Design(3, 0.8, 0.85), Design(10, 0.9, 0.75)]


@pytest.mark.parametrize("design", DESIGNS)
def test_tables_are_distributions_with_the_stated_ratios(design):
    for table in (design.label_given_digit, design.training_colours, design.random_colours, design.reversed_colours):
        np.testing.assert_allclose(table.sum(axis=1), 1.0)
        assert (table >= 0).all()
    np.testing.assert_allclose(np.diag(design.label_given_digit), design.invariant_ratio)
    np.testing.assert_allclose(np.diag(design.training_colours)[:2], design.spurious_ratio)
    np.testing.assert_allclose(np.diag(design.reversed_colours)[:2], 0.1)
    assert design.reversed_colours[0, 1] == design.reversed_colours[1, 0] == 0.9
    np.testing.assert_allclose(design.training_colours[2:], 1 / design.classes)
    np.testing.assert_allclose(design.random_colours, 1 / design.classes)


@pytest.mark.parametrize(
    "wrong",
    [{"classes": 1}, {"classes": 11}, {"invariant_ratio": 0.4}, {"spurious_ratio": 1.01}],
)
def test_what_is_outside_its_domain_is_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Design(**wrong)


@pytest.mark.parametrize("design", DESIGNS)
def test_accuracies_are_those_of_sampled_labels_and_colours(design):
    """Against counting: draw tests one by one, for an arbitrary table of answers."""
    generator = seeds.generator(1)
    digits = generator.integers(design.classes, size=40)
    answers = generator.integers(design.classes, size=(1, 40, design.classes))
    exact = dict(zip(GROUPS, group_accuracies(answers, digits, design)[0], strict=True))
    size = 200_000
    images = generator.integers(40, size=size)
    labels = sampled(generator, design.label_given_digit[digits[images]])
    spurious = labels < 2
    for group, colours in (("rand", design.random_colours), ("rev", design.reversed_colours)):
        right = answers[0, images, sampled(generator, colours[labels])] == labels
        check(right[spurious], exact[group])
        if group == "rand" and design.classes > 2:
            check(right[~spurious], exact["rest"])
    for group, colour in (("aligned", labels), ("conflicting", 1 - labels)):
        check((answers[0, images, np.where(spurious, colour, 0)] == labels)[spurious], exact[group])


def sampled(generator, rows):
    return np.minimum((generator.random((len(rows), 1)) > rows.cumsum(axis=1)).sum(axis=1), rows.shape[1] - 1)


def check(right, exact):
    """Within 5 standard errors: about a dozen comparisons are made."""
    assert abs(right.mean() - exact) < 5 * right.std() / np.sqrt(len(right)) + 1e-12


def test_two_digits_by_hand():
    """0.9 against 0.75: colour decides where it is the better sign, and the digit where that is; equal is a tie."""
    follows_colour = bayes_accuracies(Design(2, 0.75, 0.9))
    follows_digit = bayes_accuracies(Design(2, 0.9, 0.75))
    for rule in ("by_digit", "by_colour"):
        np.testing.assert_allclose(follows_colour[rule][[0, 1, 3, 4]], [0.5, 0.1, 1.0, 0.0], atol=1e-12)
        np.testing.assert_allclose(follows_digit[rule][[0, 1, 3, 4]], 0.9)
    tie = bayes_accuracies(Design(2, 0.9, 0.9))
    np.testing.assert_allclose(tie["by_digit"][:2], 0.9)
    np.testing.assert_allclose(tie["by_colour"][:2], [0.5, 0.1])


@pytest.mark.parametrize("design", [*DESIGNS, Design(3, 0.9, 0.9), Design(5, 1.0, 1.0)])
def test_no_rule_is_more_often_right_in_training(design):
    """The posterior by its definition from a table of counts; each rule reaches its highest entries' sum."""
    joint = np.zeros((design.classes,) * 3)
    for digit in range(design.classes):
        for label in range(design.classes):
            for colour in range(design.classes):
                joint[digit, colour, label] = (
                    design.label_given_digit[digit, label] * design.training_colours[label, colour] / design.classes
                )
    total = joint.sum(axis=2)
    for digit, colour in np.argwhere(total > 0):
        np.testing.assert_allclose(posterior(design)[digit, colour], joint[digit, colour] / total[digit, colour])
    best = joint.max(axis=2).sum()
    assert best >= design.invariant_ratio - 1e-12  # that of reading the digit alone
    assert best == pytest.approx(np.take_along_axis(joint, joint.argmax(axis=2)[..., None], axis=2).sum())
