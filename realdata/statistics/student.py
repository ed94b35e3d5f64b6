"""Student's distribution for single numbers, which `scipy.stats` gives for arrays in a hundred times the time."""

from scipy.special import stdtr, stdtrit


def tail(value: float, freedom: float) -> float:
    """The probability of more than a value; infinite degrees of freedom make it the normal distribution's."""
    return float(stdtr(freedom, -value))


def quantile(probability: float, freedom: float) -> float:
    """The value below which a draw lies with a probability."""
    return float(stdtrit(freedom, probability))
