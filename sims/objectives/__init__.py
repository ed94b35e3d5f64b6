"""The training objectives, a file for each kind; a table of them; and objectives of one's own."""

from sims.objectives.objective import Objective
from sims.objectives.table import DEFAULT, LINEAR_ONLY, OBJECTIVES, SUPERVISED, AnyObjective, find_objective

__all__ = ["DEFAULT", "LINEAR_ONLY", "OBJECTIVES", "SUPERVISED", "AnyObjective", "Objective", "find_objective"]
