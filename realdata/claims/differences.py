"""C3, C4 and C5: what models lose that differ in one thing and share another.

Least squares over the CLIPs of a setting, with an intercept for each data set (C3) or backbone (C4, C5), so that only
models which share it are compared:

- C3, larger backbones lose less: against the logarithm of the image tower's parameters, data set by data set.
- C4, more pre-training data alone does not help: against the logarithm of the number of pairs, backbone by backbone,
  over sets that were not filtered for quality. "Does not help" is supported where the drop shrinks by less than
  `MARGIN` points for ten times the data, and contradicted where it shrinks at all.
- C5, better filtered data helps: filtered against other sets, backbone by backbone.

Each is asked of the drop, and of effective robustness where ImageNet models were measured in the same way: larger
models and better data raise accuracy, and with it the drop shrinks for any model. Models without a counterpart that
shares what must be shared say nothing, and are left out and counted.
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
    """One thing in which models differ.

    Attributes:
        claim: that speaks of it.
        question: in a few words; what is measured is added to it.
        shared: the column that compared models have in common.
        term: of each model, given the models and their file.
        kept: which models are asked, given the same.
        drop: about its coefficient where the drop is measured.
        robustness: the same for effective robustness.
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
    """Ask the claim in one setting, of the drop and of effective robustness; nothing where no two models compare.

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
