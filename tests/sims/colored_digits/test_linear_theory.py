"""The features' measured strengths are the pictures', and predictions are the closed forms' at these."""

import numpy as np
import pytest

from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.design import Design
from sims.colored_digits.digits import Split, read_digits
from sims.colored_digits.linear_theory import index, measured_model, predict_learners
from sims.colored_digits.painting import palette


def test_strengths_of_pictures_that_show_them_plainly():
    """Digits of one pixel each, opposite pixels for the two: the strengths follow by hand.

    Ink covers one of two pixels whatever the digit, so that both colours differ by the same in every picture: the
    colour's feature has no deviation. The digit's, along the difference of the two inked pixels, is +-m exactly, and
    labels are wrong in a fifth of the pictures: mean 0.6 m, variance m^2 - 0.36 m^2.
    """
    images = np.zeros((20, 1, 2), np.float32)
    labels = np.arange(20, dtype=np.int32) % 2
    images[np.arange(20), 0, labels] = 1.0
    model = measured_model(Split(images, labels), DigitsConfig(Design(2, 0.8, 0.9)))
    assert float(model.mu_inv) / float(model.sigma_inv) == pytest.approx(0.6 / 0.8, rel=0.05)
    colours = 2 * palette(2) - 1
    # Averaged over the two digits, each of both pixels shows half of the colours' difference.
    assert float(model.mu_spu) == pytest.approx(np.linalg.norm(np.tile((colours[1] - colours[0]) / 4, 2)), rel=1e-5)
    assert float(model.spurious_ratio) == 0.9


def test_more_wrong_labels_weaken_the_digit_and_not_the_colour():
    digits = read_digits(2).train
    clean, noisy = (measured_model(digits, DigitsConfig(Design(2, ratio, 0.9))) for ratio in (1.0, 0.75))
    # By 2 * 0.75 - 1, but for the two digits' numbers, which differ by two hundredths.
    assert float(noisy.mu_inv) == pytest.approx(float(clean.mu_inv) / 2, rel=1e-3)
    assert float(noisy.mu_spu) == pytest.approx(float(clean.mu_spu), rel=0.01)


def test_predictions_are_of_each_learners_counterpart():
    learners = ("perfect_language", "infonce", "cross_entropy")
    config = DigitsConfig(Design(2, 0.75, 0.9), learners)
    found = predict_learners(measured_model(read_digits(2).train, config), config)
    # Equation 10's label head is a supervised learner.
    assert found["perfect_language"] == found["cross_entropy"]
    assert found["cross_entropy"]["index"] > 1 > abs(found["infonce"]["index"])
    without = DigitsConfig(Design(2, 0.75, 0.9), ("infonce",), mention_spu=0.0)
    assert predict_learners(measured_model(read_digits(2).train, without), without)["infonce"]["index"] > 1


def test_the_index_is_none_where_there_is_none():
    assert index(0.9, 0.9) == pytest.approx(0.0, abs=1e-12)
    assert index(0.9, 0.5) == pytest.approx(1.0)
    assert index(0.6, 0.3) is None and index(1.0, 0.5) is None
