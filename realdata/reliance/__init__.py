"""The theory put to published accuracies: S19's one reliance, by averages, class by class, and what it lacks."""

from realdata.reliance.study import Study, study

__all__ = ["Study", "study"]
