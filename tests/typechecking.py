"""beartype, asked once for each signature.

jaxtyping decorates a function within a function each time that it is defined. What beartype is given then is a function
of the signature alone, without the body, so that its check may be used again; making it takes milliseconds.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any

from beartype import beartype

_KEPT = 4096


@functools.lru_cache(maxsize=_KEPT)
def _checked(*signature: Hashable) -> list[Callable[..., Any]]:
    """Room for the check of a signature; empty until it is made."""
    return []


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """What beartype makes of a function that jaxtyping made from a signature.

    Args:
        function: without a closure; one with defaults, or with types that cannot be compared, is not kept.
    """
    if "<locals>" not in function.__qualname__ or function.__defaults__ or function.__kwdefaults__:
        return beartype(function)
    types = tuple(function.__annotations__.items())
    try:
        room = _checked(function.__module__, function.__qualname__, function.__code__, types)
    except TypeError:
        return beartype(function)
    if not room:
        room.append(beartype(function))
    return room[0]
