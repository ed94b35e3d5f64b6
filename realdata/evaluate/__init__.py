"""The evaluator: any model on CounterAnimal's photos, as the paper evaluates, with intervals.

This file imports nothing, so that the processes that decode photos can import the package without JAX.
"""
