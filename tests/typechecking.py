"""jaxtyping where a signature names sizes, beartype alone where it does not, and the check of a signature made once.

jaxtyping binds each call to the signature itself, and asks beartype twice, so that sizes agree between arguments and
result. Most functions name no sizes, and some of them are called a hundred thousand times.
"""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Hashable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

_KEPT = 4096
_jaxtyped = jaxtyping.jaxtyped
# As jaxtyping's error: a reader of files that tells a wrong type in a line catches it.
_beartyped = beartype(conf=BeartypeConf(violation_type=TypeError))


def install(packages: list[str]) -> None:
    """Check every call of what these packages define, once they are imported."""
    jaxtyping.jaxtyped = _jaxtyped_where_sizes_are  # what the hook writes above each definition
    jaxtyping.install_import_hook(packages, f"{__name__}.check")


def _jaxtyped_where_sizes_are(*, typechecker: Callable[..., Any]) -> Callable[..., Any]:
    return functools.partial(checked, typechecker=typechecker)


def checked(defined: Any, *, typechecker: Callable[..., Any]) -> Any:
    """A function, or a class, whose calls are checked: as `jaxtyping.jaxtyped`."""
    if isinstance(defined, types.FunctionType) and _beartype_suffices(defined):
        return _beartyped(defined)
    if dataclasses.is_dataclass(defined) and "__init__" in vars(defined) and _beartype_suffices(defined.__init__):
        defined.__init__ = _beartyped(defined.__init__)
        return defined
    return _jaxtyped(defined, typechecker=typechecker)


def _beartype_suffices(function: Callable[..., Any]) -> bool:
    return not _is_closure(function) and not any(map(_names_sizes, function.__annotations__.values()))


def _is_closure(function: Callable[..., Any]) -> bool:
    """Whether it is defined within a function, perhaps many times."""
    return "<locals>" in function.__qualname__


def _names_sizes(annotation: Any) -> bool:
    """Whether an annotation holds sizes of arrays, or may: what stands in quotes is not looked up."""
    if isinstance(annotation, str | typing.ForwardRef | typing.TypeVar):
        return True
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray | jaxtyping.PyTree):
        return getattr(annotation, "dim_str", "of a tree") != ""
    inner = annotation if isinstance(annotation, list | tuple) else typing.get_args(annotation)
    return any(map(_names_sizes, inner))


@functools.lru_cache(maxsize=_KEPT)
def _room(*signature: Hashable) -> list[Callable[..., Any]]:
    """Room for the check of a signature; empty until it is made."""
    return []


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """What beartype makes of a function that jaxtyping made from a signature: asked once for each signature.

    jaxtyping decorates a function within a function each time that it is defined. What beartype is given then is a
    function of the signature alone, without the body, so that its check may be used again; making it takes
    milliseconds.

    Args:
        function: without a closure; one with defaults, or with types that cannot be compared, is not kept.
    """
    if not _is_closure(function) or function.__defaults__ or function.__kwdefaults__:
        return beartype(function)
    annotations = tuple(function.__annotations__.items())
    try:
        room = _room(function.__module__, function.__qualname__, function.__code__, annotations)
    except TypeError:
        return beartype(function)
    if not room:
        room.append(beartype(function))
    return room[0]
