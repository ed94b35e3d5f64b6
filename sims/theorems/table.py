"""Every statement that has a simulation of its own."""

from collections.abc import Callable

from sims.theorems import (
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

# Name, which is that of the statement's file in theory/, to label and simulation.
STATEMENTS: dict[str, tuple[str, Callable[[int], Evidence]]] = {
    "linearized": ("S1", linearized.simulate),
    "population": ("S2", population.simulate),
    "zero_shot": ("S3", zero_shot.simulate),
    "group_accuracy": ("S4", group_accuracy.simulate),
    "least_squares": ("S5", least_squares.simulate),
    "logistic": ("S6", logistic.simulate),
    "theorem62": ("S7", theorem62.simulate),
    "boundary": ("S8", boundary.simulate),
}
