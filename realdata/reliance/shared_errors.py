"""Tests of a line where all models saw the same photos, so that their errors are correlated by an unknown amount.

Let the models' standardised residuals from a line have one correlation rho, between 0 (independent) and 1 (a hard photo
is hard for every model). Of the line's chi-square with d degrees of freedom, the direction in which all models move
together has the variance 1 - rho + rho M f, where f is the share of that direction that the line's own parameters do
not take up and M the number of models; the other d - 1 have the variance 1 - rho. The p-value given here is the largest
over rho, so that a rejection needs no assumption about it. For models far from the origin a ray takes up most of the
common movement, and the largest is that of independent errors; for a line with an intercept f is 0.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import chi2, norm

_CORRELATIONS = np.linspace(0.0, 1.0, 21)
# Of a normal variable's absolute value, far into its tail; the integrand is smooth but for one corner.
_PLACES, _SHARES = np.polynomial.legendre.leggauss(400)
_REACH = 9.0


def left_share(
    weights: Float[np.ndarray, "classes models"], design: Float[np.ndarray, "classes models parameters"]
) -> Float[np.ndarray, " classes"]:
    """f: share of a common movement of all standardised residuals that a line's parameters do not take up.

    Args:
        weights: inverse variances of the residuals; 0 for a model that takes no part.
        design: derivatives of the line by its free parameters.
    """
    root = np.sqrt(weights)
    together = (weights > 0).astype(float)
    tangents = root[..., None] * design
    solved = np.einsum(
        "cij,cmj,cm->ci", np.linalg.pinv(np.einsum("cmi,cmj->cij", tangents, tangents)), tangents, together
    )
    left = together - np.einsum("cmi,ci->cm", tangents, solved)
    return np.sum(left**2, axis=1) / np.sum(together, axis=1)


def largest_p_value(
    chi_square: Float[np.ndarray, " classes"],
    freedom: Int[np.ndarray, " classes"],
    models: Int[np.ndarray, " classes"],
    left: Float[np.ndarray, " classes"],
) -> Float[np.ndarray, " classes"]:
    """Largest p-value over the correlation of the models' errors.

    Args:
        chi_square: of each class's residuals.
        freedom: its degrees of freedom, at least 2.
        models: how many.
        left: f of each class.
    """
    z = (_PLACES + 1) / 2 * _REACH
    mass = _SHARES * _REACH * norm.pdf(z)
    most = chi2.sf(chi_square, freedom)
    for rho in _CORRELATIONS[1:]:
        together = (1 - rho + rho * models * left)[:, None] * z**2
        rest = chi_square[:, None] - together
        tail = chi2.sf(rest / (1 - rho), (freedom - 1)[:, None]) if rho < 1 else (rest < 0).astype(float)
        most = np.maximum(most, tail @ mass)
    return np.minimum(most, 1.0)
