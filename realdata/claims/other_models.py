"""Others' measurements of other models on CounterAnimal, beside the line through the paper's ImageNet models (Table 4).

Each family shares its training data or its weights, so its models are one cluster. Nothing separates the effect from
other properties of the family, so there is no verdict. Errors within a family are naive.

- SigLIPs (OCCAM, arXiv 2504.07092): sigmoid loss, WebLI, photos squeezed to a square. S15 says that with many negatives
  and captions that name the class, the sigmoid loss has InfoNCE's optimum in the direction from text to image. So the
  loss alone should give them the CLIPs' effective robustness.
- The same source's two CLIPs, which are in Table 3 too, and AlphaCLIP, a CLIP fine-tuned to take a mask.
- A ResNet-50 fine-tuned in eight ways (H-SPLID, arXiv 2510.20627). The source does not say how it averages, so the
  distances between these models mean more than their distance from the line.
"""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from published.tables import PublishedTables, read_others
from realdata.claims.hypothesis import Effect
from realdata.statistics.effective_robustness import (
    FEWEST_FOR_LINE,
    FEWEST_FOR_MEAN,
    effective_robustness,
    robustness_of_one,
)
from realdata.statistics.photo_error import group_proportions
from workbench.conventions import GROUPS
from workbench.errors import InputError

FULL = "full photo"


@dataclasses.dataclass(frozen=True)
class OtherFamily:
    """The models of one family; accuracies in %, the rest in points.

    Attributes:
        family: the family's name.
        source: who measured the models.
        effect: mean effective robustness against Table 4's ImageNet models.
        interval: its naive 95% interval, from the spread of the models and the line's error; for a single model, the
            interval for one more ImageNet model.
        beside_clips: the mean minus the mean of Table 3's CLIPs.
        beside_clips_interval: its naive 95% interval, from the spread within both families only, since both are
            compared with one line. None for a single model.
        undecided: why there is no verdict.
        models: `name`, `common`, `counter` and `effective_robustness` of each model.
    """

    family: str
    source: str
    effect: float
    interval: tuple[float, float]
    beside_clips: float
    beside_clips_interval: tuple[float, float] | None
    undecided: str
    models: list[dict[str, Any]]


def place_others(tables: PublishedTables, occam: pd.DataFrame) -> list[OtherFamily]:
    """Compare others' models with the ImageNet models and CLIPs of Tables 3 and 4; empty if those are too few.

    Args:
        tables: the paper's tables.
        occam: `occam_counteranimal.csv`, a row for each model and view.

    Raises:
        InputError: a table cannot be read, or there is no line through Table 4's models.
    """
    if not has_line(tables):
        return []
    full = occam[occam["view"] == FULL].rename(columns={"model": "name"})
    tuned = read_others("hsplid_counteranimal.csv")
    tuned = tuned.rename(columns={"method": "name", "ca_common": "common", "ca_counter": "counter"})
    siglip = full["hub_or_tag"] == "webli"
    clip = full["hub_or_tag"] == "openai"
    groups = {
        ("SigLIPs", "OCCAM"): full[siglip],
        ("CLIPs that Table 3 has too", "OCCAM"): full[clip],
        ("AlphaCLIP", "OCCAM"): full[~siglip & ~clip],
        ("ResNet-50 tuned in eight ways", "H-SPLID"): tuned,
    }
    return [_place(family, source, models, tables) for (family, source), models in groups.items()]


def has_line(tables: PublishedTables) -> bool:
    """Whether Tables 3 and 4 have enough models for a line and a mean's error."""
    printed = tables.results["table"]
    return int((printed == "4").sum()) >= FEWEST_FOR_LINE and int((printed == "3").sum()) >= FEWEST_FOR_MEAN


def _place(family: str, source: str, models: pd.DataFrame, tables: PublishedTables) -> OtherFamily:
    results = tables.results
    line = group_proportions(results[results["table"] == "4"], tables.classes)
    clips = group_proportions(results[(results["table"] == "3") & (results["family"] == "clip")], tables.classes)
    own = group_proportions(models, tables.classes)
    try:
        of_clips = effective_robustness(*line, *clips).values
        if len(models) == 1:
            one = robustness_of_one(*line, float(own[0][0]), float(own[1][0]))
            values, effect, interval = np.array([one.value]), one.value, one.interval
        else:
            found = effective_robustness(*line, *own)
            values, effect, interval = found.values, found.mean, found.interval
    except ValueError as error:
        raise InputError(f"results.csv: Tables 3 and 4: {error}") from error
    return OtherFamily(
        family,
        source,
        effect,
        interval,
        effect - float(of_clips.mean()),
        _between(values, of_clips) if len(values) > 1 else None,
        "one family, which is one cluster",
        [
            {"name": name, "common": common, "counter": counter, "effective_robustness": value}
            for name, common, counter, value in zip(
                models["name"], *(models[group] for group in GROUPS), values.tolist(), strict=True
            )
        ],
    )


def _between(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The 95% interval of a difference of means (Welch)."""
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (first, second)]
    freedom = sum(parts) ** 2 / sum(part**2 / (len(v) - 1) for part, v in zip(parts, (first, second), strict=True))
    return Effect(float(first.mean() - second.mean()), float(np.sqrt(sum(parts))), freedom).interval
