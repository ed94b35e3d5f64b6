"""What `python -m sims.theorems` saved of a statement's simulation."""

import json
from pathlib import Path

from sims.theorems.evidence import Evidence, from_dict
from workbench.errors import InputError


def load(folder: Path, name: str) -> Evidence:
    """The simulated points of the statement with this name, from `folder/theorems/NAME.json`.

    Raises:
        InputError: there is no such file, or it is not such a result.
    """
    file = folder / "theorems" / f"{name}.json"
    remedy = f"make it with: python -m sims.theorems --only {name} --out {folder / 'theorems'}"
    try:
        return from_dict(json.loads(file.read_text(encoding="utf-8"))["panels"])
    except FileNotFoundError as error:
        raise InputError(f"{file} is missing; {remedy}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} holds no simulation of a statement; {remedy}") from error
