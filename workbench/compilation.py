"""Fast compilation, and compiled programs kept in the user's cache folder for the next run.

Most programs here take longer to compile than to run.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import jax


def cache_folder() -> Path | None:
    """The folder `sober-clip` under XDG_CACHE_HOME or `~/.cache`; if it is missing, it is made, for this user only.

    Returns:
        None if it cannot be made, so that nothing can be kept.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sober-clip"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def write_kept(place: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file of the cache folder beside its place, then rename it; where that fails, nothing is kept.

    Args:
        place: of the file, in a folder of its kind within `cache_folder`.
        write: writes the content into an open file.
    """
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        beside = place.with_suffix(f".{os.getpid()}")
        with beside.open("wb") as file:
            write(file)
        beside.replace(place)
    except OSError:  # computed again the next time
        return


# Programs that compile faster than this are not worth a file.
_SECONDS_WORTH_KEEPING = 0.1


# XLA's newer code for fused loops makes trainings twice as fast, and takes twice as long to compile.
_FUSED_LOOPS = "xla_cpu_use_fusion_emitters"


@functools.cache
def _cpu_options(brief: bool, long: bool) -> dict[str, Any] | None:
    """Compiler options for a CPU, but what XLA_FLAGS decides; None where this version of XLA does not know them."""
    options = {"xla_backend_optimization_level": 1, _FUSED_LOOPS: not brief}
    given = "" if long else os.environ.get("XLA_FLAGS", "")
    options = {name: value for name, value in options.items() if f"--{name}=" not in given}
    try:
        jax.jit(lambda one: one, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options


class _Compiled:
    """`jax.jit` of a function, made when it is first used: only then may the device be asked for."""

    def __init__(self, function: Callable[..., Any], brief: bool, long: bool, options: dict[str, Any]):
        functools.update_wrapper(self, function)
        self._given = function, brief, long, options

    @functools.cached_property
    def _made(self) -> Any:
        function, brief, long, options = self._given
        on_cpu = jax.default_backend() == "cpu"
        return jax.jit(function, compiler_options=_cpu_options(brief, long) if on_cpu else None, **options)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._made(*arguments, **named)

    def __getattr__(self, name: str) -> Any:  # `lower` and the like
        return getattr(self._made, name)


def jit(function: Callable[..., Any], *, brief: bool = False, long: bool = False, **options: Any) -> Any:
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
        options: of `jax.jit`.
    """
    return _Compiled(function, brief, long, options)


def keep_compiled() -> None:
    """Keep compiled programs in the user's cache folder, so that the second run does not compile again.

    Only the user can read the folder, since it holds machine code. JAX_COMPILATION_CACHE_DIR names another folder, and
    JAX_ENABLE_COMPILATION_CACHE=false turns the cache off; JAX's other variables work too.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        folder = cache_folder()
        if folder is None:
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SECONDS_WORTH_KEEPING)
    # An entry that cannot be read is compiled again, without a warning.
    jax.config.update("jax_raise_persistent_cache_errors", False)
