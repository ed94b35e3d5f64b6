"""Objectives by name; this is where a new one is added."""

from sims.objectives.infonce import INFONCE, INFONCE_BILINEAR, INFONCE_IMAGE_TO_TEXT, INFONCE_TEXT_TO_IMAGE
from sims.objectives.linearized import LINEARIZED
from sims.objectives.siglip import SIGLIP
from sims.objectives.supervised import LEAST_SQUARES, LOGISTIC

OBJECTIVES = {
    objective.name: objective
    for objective in (
        *(LINEARIZED, INFONCE, INFONCE_BILINEAR, INFONCE_IMAGE_TO_TEXT, INFONCE_TEXT_TO_IMAGE, SIGLIP),
        *(LEAST_SQUARES, LOGISTIC),
    )
}
# What the main job trains unless told otherwise: the directions alone are asked for by name.
DEFAULT = tuple(name for name in OBJECTIVES if not name.endswith(("image_to_text", "text_to_image")))
LINEAR_ONLY = (LINEARIZED.name,)  # whose loss is a formula in the encoders' matrices
SUPERVISED = tuple(name for name, objective in OBJECTIVES.items() if not objective.contrastive)
