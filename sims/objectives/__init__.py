"""The training objectives, one a file; this table is where a new one is added."""

from sims.objectives.infonce import INFONCE
from sims.objectives.infonce_bilinear import INFONCE_BILINEAR
from sims.objectives.least_squares import LEAST_SQUARES
from sims.objectives.linearized import LINEARIZED
from sims.objectives.logistic import LOGISTIC
from sims.objectives.objective import Objective
from sims.objectives.siglip import SIGLIP

OBJECTIVES = {
    objective.name: objective for objective in (LINEARIZED, INFONCE, INFONCE_BILINEAR, SIGLIP, LEAST_SQUARES, LOGISTIC)
}
SUPERVISED = tuple(name for name, objective in OBJECTIVES.items() if not objective.contrastive)

__all__ = ["OBJECTIVES", "SUPERVISED", "Objective"]
