"""A program's parameters, each written once: a field of a configuration with its default, its domain and its meaning.

`parameter` makes such a field. `check` refuses values outside their domains, `add_options` adds an option for each to a
command line, and `from_options` makes the configuration from the options.
"""

import argparse
import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, TypeVar

from workbench import program
from workbench.errors import ParameterError

_Config = TypeVar("_Config")


class Domain(NamedTuple):
    """The values that a parameter may have.

    Attributes:
        parse: turns an option's text into a value; raises `argparse.ArgumentTypeError`.
        metavar: the placeholder for a value in the help; None for a domain with choices.
        check: takes the parameter's name and a value; raises `ParameterError` for a value outside the domain.
        choices: all values, if they are a few words.
    """

    parse: Callable[[str], Any]
    metavar: str | None
    check: Callable[[str, Any], None]
    choices: Collection[str] | None = None


def parameter(default: Any, domain: Domain, meaning: str) -> Any:
    """A field of a configuration, a dataclass.

    Args:
        default: its default value.
        domain: the values that it may have.
        meaning: its meaning, for the help.
    """
    return dataclasses.field(default=default, metadata={"domain": domain, "meaning": meaning})


def whole_number(minimum: int, below: int | None = None) -> Domain:
    """Whole numbers of at least `minimum`, and below a bound if one is given."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ParameterError(name, f"a whole number of at least {minimum}", value)
        if below is not None and value >= below:
            raise ParameterError(name, f"below {below}", value)

    return Domain(program.whole_number(minimum), "N", check)


SEED = whole_number(0, 2**32)._replace(parse=program.seed)
STEPS = whole_number(1, 2**31)


def number(parse: Callable[[str], float], allowed: str, holds: Callable[[float], bool], metavar: str = "X") -> Domain:
    """Finite numbers; arrays are not checked, since JAX does not know their values while it traces a function.

    Args:
        parse: an option's type in `workbench.program`.
        allowed: the allowed numbers, in words.
        holds: whether a number is allowed.
        metavar: the placeholder for a number in the help.
    """

    def check(name: str, value: Any) -> None:
        if isinstance(value, float | int) and not holds(value):
            raise ParameterError(name, allowed, value)

    return Domain(parse, metavar, check)


SHARE = number(program.share, "in [0, 1]", lambda value: 0 <= value <= 1)
# The bound is that of single precision.
LEARNING_RATE = number(program.positive_number, "a number above 0 and at most 1e38", lambda value: 0 < value <= 1e38)


def word(allowed: Collection[str]) -> Domain:
    """One of some words."""

    def check(name: str, value: Any) -> None:
        if value not in allowed:
            raise ParameterError(name, f"among {', '.join(allowed)}", value)

    return Domain(str, None, check, tuple(allowed))


def _accept(name: str, value: Any) -> None:
    """The check of a domain that excludes nothing."""


def text(metavar: str) -> Domain:
    """Any text."""
    return Domain(str, metavar, _accept)


def path(metavar: str) -> Domain:
    """A path of a file or folder."""
    return Domain(program.path, metavar, _accept)


# Yes or no; an option of this domain takes no value.
FLAG = Domain(bool, None, _accept)


def optional(domain: Domain) -> Domain:
    """A domain, or None."""

    def check(name: str, value: Any) -> None:
        if value is not None:
            domain.check(name, value)

    return domain._replace(check=check)


def words(allowed: Sequence[str]) -> Domain:
    """One or more of some words; on the command line separated by commas."""

    def check(name: str, value: Any) -> None:
        for each in value or ("nothing",):
            if each not in allowed:
                raise ParameterError(name, f"among {', '.join(allowed)}", each)

    return Domain(program.choices(allowed), "NAMES", check)


def parameters_of(config: Any) -> list[dataclasses.Field[Any]]:
    """The fields of a configuration, or of its class, that are parameters."""
    return [field for field in dataclasses.fields(config) if "domain" in field.metadata]


def check(config: Any) -> None:
    """Check every parameter of a configuration.

    Raises:
        ParameterError: one is outside its domain.
    """
    for field in parameters_of(config):
        field.metadata["domain"].check(field.name, getattr(config, field.name))


def meanings(*configs: type) -> dict[str, str]:
    """The meaning of every parameter, by name."""
    return {field.name: field.metadata["meaning"] for config in configs for field in parameters_of(config)}


def add_options(group: argparse._ActionsContainer, config: type, **defaults: Any) -> None:
    """Add an option for each parameter.

    Args:
        group: the parser, or a group of its options.
        config: the class of the configuration.
        defaults: values in place of the parameters' own defaults.
    """
    for field in parameters_of(config):
        domain = field.metadata["domain"]
        default = defaults.get(field.name, field.default)
        shape: dict[str, Any] = {"type": domain.parse, "metavar": domain.metavar}
        if domain is FLAG:
            shape = {"action": "store_true"}
        elif domain.choices:
            shape = {"choices": domain.choices}
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            default=",".join(map(_as_word, default)) if isinstance(default, tuple) else default,
            help=field.metadata["meaning"],
            **shape,
        )


def _as_word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def from_options(config: Callable[..., _Config], options: argparse.Namespace, **others: Any) -> _Config:
    """Make a configuration from the options of a command line.

    Args:
        config: the configuration's class.
        options: the options, from a parser with `add_options`.
        others: the fields that are not parameters.

    Raises:
        ParameterError: a value outside its domain.
    """
    return config(**{field.name: getattr(options, field.name) for field in parameters_of(config)}, **others)
