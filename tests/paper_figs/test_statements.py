"""Figures of statements show the closed forms as lines, by their names."""

import dataclasses

import numpy as np
import pytest

from paper_figs.statements.population import draw
from sims.theorems import population
from tests.seeds import seed
from theory import latent_covariance

pytestmark = pytest.mark.simulation


def test_the_derived_line_is_the_closed_form():
    figure = draw(population.simulate(seed(0)))
    for axis, place in zip(figure.axes, population.ENTRIES.values(), strict=True):
        lines = {line.get_label(): line.get_xydata() for line in axis.get_lines()}
        derived, printed = (next(xy for name, xy in lines.items() if word in name) for word in ("derived", "printed"))
        models = [dataclasses.replace(population.MODEL, spurious_ratio=float(ratio)) for ratio in derived[:, 0]]
        np.testing.assert_allclose(derived[:, 1], [latent_covariance(model)[place] for model in models], rtol=1e-6)
        # The one entry in which the two agree, as its feature has mean 1.
        assert (np.abs(derived[:, 1] - printed[:, 1]).max() > 0.1) == (place != (0, 0))
