"""Figures of statements show the closed forms as lines, by their names."""

import dataclasses

import numpy as np
import pytest

from paper_figs.statements.boundary import draw_boundary
from paper_figs.statements.linearized import draw_population
from sims.theorems import boundary, linearized
from sims.theorems.evidence import Points
from tests.seeds import seed
from theory import PROMPTS, group_accuracies, latent_covariance, least_squares_direction, zero_shot_direction

pytestmark = pytest.mark.simulation


def test_the_derived_line_is_the_closed_form():
    figure = draw_population(linearized.simulate_population(seed(0)))
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
    figure = draw_boundary(dict.fromkeys(PROMPTS, series))
    for axis, prompt in zip(figure.axes, PROMPTS, strict=False):
        (mesh,) = (drawn for drawn in axis.collections if drawn.get_array() is not None and drawn.get_array().size > 99)
        values = np.asarray(mesh.get_array()).reshape(200, 200)
        for row, column in ((180, 20), (180, 180), (60, 120)):
            change = {
                "spurious_ratio": np.linspace(0.5, 1.0, 200)[row],
                "sigma_inv": np.linspace(0.05, 3.0, 200)[column],
            }
            model = dataclasses.replace(boundary.MODEL, **{name: float(value) for name, value in change.items()})
            rules = zero_shot_direction(model, prompt), least_squares_direction(model)
            contrastive, supervised = (float(group_accuracies(model, rule)[1]) for rule in rules)
            assert values[row, column] == pytest.approx(100 * (contrastive - supervised), abs=1e-6)
