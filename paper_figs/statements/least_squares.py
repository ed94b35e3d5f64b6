"""S5: least squares against the spurious ratio."""

from matplotlib.figure import Figure

from paper_figs.statements.supervised_panels import draw_supervised
from sims.theorems.evidence import Evidence
from theory.statements.least_squares import least_squares_direction


def draw(evidence: Evidence) -> Figure:
    """Its weights and accuracies."""
    return draw_supervised(evidence, least_squares_direction, "least squares")
