"""CR2 and its degrees of freedom by another route: dense matrices, and a contrast's quadratic form."""

import numpy as np


def bell_mccaffrey(design, values, groups, contrast):
    """The contrast's variance by CR2, and Satterthwaite's degrees of freedom.

    The variance is e'Qe in the errors e, with Q = sum_g (M A_g m_g)(...)'. Under independent errors of variance 1 its
    mean is tr Q, which is the contrast's true variance, and its variance 2 tr QQ; a chi-square of f degrees of freedom
    times a constant with the same two has f = (tr Q)^2 / tr QQ.
    """
    inverse = np.linalg.inv(design.T @ design)
    annihilator = np.eye(len(values)) - design @ inverse @ design.T
    quadratic = np.zeros_like(annihilator)
    for group in sorted(set(groups)):
        own = np.asarray(groups) == group
        left, size, right = np.linalg.svd(np.linalg.pinv(annihilator[np.ix_(own, own)], rcond=1e-9))
        root = left @ np.diag(np.sqrt(size)) @ right
        column = annihilator[:, own] @ root @ design[own] @ inverse @ contrast
        quadratic += np.outer(column, column)
    return values @ quadratic @ values, np.trace(quadratic) ** 2 / np.trace(quadratic @ quadratic)
