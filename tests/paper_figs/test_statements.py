"""Figures of statements show the closed forms as lines, by their names."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from paper_figs.saved_result import SHIPPED
from paper_figs.statements.boundary import draw_boundary, gain
from paper_figs.statements.curves import Curves, load_curves
from paper_figs.statements.linearized import draw_population, population_curves
from sims.theorems import boundary, linearized
from sims.theorems.evidence import Points
from tests.seeds import seed
from theory import PROMPTS, group_accuracies, latent_covariance, least_squares_direction, zero_shot_direction

pytestmark = pytest.mark.simulation


def test_the_derived_line_is_the_closed_form():
    figure = draw_population(linearized.simulate_population(seed(0)), Curves(population_curves()))
    for axis, place in zip(figure.axes, linearized.ENTRIES.values(), strict=True):
        lines = {line.get_label(): line.get_xydata() for line in axis.get_lines()}
        derived, printed = (next(xy for name, xy in lines.items() if word in name) for word in ("derived", "printed"))
        models = [
            dataclasses.replace(linearized.POPULATION_MODEL, spurious_ratio=float(ratio)) for ratio in derived[:, 0]
        ]
        np.testing.assert_allclose(derived[:, 1], [latent_covariance(model)[place] for model in models], rtol=1e-6)
        # The one entry in which the two agree, as its feature has mean 1.
        assert (np.abs(derived[:, 1] - printed[:, 1]).max() > 0.1) == (place != (0, 0))


def test_the_phase_diagram_is_linearised_minus_least_squares():
    none = Points(np.array(boundary.SIGMAS), np.zeros(len(boundary.SIGMAS)), np.ones(len(boundary.SIGMAS)))
    series = {boundary.series_name(ratio): none for ratio in boundary.RATIOS}
    curves = load_curves(SHIPPED, "boundary")
    figure = draw_boundary(dict.fromkeys(PROMPTS, series), curves)
    for axis, prompt in zip(figure.axes, PROMPTS, strict=False):
        (mesh,) = (drawn for drawn in axis.collections if drawn.get_array() is not None and drawn.get_array().size > 99)
        values = np.asarray(mesh.get_array()).reshape(60, 60)
        for row, column in ((54, 6), (54, 54), (18, 36)):
            ratio, sigma = float(curves["ratios"][row]), float(curves["sigmas"][column])
            model = dataclasses.replace(boundary.MODEL, spurious_ratio=ratio, sigma_inv=sigma)
            rules = zero_shot_direction(model, prompt), least_squares_direction(model)
            contrastive, supervised = (float(group_accuracies(model, rule)[1]) for rule in rules)
            # Shipped with eight digits, of at most 100 points.
            assert values[row, column] == pytest.approx(100 * (contrastive - supervised), abs=1e-5)
            assert float(gain(jnp.asarray(ratio), jnp.asarray(sigma), prompt)) == pytest.approx(
                100 * (contrastive - supervised), abs=1e-9
            )
