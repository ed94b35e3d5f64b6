"""Dataclasses that JAX takes apart, but that a command line may read before JAX is imported."""

import functools
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)


def pytree(cls: _Class) -> _Class:
    """A dataclass as a JAX pytree, as `jax.tree_util.register_dataclass`, but registered with its first instance.

    Args:
        cls: the dataclass; `metadata={"static": True}` marks fields that are no leaves.
    """

    @functools.cache
    def register() -> None:
        import jax

        jax.tree_util.register_dataclass(cls)

    def new(made: type, *arguments: Any, **named: Any) -> Any:
        register()
        return object.__new__(made)

    cls.__new__ = new  # type: ignore[assignment]
    return cls
