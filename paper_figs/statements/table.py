"""The figures of the statements: name, which is that of the file in `theory/`, to what it shows and how it is drawn."""

from collections.abc import Callable

from matplotlib.figure import Figure

from paper_figs.statements import (
    boundary,
    group_accuracy,
    least_squares,
    linearized,
    logistic,
    population,
    theorem62,
    zero_shot,
)
from sims.theorems.evidence import Evidence

STATEMENT_FIGURES: dict[str, tuple[str, Callable[[Evidence], Figure]]] = {
    "linearized": ("S1: gradient descent and the closed-form minimiser", linearized.draw),
    "population": ("S2: covariance of the features, derived and printed", population.draw),
    "zero_shot": ("S3: reliance of the zero-shot rules", zero_shot.draw),
    "group_accuracy": ("S4: accuracy of fixed rules in each group", group_accuracy.draw),
    "least_squares": ("S5: least squares against the spurious ratio", least_squares.draw),
    "logistic": ("S6: logistic regression against the spurious ratio", logistic.draw),
    "theorem62": ("S7: Theorem 6.2's printed bound, and where it fails", theorem62.draw),
    "boundary": ("S8: phase diagram of the linearised learner against least squares", boundary.draw),
}
