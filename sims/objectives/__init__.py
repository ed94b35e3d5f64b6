"""The training objectives, one a file; a table of them; and objectives of one's own."""

from sims.objectives.objective import Objective
from sims.objectives.own import AnyObjective, find_objective
from sims.objectives.table import DEFAULT, LINEAR_ONLY, OBJECTIVES, SUPERVISED

__all__ = ["DEFAULT", "LINEAR_ONLY", "OBJECTIVES", "SUPERVISED", "AnyObjective", "Objective", "find_objective"]
