"""Simulations of statements give what the closed forms say; their figures show nothing else."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student_t

from sims.theorems import group_accuracy, linearized
from sims.theorems.evidence import from_counts, from_draws
from tests.seeds import seed
from tests.theorems.monte_carlo import CRITICAL
from theory import group_accuracies, latent_covariance

pytestmark = pytest.mark.simulation


def test_simulated_covariance_is_the_populations():
    evidence = linearized.simulate_population(seed(0))
    for entry, place in linearized.ENTRIES.items():
        points = evidence[entry]["sample"]
        models = [dataclasses.replace(linearized.POPULATION_MODEL, spurious_ratio=float(ratio)) for ratio in points.x]
        exact = np.array([latent_covariance(model)[place] for model in models])
        # The error is estimated from 40 draws: Student's t at the level of CRITICAL.
        critical = student_t.isf(norm.sf(CRITICAL), linearized.POPULATION_DRAWS - 1)
        assert np.all(np.abs(points.mean - exact) < critical * points.standard_error), entry


def test_simulated_accuracies_are_the_closed_forms():
    evidence = group_accuracy.simulate_group_accuracy(seed(0))
    for dim in group_accuracy.IMAGE_DIMS:
        model = dataclasses.replace(group_accuracy.MODEL, image_dim=dim)
        exact = np.array([group_accuracies(model, jnp.array([1.0, t])) for t in group_accuracy.RELIANCES])
        for index, (group, points) in enumerate(evidence[f"{dim} dimensions"].items()):
            assert group == tuple(group_accuracy.GROUP_RATIOS)[index]
            assert np.all(np.abs(points.mean - exact[:, index]) < CRITICAL * points.standard_error), (dim, group)


def test_standard_errors_by_hand():
    points = from_draws([0.0, 1.0], np.array([[1.0, 4.0], [3.0, 4.0]]))
    np.testing.assert_allclose((points.mean, points.standard_error), ([2.0, 4.0], [1.0, 0.0]))
    # Of 8 trials none, half and all, with one more success and one more failure: 1, 5 and 9 of 10.
    points = from_counts([0.0, 1.0, 2.0], np.array([0, 4, 8]), 8)
    np.testing.assert_allclose(points.mean, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(points.standard_error, np.sqrt(np.array([0.09, 0.25, 0.09]) / 8))
