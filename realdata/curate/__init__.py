"""Choosing photos by a model's mistakes, as CounterAnimal was made, and what that alone does."""
