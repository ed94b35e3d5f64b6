"""The user's cache folder: compiled programs and other files that need not be made again. It works without JAX."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

# Programs that compile faster than this are not worth a file.
_SECONDS_WORTH_KEEPING = 0.1


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


def keep_compiled() -> None:
    """Keep what JAX compiles in the user's cache folder, so that the second run does not compile again.

    JAX need not be imported yet: it reads its variables when it is. Only the user can read the folder, since it holds
    machine code. JAX_COMPILATION_CACHE_DIR names another folder, and JAX_ENABLE_COMPILATION_CACHE=false turns the cache
    off; JAX's other variables work too.
    """
    _set("jax_persistent_cache_min_compile_time_secs", _SECONDS_WORTH_KEEPING)
    # An entry that cannot be read is compiled again, without a warning.
    _set("jax_raise_persistent_cache_errors", False)
    if not _is_set("jax_compilation_cache_dir") and (folder := cache_folder()):
        _set("jax_compilation_cache_dir", str(folder))


def _is_set(name: str) -> bool:
    imported = sys.modules.get("jax")
    return name.upper() in os.environ or (imported is not None and getattr(imported.config, name) is not None)


def _set(name: str, value: Any) -> None:
    """Set an option of JAX that no variable sets."""
    if name.upper() in os.environ:
        return
    if imported := sys.modules.get("jax"):
        imported.config.update(name, value)
    else:
        os.environ[name.upper()] = str(value)
