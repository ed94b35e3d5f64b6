"""The evaluator: any model on CounterAnimal's photos, as the paper evaluates, with intervals.

Nothing is imported here, since the processes that decode photos import this package without JAX.
"""
