"""What each run's random key is used for: one number for each use, folded into the key, so that no two share draws."""

import enum


class Role(enum.IntEnum):
    """Uses of a run's key in the synthetic simulations, the main job and sweeps."""

    BASES = 0
    WEIGHTS = 1
    DATA = 2
    ORDER = 3
    TEST = 4


class DigitsRole(enum.IntEnum):
    """Uses of a run's key in coloured digits, which have no bases and test on every digit."""

    WEIGHTS = 0
    DATA = 1
    ORDER = 2
    SHIFT = 3
