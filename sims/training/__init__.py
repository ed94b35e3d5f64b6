"""Training: the optimiser step, the loop that records and resumes it, and how it is laid over devices."""
