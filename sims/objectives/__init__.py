"""The training objectives, a file for each kind; a table of them; and objectives of one's own."""

from sims.objectives.objective import Objective
from sims.objectives.table import OBJECTIVES, AnyObjective, find_objective

__all__ = ["OBJECTIVES", "AnyObjective", "Objective", "find_objective"]
