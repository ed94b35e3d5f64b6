"""The design of MultiColoredMNIST (arXiv 2403.11497, Table 8): how label and colour follow from the digit.

The paper gives the two ratios and the reversed 10%. The rest is read off its numbers (docs/results/colored_digits.md):

- the label is the digit with probability `invariant_ratio`, else one of the other classes, evenly; in the tests too;
- there are as many colours as classes. In training an image of label 0 or 1 has the colour of its label with
  probability `spurious_ratio`, else one of the others, evenly; other labels have any colour, evenly;
- Rand: any colour, evenly, whatever the label. Rev: as Rand, but label 0 or 1 has its own colour with probability 10%,
  else the colour of the other of the two.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from sims.colored_digits.digits import MOST_CLASSES
from workbench import program
from workbench.errors import ParameterError
from workbench.parameters import Domain, check, number, parameter

REVERSED_RATIO = 0.1
SPURIOUS = (0, 1)  # the classes that have colours of their own
_RATIO = number(program.number, "in [1/2, 1]", lambda value: 0.5 <= value <= 1)


def _check_classes(name: str, value: int) -> None:
    if not 2 <= value <= MOST_CLASSES:
        raise ParameterError(name, f"from 2 to {MOST_CLASSES}, as there are ten digits", value)


_CLASSES = Domain(program.whole_number(2), "K", _check_classes)


@dataclasses.dataclass(frozen=True)
class Design:
    """How labels and colours are drawn.

    Attributes:
        classes: number of digits, of labels and of colours; 2 to 10.
        invariant_ratio: P(label = digit), p_inv; in [1/2, 1].
        spurious_ratio: P(colour = label) in training for labels 0 and 1, p_spu; in [1/2, 1].

    Raises:
        ParameterError: a value outside its domain.
    """

    classes: int = parameter(2, _CLASSES, "how many digits, from 0 on; 2 to 10")
    invariant_ratio: float = parameter(
        0.75, _RATIO, "share of the images whose label is the digit, in training and tests, p_inv; 1/2 to 1"
    )
    spurious_ratio: float = parameter(
        0.9, _RATIO, "share of the training images of 0 and 1 on their own colour, p_spu; 1/2 to 1"
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def label_given_digit(self) -> Float[np.ndarray, "digits labels"]:
        """P(label | digit), in training and in both tests."""
        return _one_or_another(self.classes, self.invariant_ratio)

    @property
    def training_colours(self) -> Float[np.ndarray, "labels colours"]:
        """P(colour | label) in training."""
        table = self.random_colours
        table[list(SPURIOUS)] = _one_or_another(self.classes, self.spurious_ratio)[list(SPURIOUS)]
        return table

    @property
    def random_colours(self) -> Float[np.ndarray, "labels colours"]:
        """P(colour | label) in the test Rand."""
        return np.full((self.classes, self.classes), 1.0 / self.classes)

    @property
    def reversed_colours(self) -> Float[np.ndarray, "labels colours"]:
        """P(colour | label) in the test Rev."""
        table = self.random_colours
        table[list(SPURIOUS)] = 0.0
        for label in SPURIOUS:
            table[label, label], table[label, 1 - label] = REVERSED_RATIO, 1.0 - REVERSED_RATIO
        return table


# What CLIPs with a text encoder are trained on, unless another design is asked for.
CAPTIONED = Design(4, 0.9, 0.9)


def _one_or_another(classes: int, ratio: float) -> Float[np.ndarray, "classes classes"]:
    """`ratio` on the diagonal, the rest of each row spread evenly."""
    table = np.full((classes, classes), (1.0 - ratio) / (classes - 1))
    np.fill_diagonal(table, ratio)
    return table
