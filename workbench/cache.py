"""The user's cache folder: what is costly to compute and can be thrown away."""

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """`sober-clip` under XDG_CACHE_HOME or `~/.cache`, made if need be and readable by the user alone.

    Returns:
        None where it cannot be made, so that nothing can be kept.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sober-clip"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder
