"""C8, CLIP training grants no robustness over supervised training on the same images (Tables 7 and 8), as equivalence.

"No robustness" is a claim of equality, and a difference that is not significant does not show it. Two one-sided tests
(Schuirmann 1987) ask whether the mean difference, contrastive minus supervised, is within `MARGIN` points of accuracy
where the spurious feature misleads. The margin is that of our own controlled experiment
(docs/results/colored_digits.md). The opposite is that contrastive training is more accurate there.

- Table 8: over its settings, each a pair of learners; settings with one number of classes share digits and are
  clustered. The paper does not say over how many runs a printed deviation is. So the rows' own errors cannot be used,
  and the settings' scatter is used.
- Table 7: over its fine-tunings with a CLIP loss, each against the supervised head on the same backbone.

Table 8's contrastive objective is a sum of cross-entropies for object and background (Eq. 10). Its formula implies
equality, and it is not CLIP's loss.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from realdata.claims.claim_test import SINGLE_CLUSTER, ClaimTest, record_test
from realdata.claims.hypothesis import Hypothesis, regression
from realdata.claims.settings import Setting

MARGIN = 5.0  # points
EQUAL = Hypothesis(
    f"contrastive and supervised training differ by {MARGIN:g} points or more",
    "points",
    ((-MARGIN, 1), (MARGIN, -1)),
    (0.0, 1),
)
_COLUMNS = {"rev": "colours reversed", "rand": "colours random"}
_SAME_OBJECTIVE = (
    "the contrastive objective of Table 8 is Eq. 10, a cross-entropy for the object and one for the background; with "
    "CLIP's own loss on such pictures the answer is another (docs/results/colored_digits.md)"
)


def ask_training(multicolored_mnist: pd.DataFrame, colored_coco: pd.DataFrame) -> Iterator[ClaimTest]:
    """Ask on both tables whether contrastive and supervised training are equally accurate.

    Args:
        multicolored_mnist: Table 8, from `published.tables.read_multicolored_mnist`.
        colored_coco: Table 7, from `published.tables.read_colored_coco`.
    """
    wide = multicolored_mnist.pivot(index=["classes", "p_inv", "p_spu"], columns="method")
    by_classes = pd.factorize(wide.index.get_level_values("classes"))[0].astype(np.int64)
    for column, words in _COLUMNS.items():
        means = wide[f"{column}_mean"].reset_index().astype(float)
        means["difference"] = means["contrastive"] - means["supervised"]
        figures = [{str(key): value for key, value in each.items()} for each in means.to_dict("records")]
        yield _ask(words, "MultiColoredMNIST", "8", figures, {"number of classes": by_classes}, [_SAME_OBJECTIVE])

    supervised = colored_coco[colored_coco.approach == "supervised"].set_index(["backbone", "pretrain"])[
        "out_of_distribution"
    ]
    tuned = colored_coco[colored_coco.approach.isin(("obj", "objbkg"))]
    together = tuned.assign(
        contrastive=tuned["out_of_distribution"],
        supervised=supervised.loc[pd.MultiIndex.from_frame(tuned[["backbone", "pretrain"]])].to_numpy(),
    )
    together["difference"] = together["contrastive"] - together["supervised"]
    columns = ["backbone", "approach", "contrastive", "supervised", "difference"]
    figures = [{str(key): value for key, value in each.items()} for each in together[columns].to_dict("records")]
    backbones = pd.factorize(tuned["backbone"])[0].astype(np.int64)
    yield _ask("out of distribution", "ColoredCOCO", "7", figures, {"backbone": backbones}, [])


def _ask(
    question: str,
    name: str,
    table: str,
    figures: list[dict[str, Any]],
    clusters: Mapping[str, np.ndarray],
    notes: list[str],
) -> ClaimTest:
    nothing = pd.DataFrame()
    setting = Setting("paper", (table,), name, "none", "none", "none", nothing, nothing)
    differences = np.array([figure["difference"] for figure in figures])
    naive, clustered = regression(differences, np.ones((len(differences), 1)), clusters, EQUAL)
    undecidable = "" if clustered else SINGLE_CLUSTER
    return record_test("C8", question, setting, EQUAL, naive, clustered, figures, notes, undecidable)
