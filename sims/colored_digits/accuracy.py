"""Table 8's accuracies: a learner's, from its answers, and the best that there can be.

A digit's label and colour are random in the tests, but a learner's answer is not: it is asked once for each digit and
colour, and the accuracies follow exactly, as sums over labels and colours with their probabilities.

The best rule reads every digit and knows how training was drawn: it names the label that is most probable in training
for that digit and colour. Where `invariant_ratio` equals `spurious_ratio` the digit of one spurious class on the colour
of the other is a tie: nothing in training says which of the two to name, and any accuracy between the two rules' is as
good. Half of Table 8's rows are such ties.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from sims.colored_digits.design import SPURIOUS, Design

# Rand and Rev of the classes 0 and 1, and the other classes; then what Rev is made of: 0 and 1 on their own colours
# (`aligned`, a = y) and on each other's (`conflicting`).
GROUPS = ("rand", "rev", "rest", "aligned", "conflicting")


def group_accuracies(
    answers: Int[np.ndarray, "seeds images colours"], digits: Int[np.ndarray, " images"], design: Design
) -> Float[np.ndarray, "seeds groups"]:
    """Accuracy of each run in each of `GROUPS`, as a share; NaN for the rest where there is none.

    Args:
        answers: the class that a run's learner gives to each digit's image on each colour.
        digits: the digit in each image.
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


_TIED = 1e-12  # relative difference of two probabilities below which rounding made it


def posterior(design: Design) -> Float[np.ndarray, "digits colours labels"]:
    """P(label | digit, colour) in training, with digits equally frequent; 0 where the two never meet."""
    joint = design.label_given_digit[:, None, :] * design.training_colours.T[None, :, :]
    total = joint.sum(axis=2, keepdims=True)
    return np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)


def bayes_accuracies(design: Design) -> dict[str, Float[np.ndarray, " groups"]]:
    """Accuracies in each of `GROUPS` of the rules that break ties by the digit, and by the colour.

    Returns:
        `by_digit` and `by_colour`, shares; the same where there is no tie.
    """
    probable = posterior(design)
    tied = probable >= probable.max(axis=2, keepdims=True) * (1 - _TIED)
    classes = np.arange(design.classes)
    rules = {"by_digit": _prefer(tied, classes[:, None]), "by_colour": _prefer(tied, classes[None, :])}
    return {name: group_accuracies(rule[None], classes, design)[0] for name, rule in rules.items()}


def _prefer(tied: Bool[np.ndarray, "digits colours labels"], wanted: np.ndarray) -> np.ndarray:
    """The wanted label where it is among the most probable, else the first of these."""
    wanted = np.broadcast_to(wanted, tied.shape[:2])
    among = np.take_along_axis(tied, wanted[..., None], axis=2)[..., 0]
    return np.where(among, wanted, np.argmax(tied, axis=2))
