"""Compiling for a short wait: most programs here run for less time than they take to compile."""

from collections.abc import Callable
from typing import Any

import jax


def jit(function: Callable[..., Any], **options: Any) -> Any:
    """`jax.jit`, on a CPU with LLVM's first optimisation level instead of its third.

    XLA vectorises and calls its matrix kernels all the same; on two cores it halves the compilation of the training
    step and leaves its speed as it was.
    """
    on_cpu = jax.default_backend() == "cpu"
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 1} if on_cpu else None, **options)
