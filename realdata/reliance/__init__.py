"""Tests of the theory's S19, one reliance per family, on published accuracies: by averages and class by class."""
