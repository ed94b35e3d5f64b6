"""The figures of the statements: name, which is that of the file in `theory/`, to what it shows and how it is drawn."""

from collections.abc import Callable

from matplotlib.figure import Figure

from paper_figs.statements import (
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

STATEMENT_FIGURES: dict[str, tuple[str, Callable[[Evidence], Figure]]] = {
    "linearized": ("S1: gradient descent and the closed-form minimiser", linearized.draw),
    "population": ("S2: covariance of the features, derived and printed", population.draw),
    "zero_shot": ("S3: reliance of the zero-shot rules", zero_shot.draw),
    "group_accuracy": ("S4: accuracy of fixed rules in each group", group_accuracy.draw),
    "least_squares": ("S5: least squares against the spurious ratio", least_squares.draw),
    "logistic": ("S6: logistic regression against the spurious ratio", logistic.draw),
    "theorem62": ("S7: Theorem 6.2's printed bound, and where it fails", theorem62.draw),
    "boundary": (
        "S8: phase diagram of the linearised learner against least squares, and its boundary against the logistic one",
        boundary.draw,
    ),
    "rate": ("S9: rate at which a sample's minimiser reaches its limit", rate.draw),
    "bayes": ("S10: the Bayes classifier: what a background tells saturates", bayes.draw),
    "regularisation": ("S11: regularised logistic regression between its limits", regularisation.draw),
    "captions": ("S12: captions that mention the background more or less often", captions.draw),
    "mutual_information": ("S13: pointwise mutual information of image and caption", mutual_information.draw),
    "infonce": ("S14: what InfoNCE and its two directions learn", infonce.draw),
    "siglip": ("S15: what the sigmoid loss learns", siglip.draw),
    "dynamics": ("S16: phases of training, and where InfoNCE leaves them", dynamics.draw),
    "prompts": ("S17: the worse group against the prompt's share of the class mean", prompts.draw),
    "many_classes": ("S18: many classes, with and without shared features", many_classes.draw),
    "accuracy_on_the_line": ("S19: rays and an ellipse on probit axes", accuracy_on_the_line.draw),
    "unit_length": ("S20: CLIP's and SigLIP's own losses, on embeddings of unit length", unit_length.draw),
}
