"""Training sets have the design's frequencies, and pictures and captions show what they say."""

import jax
import numpy as np
import pytest

from sims.colored_digits import painting
from sims.colored_digits.design import Design
from sims.colored_digits.painting import COLOURS, palette
from tests import seeds

pytestmark = pytest.mark.simulation

SIZE = 60_000
# Each as one program: operation by operation they would be compiled for longer.
captions = jax.jit(painting.captions, static_argnums=3)
draw_sample = jax.jit(painting.draw_sample, static_argnums=(1, 3, 4))
paint = jax.jit(painting.paint)
prompts = jax.jit(painting.prompts, static_argnums=0)
shift = jax.jit(painting.shift, static_argnums=2)


def test_frequencies_are_the_designs():
    design = Design(3, 0.8, 0.85)
    digits = np.arange(90) % 3
    sample = draw_sample(seeds.key(0), design, digits, SIZE, (0.7, 0.4))
    shown = digits[sample.digits]
    # Each picture equally often, to the one that a remainder leaves.
    assert np.ptp(np.bincount(sample.digits, minlength=90)) <= 1
    check_table(shown, np.asarray(sample.labels), design.label_given_digit)
    check_table(np.asarray(sample.labels), np.asarray(sample.colours), design.training_colours)
    share = np.asarray(sample.mentions).mean(axis=0)
    np.testing.assert_allclose(share, [0.7, 0.4], atol=5 * 0.5 / np.sqrt(SIZE))
    # The colour follows the label: the wrong way round, after the digit, is told apart at this size.
    with pytest.raises(AssertionError):
        check_table(shown, np.asarray(sample.colours), design.training_colours)


def check_table(rows, columns, table):
    """Every conditional frequency within 5 standard errors; nine comparisons."""
    for row, expected in enumerate(table):
        chosen = columns[rows == row]
        found = np.bincount(chosen, minlength=len(expected)) / len(chosen)
        assert (np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / len(chosen)) + 1e-9).all()


def test_paper_is_the_colour_and_ink_is_white():
    digit = np.zeros((1, 2, 2))
    digit[0, 0, 1], digit[0, 1, 0] = 1.0, 0.5
    picture = (np.asarray(paint(digit, palette(1))).reshape(2, 2, 3) + 1) / 2
    red = np.array(COLOURS[0].rgb) / 255
    np.testing.assert_allclose(picture[0, 0], red, atol=1e-6)
    np.testing.assert_allclose(picture[0, 1], 1.0, atol=1e-6)
    np.testing.assert_allclose(picture[1, 0], (1 + red) / 2, atol=1e-6)


def test_colours_are_told_apart():
    colours = palette(len(COLOURS))
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    assert distances[~np.eye(len(COLOURS), dtype=bool)].min() > 0.2
    assert colours.mean(axis=1).max() < 0.6  # white ink stands out


def test_shifted_digits_are_moved_digits():
    digit = np.zeros((500, 5, 5))
    digit[:, 2, 2] = 1.0
    moved = np.asarray(shift(seeds.key(0), digit, 1))
    places = {tuple(map(int, np.argwhere(picture)[0])) for picture in moved}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert (moved.sum(axis=(1, 2)) == 1).all()
    np.testing.assert_array_equal(shift(seeds.key(0), digit, 0), digit)


def test_captions_name_what_they_mention():
    said = captions(np.array([1, 0]), np.array([0, 2]), np.array([[1.0, 1.0], [1.0, 0.0]]), 3)
    np.testing.assert_array_equal(said, [[0, 1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(prompts(3), np.hstack([np.eye(3), np.zeros((3, 3)), np.ones((3, 1))]))
