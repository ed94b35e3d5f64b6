"""CounterAnimal: the published measurements, and what they say of the paper's claims."""
