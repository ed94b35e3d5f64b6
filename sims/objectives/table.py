"""Objectives by name; this is where a new one is added."""

from sims.objectives.infonce import INFONCE, INFONCE_BILINEAR, INFONCE_IMAGE_TO_TEXT, INFONCE_TEXT_TO_IMAGE
from sims.objectives.linearized import LINEARIZED
from sims.objectives.nclip import NCLIP, XCLIP
from sims.objectives.siglip import SIGLIP
from sims.objectives.supcon import SUPCON, SUPCON_BILINEAR
from sims.objectives.supervised import LEAST_SQUARES, LOGISTIC

OBJECTIVES = {
    objective.name: objective
    for objective in (
        *(LINEARIZED, INFONCE, INFONCE_BILINEAR, INFONCE_IMAGE_TO_TEXT, INFONCE_TEXT_TO_IMAGE, SIGLIP),
        *(SUPCON, SUPCON_BILINEAR, NCLIP, XCLIP),
        *(LEAST_SQUARES, LOGISTIC),
    )
}
# What the main job trains unless told otherwise; the others are asked for by name.
DEFAULT = ("linearized", "infonce", "infonce_bilinear", "siglip", "least_squares", "logistic")
LINEAR_ONLY = (LINEARIZED.name,)  # whose loss is a formula in the encoders' matrices
SUPERVISED = tuple(name for name, objective in OBJECTIVES.items() if not objective.contrastive)
