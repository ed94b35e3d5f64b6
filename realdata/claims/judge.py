"""Verdicts, corrected for how many questions are asked on the whole page.

Benjamini and Hochberg's correction over all rows, whatever their claim: of the verdicts that are not `inconclusive`, 5%
at most are expected to be wrong. It stays valid where tests are positively dependent, as the same question in several
settings is. Holm's correction, by which the chance of even one wrong verdict is 5%, is given beside it: it charges for
each setting anew, so that a question which is asked in more settings becomes harder to answer.

A row enters with the smaller of its p-values for the claim and for the opposite. Both are two-sided, so that the two
together are wrong as often as one says.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests

from realdata.claims.claim_test import LEVEL, ClaimTest

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"


def judge(rows: Sequence[ClaimTest]) -> list[ClaimTest]:
    """The rows with corrected p-values and verdicts, in their order."""
    if not rows:
        return []
    deciding = np.array([_deciding(row) for row in rows])
    naive = np.array([(1.0, 1.0) if row.undecidable else (row.p_value, row.p_value_opposite) for row in rows])
    holm = multipletests(deciding.min(axis=1), alpha=LEVEL, method="holm")[1]
    corrected, verdicts = _verdicts(deciding)
    _, verdicts_naive = _verdicts(naive)
    return [
        dataclasses.replace(
            row,
            p_value_deciding=float(deciding[index].min()),
            p_value_corrected=float(corrected[index]),
            p_value_holm=float(holm[index]),
            verdict=verdicts[index],
            verdict_naive=verdicts_naive[index],
        )
        for index, row in enumerate(rows)
    ]


def _deciding(row: ClaimTest) -> tuple[float, float]:
    if row.undecidable:
        return 1.0, 1.0
    if row.decides == "clustered" and row.clustered is not None:
        return row.clustered.p_value, row.clustered.p_value_opposite
    return row.p_value, row.p_value_opposite


def _verdicts(p_values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Corrected p-values, shape (rows,), and verdicts, from those of claim and opposite, shape (rows, 2)."""
    smaller = p_values.min(axis=1)
    rejected, corrected = multipletests(smaller, alpha=LEVEL, method="fdr_bh")[:2]
    cut = float(smaller[rejected].max(initial=-1.0))
    return corrected, [
        SUPPORTED if claim <= cut else NOT_SUPPORTED if opposite <= cut else INCONCLUSIVE
        for claim, opposite in p_values
    ]
