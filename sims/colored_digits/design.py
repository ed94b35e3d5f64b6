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
from workbench.errors import ParameterError

REVERSED_RATIO = 0.1
SPURIOUS = (0, 1)  # the classes that have colours of their own


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

    classes: int = 2
    invariant_ratio: float = 0.75
    spurious_ratio: float = 0.9

    def __post_init__(self) -> None:
        if not 2 <= self.classes <= MOST_CLASSES:
            raise ParameterError("classes", f"from 2 to {MOST_CLASSES}, as there are ten digits", self.classes)
        for name in ("invariant_ratio", "spurious_ratio"):
            if not 0.5 <= getattr(self, name) <= 1:
                raise ParameterError(name, "in [1/2, 1]", getattr(self, name))

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


def _one_or_another(classes: int, ratio: float) -> Float[np.ndarray, "classes classes"]:
    """`ratio` on the diagonal, the rest of each row spread evenly."""
    table = np.full((classes, classes), (1.0 - ratio) / (classes - 1))
    np.fill_diagonal(table, ratio)
    return table
