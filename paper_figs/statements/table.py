"""The figures of the statements: how each is drawn, from what `python -m sims.theorems` saved of its simulation."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paper_figs.saved_result import closed_forms, command, statement
from paper_figs.spec import FigureSpec
from paper_figs.statements.curves import Curves, load_curves
from sims.theorems.evidence import Evidence, from_dict
from sims.theorems.table import STATEMENTS
from workbench.errors import InputError
from workbench.later import within
from workbench.results import read_json

if TYPE_CHECKING:  # as in paper_figs/spec.py
    from matplotlib.figure import Figure

    from paper_figs.context import Context


_later = within(__package__)


# Name, as in `STATEMENTS`, to what draws the statement from its simulation and its closed forms.
DRAW: "dict[str, Callable[[Evidence, Curves], Figure]]" = {
    "linearized": _later("linearized:draw_linearized"),
    "population": _later("linearized:draw_population"),
    "zero_shot": _later("zero_shot:draw_zero_shot"),
    "group_accuracy": _later("group_accuracy:draw_group_accuracy"),
    "least_squares": _later("supervised:draw_least_squares"),
    "logistic": _later("supervised:draw_logistic"),
    "theorem62": _later("boundary:draw_theorem62"),
    "boundary": _later("boundary:draw_boundary"),
    "rate": _later("linearized:draw_rate"),
    "bayes": _later("supervised:draw_bayes"),
    "regularisation": _later("supervised:draw_regularisation"),
    "captions": _later("zero_shot:draw_captions"),
    "mutual_information": _later("critics:draw_mutual_information"),
    "infonce": _later("critics:draw_infonce"),
    "siglip": _later("critics:draw_siglip"),
    "dynamics": _later("dynamics:draw"),
    "prompts": _later("zero_shot:draw_prompts"),
    "many_classes": _later("many_classes:draw"),
    "accuracy_on_the_line": _later("group_accuracy:draw_accuracy_on_the_line"),
    "unit_length": _later("unit_length:draw"),
    "finite_batch": _later("finite_batch:draw"),
    "finite_samples": _later("finite_samples:draw"),
    "softmax": _later("softmax:draw"),
    "silent_captions": _later("silent_captions:draw"),
    "reweighting": _later("reweighting:draw_reweighting"),
    "other_objectives": _later("other_objectives:draw"),
    "networks": _later("networks:draw"),
    "accuracy_curves": _later("accuracy_curves:draw"),
    "scale_and_curation": _later("scale_and_curation:draw"),
    "repairs": _later("repairs:draw"),
}

# Name to what computes the closed forms, in double precision, which quadratures need; S1 has the simulation alone.
CURVES: dict[str, Callable[[], dict[str, np.ndarray]]] = {
    "population": _later("linearized:population_curves"),
    "zero_shot": _later("zero_shot:zero_shot_curves"),
    "group_accuracy": _later("group_accuracy:group_accuracy_curves"),
    "least_squares": _later("supervised:least_squares_curves"),
    "logistic": _later("supervised:logistic_curves"),
    "theorem62": _later("boundary:theorem62_curves"),
    "boundary": _later("boundary:boundary_curves"),
    "rate": _later("linearized:rate_curves"),
    "bayes": _later("supervised:bayes_curves"),
    "regularisation": _later("supervised:regularisation_curves"),
    "captions": _later("zero_shot:captions_curves"),
    "mutual_information": _later("critics:mutual_information_curves"),
    "infonce": _later("critics:infonce_curves"),
    "siglip": _later("critics:siglip_curves"),
    "dynamics": _later("dynamics:curves"),
    "prompts": _later("zero_shot:prompts_curves"),
    "many_classes": _later("many_classes:curves"),
    "accuracy_on_the_line": _later("group_accuracy:line_curves"),
    "unit_length": _later("unit_length:curves"),
    "finite_batch": _later("finite_batch:curves"),
    "finite_samples": _later("finite_samples:curves"),
    "softmax": _later("softmax:curves"),
    "silent_captions": _later("silent_captions:curves"),
    "reweighting": _later("reweighting:reweighting_curves"),
    "other_objectives": _later("other_objectives:curves"),
    "networks": _later("networks:curves"),
    "accuracy_curves": _later("accuracy_curves:curves"),
    "scale_and_curation": _later("scale_and_curation:curves"),
    "repairs": _later("repairs:curves"),
}


# What each figure says: its title.
MESSAGES = {
    "linearized": "Gradient descent ends at the closed form, for every width of the embedding",
    "population": "The covariance as derived fits the samples; the printed one does not",
    "zero_shot": "The prompt that is the class's mean leans more on the background than the label alone",
    "group_accuracy": "A rule's accuracy in each group is a closed form, for every dimension of the image",
    "least_squares": "Least squares leans on the background the more, the more often it agrees with the label",
    "logistic": "Logistic regression leans on the background the more, the more often it agrees with the label",
    "theorem62": "The printed bound fails in part of the plane; the exact threshold does not",
    "boundary": "Which learner is more robust depends on how much the invariant feature varies within a class",
    "rate": "A sample's squared error falls as one over its size, whatever the dimension",
    "bayes": "What a background tells the Bayes classifier saturates",
    "regularisation": "A strong penalty makes logistic regression the difference of the class means",
    "captions": "With the label prompt the linearised loss does not see how often captions mention the background",
    "mutual_information": "What InfoNCE and the sigmoid loss aim at, as counted and in closed form",
    "infonce": "With captions of the class alone, image to text is logistic regression",
    "siglip": "On captions of the class alone the sigmoid loss learns what InfoNCE's half text to image does",
    "dynamics": "Training first learns one direction, and the prompts part later",
    "prompts": "No prompt surpasses the one that ignores the background",
    "many_classes": "Shared features make least squares lean more on the background, and the linearised loss less, "
    "unless captions name the class alone",
    "accuracy_on_the_line": "Rules of one reliance lie on a ray through one half",
    "unit_length": "On embeddings of unit length the optimum is known, and trained encoders come near it",
    "finite_batch": "From batches of sixty-four pairs on, every rule is within two points of its limit",
    "finite_samples": "For InfoNCE a sample leaves more open with the class-mean prompt; intervals from four hundred "
    "pairs cover as often as stated",
    "softmax": "Shared features make softmax regression lean more on the background",
    "silent_captions": "The more captions name the background, the better linear encoders do, and the worse a free "
    "text encoder beside linear images",
    "reweighting": "Groups of equal mass ignore the background; each other rule has its own share",
    "other_objectives": "SupCon does as least squares does, whatever the prompt; with captions that describe the "
    "background, nCLIP's two clusters are the backgrounds",
    "networks": "Eight trained hidden units already order captions and prompts as unrestricted functions do",
    "accuracy_curves": "Models that differ in how well they see the animal lie on a curve steeper than the diagonal; "
    "noise makes a flatter one",
    "scale_and_curation": "Balancing whole captions leaves a third of the correlation; single words leave all",
    "repairs": "Which repair is right depends on the loss and on what captions say",
}


def load(folder: Path, name: str) -> Evidence:
    """The simulated points of the statement with this name, from `theorems/NAME.json` in the folder, or as shipped.

    Raises:
        InputError: there is no such file, it is not such a result, or it lacks a panel or a series.
    """
    saved = statement(name)
    file = saved.folder(folder) / saved.files[0]
    remedy = f"make it with: {command([saved], folder)}"
    content = read_json(file, "simulation of a statement", remedy, ("panels",))
    try:
        return from_dict(content["panels"], STATEMENTS[name].panels)
    except InputError as error:
        raise InputError(f"{file} is of another version, it {error}; {remedy}") from error


def statement_figure(name: str) -> FigureSpec:
    """The register's entry of a statement, named as its file in `theory/statements/`."""

    def draw(context: "Context") -> "Figure":
        curves = load_curves(context.results, name) if name in CURVES else Curves({})
        return DRAW[name](load(context.results, name), curves)

    return FigureSpec(
        name,
        f"{STATEMENTS[name].label}: {STATEMENTS[name].title}",
        f"closed forms of theory/statements/{name}.py as lines, simulation by python -m sims.theorems as markers",
        "Bars: 95% over independent draws (normal), often within the marker; quantities of the model have no unit",
        draw,
        (statement(name), *((closed_forms(name),) if name in CURVES else ())),
        MESSAGES.get(name, ""),
    )
