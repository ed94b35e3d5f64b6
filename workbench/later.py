"""Functions of a table, each imported when it is first called: who reads one entry does not wait for all."""

import pkgutil
from collections.abc import Callable
from typing import Any


class Later:
    """A function that is imported when it is called.

    Args:
        place: where it is, `package.module:name`.
    """

    def __init__(self, place: str):
        self.place = place

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function returns."""
        return self.found(*arguments, **named)

    @property
    def found(self) -> Any:
        """The function itself."""
        return pkgutil.resolve_name(self.place)


def within(package: str) -> Callable[[str], Later]:
    """What makes a `Later` from its place in a package, `module:name`."""
    return lambda place: Later(f"{package}.{place}")
