"""C3, C4 and C5: the drops of models that differ in one property and share another.

Least squares over the CLIPs of a setting, with an intercept for each data set (C3) or backbone (C4, C5), so that only
models that share it are compared:

- C3, larger backbones lose less: against the logarithm of the image tower's parameters, data set by data set.
- C4, more pre-training data alone does not help: against the logarithm of the number of pairs, backbone by backbone,
  over sets that were not filtered for quality. "Does not help" is supported if the drop shrinks by less than `MARGIN`
  points for ten times the data, and contradicted if it shrinks at all.
- C5, better filtered data helps: filtered against other sets, backbone by backbone.

Each is tested on the drop, and on effective robustness if ImageNet models were measured in the same way. The reason for
the second: larger models and better data raise accuracy, and the drop of any model shrinks with higher accuracy. Models
without a counterpart that shares the property give no information; they are left out and counted.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

from published.tables import PublishedTables
from realdata.claims.c2_robustness import setting_line, setting_robustness
from realdata.claims.claim_test import SINGLE_CLUSTER, ClaimTest, model_figures, record_test
from realdata.claims.hypothesis import Hypothesis, Line, clusters_of, negative, positive, regression
from realdata.claims.settings import Setting, image_tower_parameters, is_filtered, is_published, pretraining_pairs

MARGIN = 2.0  # points for ten times the data: an eighth of the CLIPs' mean drop in Table 3
_PER_TENFOLD = "points per tenfold"
_WORDS = {"pretrain": "pre-training data", "backbone": "backbone"}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A property in which models differ.

    Attributes:
        claim: the claim about it.
        question: the question in a few words, without the measure.
        shared: the column that compared models have in common.
        term: takes the models and their file, and gives the property's value for each.
        kept: takes the models and their file, and tells which models take part.
        drop: the hypothesis about its coefficient for the drop.
        robustness: the hypothesis about its coefficient for effective robustness.
    """

    claim: str
    question: str
    shared: str
    term: Callable[[pd.DataFrame, str], pd.Series]
    kept: Callable[[pd.DataFrame, str], pd.Series]
    drop: Hypothesis
    robustness: Hypothesis


def _every(models: pd.DataFrame, file: str) -> pd.Series:
    return pd.Series(True, index=models.index)


DIFFERENCES = (
    Difference(
        "C3",
        "model size",
        "pretrain",
        lambda models, file: np.log10(image_tower_parameters(models, file)),
        _every,
        negative("larger backbones lose no less", _PER_TENFOLD),
        positive("larger backbones are no more robust than their accuracy makes them", _PER_TENFOLD),
    ),
    Difference(
        "C4",
        "data size",
        "backbone",
        lambda models, file: np.log10(pretraining_pairs(models, file)),
        lambda models, file: ~is_filtered(models, file),
        Hypothesis(
            f"ten times the data shrinks the drop by {MARGIN:g} points or more",
            _PER_TENFOLD,
            ((-MARGIN, 1),),
            (0.0, -1),
        ),
        Hypothesis(
            f"ten times the data raises effective robustness by {MARGIN:g} points or more",
            _PER_TENFOLD,
            ((MARGIN, -1),),
            (0.0, 1),
        ),
    ),
    Difference(
        "C5",
        "filtered data",
        "backbone",
        lambda models, file: is_filtered(models, file).astype(float),
        _every,
        negative("filtered data shrinks the drop by nothing", "points"),
        positive("filtered data makes models no more robust than their accuracy does", "points"),
    ),
)


def ask_difference(difference: Difference, setting: Setting, tables: PublishedTables) -> list[ClaimTest]:
    """Test the claim in one setting, on the drop and on effective robustness; nothing if no two models can be compared.

    Raises:
        InputError: a model is unknown.
    """
    compared, design = compare(difference, setting)
    if len(compared) <= design.shape[1]:
        return []
    measured: dict[str, tuple[pd.Series, Hypothesis, Line | None]] = {
        "drop": (setting.clips["common"] - setting.clips["counter"], difference.drop, None)
    }
    if len(setting.imagenet) and len(setting.clips) > 1:
        values = pd.Series(setting_robustness(setting, tables).values, index=setting.clips.index)
        measured["effective robustness"] = (values, difference.robustness, setting_line(setting, tables, compared))
    notes = [
        f"{len(compared)} of {len(setting.clips)} CLIPs have a counterpart with the same {_WORDS[difference.shared]}"
    ]
    found = []
    for name, (values, hypothesis, line) in measured.items():
        chosen_values = values[compared.index].to_numpy()
        naive, clustered = regression(chosen_values, design, clusters_of(compared), hypothesis, line)
        models = model_figures(compared, term=design[:, -1].tolist(), value=chosen_values.tolist())
        question = f"{difference.question}: {name}"
        undecidable = "" if clustered else SINGLE_CLUSTER
        found.append(
            record_test(difference.claim, question, setting, hypothesis, naive, clustered, models, notes, undecidable)
        )
    return found


def compare(difference: Difference, setting: Setting) -> tuple[pd.DataFrame, Float[np.ndarray, "models terms"]]:
    """The models that have a counterpart, and the regression's design: an intercept for each of what is shared, a term.

    Raises:
        InputError: a model is unknown.
    """
    # Models that were evaluated here need not be among those whose size and data are known; published ones must.
    asked = setting.clips[is_published(setting.clips)] if setting.source == "added" else setting.clips
    chosen = asked[difference.kept(asked, setting.file)]
    term = difference.term(chosen, setting.file)
    compared = chosen[term.groupby(chosen[difference.shared]).transform("nunique") > 1]
    shared = pd.get_dummies(compared[difference.shared], dtype=float).to_numpy()
    return compared, np.column_stack([shared, term[compared.index].to_numpy(dtype=float)])
