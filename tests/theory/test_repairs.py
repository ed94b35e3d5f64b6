"""The repairs on arrays, against plain NumPy written from the papers' formulas, on random embeddings."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from theory import repairs

WIDTH, CLASSES, BACKGROUNDS, IMAGES = 24, 5, 3, 40
# The bound; sums of a few hundred products in double precision are off by far less.
CLOSE = 1e-6


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def drawn():
    generator = np.random.default_rng(30)
    return {
        "images": unit(generator.normal(size=(IMAGES, WIDTH)) + 0.4),
        "prompts": unit(generator.normal(size=(CLASSES, WIDTH)) + 0.3),
        "backgrounds": unit(generator.normal(size=(BACKGROUNDS, WIDTH)) + 0.3),
        "pairs": unit(generator.normal(size=(CLASSES, BACKGROUNDS, WIDTH)) + 0.5),
        "captions": generator.normal(size=(60, WIDTH)) @ generator.normal(size=(WIDTH, WIDTH)),
    }


def off_the_span(rows):
    """I - V (V^T V)^(-1) V^T, V having the rows as columns."""
    columns = rows.T
    return np.eye(columns.shape[0]) - columns @ np.linalg.inv(columns.T @ columns) @ columns.T


def test_projection_is_chuangs(drawn):
    expected = np.stack([off_the_span(drawn["backgrounds"]) @ prompt for prompt in drawn["prompts"]])
    found = repairs.project(jnp.asarray(drawn["prompts"]), jnp.asarray(drawn["backgrounds"]))
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    np.testing.assert_allclose(found @ drawn["backgrounds"].T, 0, atol=CLOSE)


def test_a_background_said_twice_changes_nothing(drawn):
    twice = np.concatenate([drawn["backgrounds"], 2.0 * drawn["backgrounds"][:2]])
    prompts = jnp.asarray(drawn["prompts"])
    once = repairs.project(prompts, jnp.asarray(drawn["backgrounds"]))
    np.testing.assert_allclose(repairs.project(prompts, jnp.asarray(twice)), once, atol=CLOSE)


@pytest.mark.parametrize("strength", [0.0, 0.7, 1000.0])
def test_calibration_is_chuangs(drawn, strength):
    total, count = np.zeros((WIDTH, WIDTH)), 0
    for of_class in drawn["pairs"]:
        for first, second in itertools.combinations(of_class, 2):
            total += np.outer(first - second, first - second)
            count += 1
    matrix = off_the_span(drawn["backgrounds"]) @ np.linalg.inv(np.eye(WIDTH) + strength * total / count)
    arrays = [jnp.asarray(drawn[name]) for name in ("prompts", "backgrounds", "pairs")]
    found = repairs.calibrate(*arrays, strength)
    np.testing.assert_allclose(found, drawn["prompts"] @ matrix.T, atol=CLOSE)
    # Half of the matrix, a plausible slip, is another answer.
    assert strength == 0 or np.abs(repairs.calibrate(*arrays, strength / 2) - found).max() > 100 * CLOSE


def one_by_one(image, rejected, accepted):
    """RoboShot as its authors run it: a direction at a time, of a QR decomposition, with a division after each."""
    image = image / np.linalg.norm(image)
    for sign, rows in ((-1.0, rejected), (1.0, accepted)):
        for direction in np.linalg.qr(rows.T)[0].T:
            image = image + sign * (image @ direction) * direction
            image = image / np.linalg.norm(image)
    return image


@pytest.mark.parametrize("accepts", [False, True])
def test_rejection_is_roboshots(drawn, accepts):
    harmful, helpful = drawn["backgrounds"][1:] - drawn["backgrounds"][:1], drawn["prompts"][1:3] - drawn["prompts"][:1]
    expected = np.stack([one_by_one(image, harmful, helpful if accepts else helpful[:0]) for image in drawn["images"]])
    found = repairs.reject(
        jnp.asarray(drawn["images"]), jnp.asarray(harmful), jnp.asarray(helpful) if accepts else None
    )
    np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_translation_is_ties(drawn):
    images, backgrounds = drawn["images"], drawn["backgrounds"]
    shown = [int(np.argmax([background @ image for background in backgrounds])) for image in images]
    assert len(set(shown)) > 1
    expected = images.copy()
    for place, background in enumerate(backgrounds):
        members = [index for index, value in enumerate(shown) if value == place]
        if members:
            shift = -np.mean([images[index] @ background for index in members])
            for index in members:
                expected[index] = images[index] + shift * background
    both = jnp.asarray(images), jnp.asarray(backgrounds)
    shifts = repairs.shifts_of(*both)
    np.testing.assert_allclose(repairs.translate(*both, shifts), expected, atol=CLOSE)
    # As the authors' programs: means over a training split's images, subtracted from others, then cosine similarities.
    others, translated = images[:25], images[25:].copy()
    seen = np.argmax(others @ backgrounds.T, axis=1)
    for index, image in enumerate(images[25:]):
        place = int(np.argmax(backgrounds @ image))
        if (seen == place).any():
            translated[index] -= np.mean(others[seen == place] @ backgrounds[place]) * backgrounds[place]
    found = repairs.translate(jnp.asarray(images[25:]), both[1], repairs.shifts_of(jnp.asarray(others), both[1]))
    np.testing.assert_allclose(found, translated, atol=CLOSE)
    answers = np.argmax(unit(translated) @ drawn["prompts"].T, axis=1)
    np.testing.assert_array_equal(np.argmax(np.asarray(found) @ drawn["prompts"].T, axis=1), answers)
    # Prompts of another length say the same.
    longer = both[0], 3.0 * both[1]
    np.testing.assert_allclose(repairs.translate(*longer, repairs.shifts_of(*longer)), expected, atol=CLOSE)


def test_a_background_that_no_image_shows_has_no_shift(drawn):
    images = jnp.asarray(drawn["images"][:1])
    shifts = repairs.shifts_of(images, jnp.concatenate([images, -images]))
    np.testing.assert_allclose(shifts, [-1.0, 0.0], atol=CLOSE)


def test_perception_is_perceptionclips(drawn):
    scale, expected = 7.0, np.zeros((IMAGES, CLASSES))
    for index, image in enumerate(drawn["images"]):
        weights = np.exp(scale * drawn["pairs"] @ image)
        of_background = weights.sum(axis=0) / weights.sum()
        for background in range(BACKGROUNDS):
            expected[index] += weights[:, background] / weights[:, background].sum() * of_background[background]
    found = repairs.perceive(jnp.asarray(drawn["images"]), jnp.asarray(drawn["pairs"]), scale)
    np.testing.assert_allclose(np.exp(found), expected, atol=CLOSE)


def test_whitening_with_power_one_solves_and_half_twice_is_one(drawn):
    covariance = ledoit_wolf(drawn["captions"])[0]
    prompts, covariances = jnp.asarray(drawn["prompts"]), jnp.asarray(covariance)
    expected = np.linalg.solve(covariance, drawn["prompts"].T).T
    np.testing.assert_allclose(repairs.whiten(prompts, covariances, 1.0), expected, atol=CLOSE)
    halves = repairs.whiten(repairs.whiten(prompts, covariances), covariances)
    np.testing.assert_allclose(halves, expected, atol=CLOSE)


def test_subtraction_and_mixture(drawn):
    prompts, others = jnp.asarray(drawn["prompts"]), jnp.asarray(drawn["pairs"][:, 0])
    np.testing.assert_allclose(repairs.subtract(prompts, others, 0.3), drawn["prompts"] - 0.3 * drawn["pairs"][:, 0])
    np.testing.assert_allclose(repairs.mix(prompts, others, 0.0), drawn["prompts"])
    np.testing.assert_allclose(repairs.mix(prompts, others, 1.0), drawn["pairs"][:, 0])


def test_repairs_are_compiled_and_run_in_single_precision(drawn):
    arrays = {name: jnp.asarray(value, jnp.float32) for name, value in drawn.items()}

    @jax.jit
    def every(images, prompts, backgrounds, pairs):
        repaired = repairs.project(prompts, backgrounds), repairs.calibrate(prompts, backgrounds, pairs, 2.0)
        shifted = repairs.translate(images, backgrounds, repairs.shifts_of(images, backgrounds))
        return *repaired, repairs.reject(images, backgrounds), shifted, repairs.perceive(images, pairs, 3.0)

    names = ("images", "prompts", "backgrounds", "pairs")
    single = every(*(arrays[name] for name in names))
    double = every(*(jnp.asarray(drawn[name]) for name in names))
    for ours, exact in zip(single, double, strict=True):
        assert ours.dtype == jnp.float32
        np.testing.assert_allclose(ours, exact, atol=1e-4)  # some hundred roundings of 6e-8
