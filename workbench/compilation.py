"""Fast compilation: most programs here take longer to compile than to run."""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax

# XLA's newer code for fused loops makes trainings twice as fast, and takes twice as long to compile.
_FUSED_LOOPS = "xla_cpu_use_fusion_emitters"


@functools.cache
def _cpu_options(brief: bool, long: bool, quick: bool = False) -> dict[str, Any] | None:
    """Compiler options for a CPU, but what XLA_FLAGS decides; None where this version of XLA does not know them."""
    options: dict[str, Any] = {"xla_backend_optimization_level": 1, _FUSED_LOOPS: not brief}
    if quick:  # one part, since parts that are compiled side by side each begin anew
        options = {"xla_backend_optimization_level": 0, _FUSED_LOOPS: False, "xla_cpu_parallel_codegen_split_count": 1}
    given = "" if long else os.environ.get("XLA_FLAGS", "")
    options = {name: value for name, value in options.items() if f"--{name}=" not in given}
    try:
        jax.jit(lambda one: one, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options


class _Compiled:
    """`jax.jit` of a function, made when it is first used: only then may the device be asked for."""

    def __init__(self, function: Callable[..., Any], kind: tuple[bool, bool, bool], options: dict[str, Any]):
        functools.update_wrapper(self, function)
        self._given = function, kind, options

    @functools.cached_property
    def _made(self) -> Any:
        function, kind, options = self._given
        on_cpu = jax.default_backend() == "cpu"
        return jax.jit(function, compiler_options=_cpu_options(*kind) if on_cpu else None, **options)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._made(*arguments, **named)

    def __getattr__(self, name: str) -> Any:  # `lower` and the like
        return getattr(self._made, name)


def jit(
    function: Callable[..., Any], *, brief: bool = False, long: bool = False, quick: bool = False, **options: Any
) -> Any:
    """`jax.jit`; on a CPU, with options that shorten the wait for what runs once.

    A module may use it while it is imported: the device is asked for at the first call, when hosts have joined.

    LLVM's first optimisation level replaces its third. XLA still vectorises and still calls its matrix kernels. On two
    cores this halves the time to compile the training step, which then runs as fast as before.

    Args:
        function: what to compile.
        brief: whether it runs for less than a second. Then fused loops are compiled in half the time, to code that may
            take twice as long.
        long: whether it runs for longer than it compiles whatever its sizes. Then XLA_FLAGS, by which the tests turn
            optimisation off, do not decide.
        quick: whether all of its runs together take less time than it would take to compile. Then nothing is
            optimised: it is compiled in a quarter of the time, and loops run for up to twice as long.
        options: of `jax.jit`.
    """
    return _Compiled(function, (brief, long, quick), options)
