"""One model of both sources: what a second measurement of largely the same checkpoints on the same photos adds.

Each CLIP's effective robustness is its distance from the line of its own source's ImageNet models, in points. In one
model of both,

    distance of CLIP i in source s = mean + what its data set's models share + what its architecture's do
                                     + its own + what the measurement adds,

with variances by restricted maximum likelihood (`realdata.statistics.components`). Paper and replication saw the same
photos, so that the photos' error is not in the measurement's. The error of the mean with both sources, beside that with
the paper's rows alone at the same variances, says what the second adds: it averages out what measurement adds, and
nothing else. There are no more photos, data sets and architectures than before.

Normal errors, the variances taken as known, without the line's: these compare two sums of data; they judge no claim.
"""

import dataclasses

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.c2_robustness import setting_robustness
from realdata.claims.hypothesis import clusters_of
from realdata.claims.settings import Setting, settings
from realdata.statistics.components import Components, covariance_of, fit_components
from workbench.conventions import Z95

_NAME = ["backbone", "pretrain"]
_WAYS = ("pre-training data", "architecture", "checkpoint")


@dataclasses.dataclass(frozen=True)
class BothSources:
    """The mean effective robustness of the CLIPs from both sources together; in points.

    Attributes:
        models: CLIPs of the paper.
        repeated: how many of them the replication measured too.
        added: CLIPs that it alone measured.
        effect: their mean, with both sources.
        stderr: its error.
        interval: 95%.
        effect_alone: the same from the paper's rows alone, at the same variances, and so the next.
        stderr_alone: its error.
        gained: by how many percent the second source makes the mean's variance smaller.
        deviations: standard deviations, by what they belong to; `measurement` is what a source adds.
        apart: repeated models whose two values are furthest apart, as `backbone pretrain`, with the difference.
    """

    models: int
    repeated: int
    added: int
    effect: float
    stderr: float
    interval: tuple[float, float]
    effect_alone: float
    stderr_alone: float
    gained: float
    deviations: dict[str, float]
    apart: tuple[str, float]


def compare_sources(tables: PublishedTables) -> BothSources | None:
    """Fit one model to both sources' CLIPs, in the main setting, without the model that selected the photos.

    Args:
        tables: the averages as printed.

    Returns:
        None where a source has no such setting.
    """
    found = {
        setting.source: setting
        for setting in settings(tables)
        if setting.selector == "excluded"
        and (setting.setup, setting.prompt, setting.averaging) == ("1v1000", "simple", "balanced")
        and len(setting.imagenet)
        and setting.tables[:1] in (("3",), ())
    }
    if set(found) != {"paper", "replication"}:
        return None
    rows = pd.concat([_distances(found[source], tables) for source in ("paper", "replication")], ignore_index=True)
    return fit_sources(rows)


def _distances(setting: Setting, tables: PublishedTables) -> pd.DataFrame:
    values = setting_robustness(setting, tables).values
    return setting.clips[_NAME].assign(source=setting.source, value=values)


def fit_sources(rows: pd.DataFrame) -> BothSources:
    """Fit the model.

    Args:
        rows: `backbone`, `pretrain`, `source` and `value` of each measurement; `paper` is the first source.
    """
    values, ones = rows["value"].to_numpy(), np.ones((len(rows), 1))
    names = rows[_NAME].agg(" ".join, axis=1)
    ways = clusters_of(rows) | {"checkpoint": pd.factorize(names)[0].astype(np.int64)}
    fitted = fit_components(values, ones, ways)
    own = (rows["source"] == "paper").to_numpy()
    alone = _mean(values[own], {way: labels[own] for way, labels in ways.items()}, fitted)
    both = _mean(values, ways, fitted)
    wide = rows.assign(name=names).pivot(index="name", columns="source", values="value")
    differences = (wide["replication"] - wide["paper"]).dropna()
    furthest = str(differences.abs().idxmax())
    return BothSources(
        models=int(own.sum()),
        repeated=len(differences),
        added=int(wide["paper"].isna().sum()),
        effect=both[0],
        stderr=both[1],
        interval=(both[0] - Z95 * both[1], both[0] + Z95 * both[1]),
        effect_alone=alone[0],
        stderr_alone=alone[1],
        gained=100 * (1 - (both[1] / alone[1]) ** 2),
        deviations={way: fitted.variances[way] ** 0.5 for way in _WAYS}
        | {"measurement": fitted.variances["model"] ** 0.5},
        apart=(furthest, float(differences[furthest])),
    )


def _mean(values: np.ndarray, ways: dict[str, np.ndarray], fitted: Components) -> tuple[float, float]:
    """The mean by generalised least squares, and its error."""
    weights = np.linalg.solve(covariance_of(ways, fitted.variances), np.ones(len(values)))
    return float(weights @ values / weights.sum()), float(weights.sum() ** -0.5)
