"""The best that can be done in MultiColoredMNIST by one who reads every digit and knows how training was drawn.

Given digit and colour it names the label that is most probable in training. Where `invariant_ratio` equals
`spurious_ratio` the digit of one spurious class on the colour of the other is a tie: nothing in training says which of
the two to name, and any accuracy between the two rules' is as good. Half of Table 8's rows are such ties.
"""

import numpy as np
from jaxtyping import Bool, Float

from sims.colored_digits.accuracy import group_accuracies
from sims.colored_digits.design import Design

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
