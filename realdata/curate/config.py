"""The configuration of a curation."""

import dataclasses

from workbench import program
from workbench.parameters import SEED, check, number, parameter, whole_number

THRESHOLD = 5.0  # points
MIN_PHOTOS = 2
PERMUTATIONS = 10_000
SPLITS = 1_000


@dataclasses.dataclass(frozen=True)
class CurationConfig:
    """The settings of a curation.

    Attributes:
        threshold: a class is kept if the accuracies on its two backgrounds differ by more than these points.
        min_photos: the fewest photos of a background that may be chosen.
        splits: number of random splits into photos that choose and photos that measure.
        permutations: number of shuffles of the backgrounds.
        seed: seed of splits and shuffles.

    Raises:
        ParameterError: a value outside its domain.
    """

    threshold: float = parameter(
        THRESHOLD,
        number(program.number, "from 0 to below 100 points", lambda value: 0 <= value < 100, "POINTS"),
        "a class is kept if its two backgrounds differ by more than this",
    )
    min_photos: int = parameter(MIN_PHOTOS, whole_number(MIN_PHOTOS), "photos that a background needs to be chosen")
    splits: int = parameter(SPLITS, whole_number(1), "random splits into photos that choose and photos that measure")
    permutations: int = parameter(PERMUTATIONS, whole_number(1), "shuffles of the backgrounds")
    seed: int = parameter(0, SEED, "seed of splits and shuffles")

    def __post_init__(self) -> None:
        check(self)
