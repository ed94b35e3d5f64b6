"""Every statement that has a simulation of its own."""

from collections.abc import Callable

from sims.theorems import (
    accuracy_on_the_line,
    bayes,
    boundary,
    captions,
    dynamics,
    group_accuracy,
    infonce,
    least_squares,
    linearized,
    logistic,
    many_classes,
    mutual_information,
    population,
    prompts,
    rate,
    regularisation,
    siglip,
    theorem62,
    unit_length,
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
    "rate": ("S9", rate.simulate),
    "bayes": ("S10", bayes.simulate),
    "regularisation": ("S11", regularisation.simulate),
    "captions": ("S12", captions.simulate),
    "mutual_information": ("S13", mutual_information.simulate),
    "infonce": ("S14", infonce.simulate),
    "siglip": ("S15", siglip.simulate),
    "dynamics": ("S16", dynamics.simulate),
    "prompts": ("S17", prompts.simulate),
    "many_classes": ("S18", many_classes.simulate),
    "accuracy_on_the_line": ("S19", accuracy_on_the_line.simulate),
    "unit_length": ("S20", unit_length.simulate),
}
