"""Table 8's accuracies from what a learner says of every test digit on every colour.

A digit's label and colour are random in the tests, but a learner's answer is not: it is asked once for each digit and
colour, and the accuracies follow exactly, as sums over labels and colours with their probabilities.
"""

import numpy as np
from jaxtyping import Float, Int

from sims.colored_digits.design import SPURIOUS, Design

# Rand and Rev of the classes 0 and 1, and the other classes; then what Rev is made of: 0 and 1 on their own colours
# (`aligned`, a = y) and on each other's (`conflicting`).
GROUPS = ("rand", "rev", "rest", "aligned", "conflicting")


def group_accuracies(
    answers: Int[np.ndarray, "seeds images colours"], digits: Int[np.ndarray, " images"], design: Design
) -> Float[np.ndarray, "seeds groups"]:
    """Accuracy of each run in each of `GROUPS`, as a share; NaN for the rest where there is none.

    Args:
        answers: the class that a run's learner gives to each digit's picture on each colour.
        digits: the digit in each picture.
        design: how labels and colours are drawn.
    """
    spurious = np.isin(np.arange(design.classes), SPURIOUS)
    own = np.eye(design.classes)
    swapped = own[[1, 0, *range(2, design.classes)]]
    parts = {
        "rand": (spurious, design.random_colours),
        "rev": (spurious, design.reversed_colours),
        "rest": (~spurious, design.random_colours),
        "aligned": (spurious, own),
        "conflicting": (spurious, swapped),
    }
    labels = design.label_given_digit[digits]
    right = answers[:, :, :, None] == np.arange(design.classes)
    found = []
    for among, colours in (parts[group] for group in GROUPS):
        weights = np.einsum("iy,yc->icy", labels * among, colours)
        with np.errstate(invalid="ignore"):
            found.append(np.einsum("sicy,icy->s", right, weights) / weights.sum())
    return np.stack(found, axis=1)
