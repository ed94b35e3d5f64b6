"""S6: logistic regression against the spurious ratio."""

from matplotlib.figure import Figure

from paper_figs.statements.supervised_panels import draw_supervised
from sims.theorems.evidence import Evidence
from theory.statements.logistic import logistic_direction


def draw(evidence: Evidence) -> Figure:
    """Its weights and accuracies."""
    return draw_supervised(evidence, logistic_direction, "logistic regression")
