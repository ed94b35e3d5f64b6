"""A saved table of `sims.colored_digits table`, read back."""

import json
from pathlib import Path
from typing import Any

from workbench.errors import InputError

_ROW = {"classes", "p_inv", "p_spu", "results", "bayes", "reliance"}


def load(folder: Path) -> dict[str, Any]:
    """The content of `folder/table.json`.

    Raises:
        InputError: it is missing, or not what this version writes.
    """
    file = folder / "table.json"
    remedy = f"make it with: python -m sims.colored_digits table --out {folder}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        whole = bool(content["rows"]) and all(row.keys() >= _ROW for row in content["rows"])
        seeds = content["config"]["seeds"]
    except FileNotFoundError as error:
        raise InputError(f"{file} is missing; {remedy}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} holds no table of coloured digits; {remedy}") from error
    if not whole or not seeds:
        raise InputError(f"{file} holds a table of another version; {remedy}")
    return content
