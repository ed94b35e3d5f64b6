"""The theory put to published accuracies: S19's one reliance, by averages, class by class, and what it lacks."""
