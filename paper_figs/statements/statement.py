"""What `python -m sims.theorems` saved of a statement's simulation, and its figure."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.figure_spec import FigureSpec
from paper_figs.saved_result import statement
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


def statement_figure(name: str, caption: str, draw: Callable[[Evidence], Figure]) -> FigureSpec:
    """The register's entry of a statement, named as its file in `theory/`."""

    def draw_saved(context: Context) -> Figure:
        evidence = load(context.results, name)
        # Quadratures need double precision.
        with jax.enable_x64(True):
            return draw(evidence)

    return FigureSpec(
        name,
        caption,
        f"closed forms of theory/statements/{name}.py as lines, simulation of sims/theorems/{name}.py as markers",
        "Bars: 95% over independent draws (normal), often within the marker; quantities of the model have no unit",
        draw_saved,
        (statement(name),),
    )
