"""Conventions of all programs: levels of tests and intervals, what is mere rounding, the two groups of photos."""

# Tests are at 5%, and intervals at 95%.
LEVEL = 0.05
# Standard errors on each side of a 95% interval with a normal error: scipy's `norm.ppf(1 - LEVEL / 2)`, as a number so
# that this file need not import SciPy.
Z95 = 1.959963984540054
# The ends of a 95% interval among bootstrap draws, as percentiles.
PERCENTILES_95 = (2.5, 97.5)

# The paper's groups: photos on the usual background, and on a background that misleads.
GROUPS = ("common", "counter")
# Two closed forms of an accuracy that differ by less are equal.
ROUNDING = 1e-6
