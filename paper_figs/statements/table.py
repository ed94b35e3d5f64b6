"""The figures of the statements: how each is drawn, from what `python -m sims.theorems` saved of its simulation."""

from collections.abc import Callable
from pathlib import Path

import jax
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.drawing import FigureSpec
from paper_figs.saved_result import command, statement
from paper_figs.statements import (
    accuracy_curves,
    boundary,
    critics,
    dynamics,
    finite_batch,
    finite_samples,
    group_accuracy,
    linearized,
    many_classes,
    networks,
    other_objectives,
    reweighting,
    silent_captions,
    softmax,
    supervised,
    unit_length,
    zero_shot,
)
from sims.theorems.evidence import Evidence, from_dict
from sims.theorems.table import STATEMENTS
from workbench.errors import InputError
from workbench.results import read_json

# Name, as in `STATEMENTS`, to what draws the statement in double precision, which its quadratures need.
DRAW: dict[str, Callable[[Evidence], Figure]] = {
    "linearized": linearized.draw_linearized,
    "population": linearized.draw_population,
    "zero_shot": zero_shot.draw_zero_shot,
    "group_accuracy": group_accuracy.draw_group_accuracy,
    "least_squares": supervised.draw_least_squares,
    "logistic": supervised.draw_logistic,
    "theorem62": boundary.draw_theorem62,
    "boundary": boundary.draw_boundary,
    "rate": linearized.draw_rate,
    "bayes": supervised.draw_bayes,
    "regularisation": supervised.draw_regularisation,
    "captions": zero_shot.draw_captions,
    "mutual_information": critics.draw_mutual_information,
    "infonce": critics.draw_infonce,
    "siglip": critics.draw_siglip,
    "dynamics": dynamics.draw,
    "prompts": zero_shot.draw_prompts,
    "many_classes": many_classes.draw,
    "accuracy_on_the_line": group_accuracy.draw_accuracy_on_the_line,
    "unit_length": unit_length.draw,
    "finite_batch": finite_batch.draw,
    "finite_samples": finite_samples.draw,
    "softmax": softmax.draw,
    "silent_captions": silent_captions.draw,
    "reweighting": reweighting.draw_reweighting,
    "other_objectives": other_objectives.draw,
    "networks": networks.draw,
    "accuracy_curves": accuracy_curves.draw,
}


def load(folder: Path, name: str) -> Evidence:
    """The simulated points of the statement with this name, from `folder/theorems/NAME.json`.

    Raises:
        InputError: there is no such file, it is not such a result, or it lacks a panel or a series.
    """
    saved = statement(name)
    file = folder / saved.files[0]
    remedy = f"make it with: {command([saved], folder)}"
    content = read_json(file, "simulation of a statement", remedy, ("panels",))
    try:
        return from_dict(content["panels"], STATEMENTS[name].panels)
    except InputError as error:
        raise InputError(f"{file} is of another version, it {error}; {remedy}") from error


def statement_figure(name: str) -> FigureSpec:
    """The register's entry of a statement, named as its file in `theory/statements/`."""

    def draw(context: Context) -> Figure:
        evidence = load(context.results, name)
        with jax.enable_x64(True):
            return DRAW[name](evidence)

    return FigureSpec(
        name,
        f"{STATEMENTS[name].label}: {STATEMENTS[name].title}",
        f"closed forms of theory/statements/{name}.py as lines, simulation by python -m sims.theorems as markers",
        "Bars: 95% over independent draws (normal), often within the marker; quantities of the model have no unit",
        draw,
        (statement(name),),
    )
