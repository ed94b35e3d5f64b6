"""Closed forms: what each objective learns in the synthetic model, derived from its definition.

One statement a file. Nothing here reads a file, draws a random number or makes a plot. The closed forms work on JAX
arrays, so they can be jitted, vmapped over parameters and differentiated. `accuracy` is the one to start with: a
learner's accuracy in each group, and `repair` the same after a zero-shot repair; `predict` and the reports gather all
learners at one point as plain numbers.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    # The public names are loaded when one is asked for, with JAX, which a command line does not need.
    import theory.public

    if name not in ("__all__", *theory.public.__all__):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(theory.public, name)


def __dir__() -> list[str]:
    import theory.public

    return theory.public.__all__
