"""What every training's configuration has: whole numbers and a learning rate, checked, and as options."""

import argparse
from collections.abc import Mapping
from typing import Any

from workbench import program
from workbench.errors import ParameterError

_BELOW = {"seed": 2**32, "steps": 2**31}


def check_numbers(config: Any, minimum: Mapping[str, int]) -> None:
    """Check a configuration's whole numbers and its `learning_rate`.

    Args:
        config: a dataclass.
        minimum: the least that each whole number may be.

    Raises:
        ParameterError: one is outside its domain.
    """
    for name, least in minimum.items():
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ParameterError(name, f"a whole number of at least {least}", value)
        if value >= _BELOW.get(name, value + 1):
            raise ParameterError(name, f"below {_BELOW[name]}", value)
    if not 0 < config.learning_rate <= 1e38:  # the range of single precision
        raise ParameterError("learning_rate", "a number above 0 and at most 1e38", config.learning_rate)


def add_numbers(
    group: argparse._ActionsContainer, default: Any, minimum: Mapping[str, int], meanings: Mapping[str, str]
) -> None:
    """Add an option for each whole number, and `--learning-rate`.

    Args:
        group: where to.
        default: a configuration with the defaults.
        minimum: the least that each whole number may be.
        meanings: the help of each, the learning rate's among them.
    """
    for name, meaning in meanings.items():
        whole = name in minimum
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=program.whole_number(minimum[name]) if whole else program.positive_number,
            default=getattr(default, name),
            metavar="N" if whole else "X",
            help=meaning,
        )
