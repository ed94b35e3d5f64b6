"""The selection of photos by a model's mistakes, as for CounterAnimal, and the drop that it makes by itself."""
