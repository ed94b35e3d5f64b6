"""Models whose accuracy is known class by class: the paper's, the replication's and added ones, with their drops."""

import dataclasses

import numpy as np
import pandas as pd

from paper_figs.context import Context
from paper_figs.looks import DATA, drop_intervals

_SETUP = "1v1000"  # in which the class-wise accuracies were measured
_BACKBONES = ("ConvNext/BW", "ViT/B/32", "ViT/B/16", "ViT/L/14", "ViT/H/14", "ViT/G/14", "ViT/bigG/14")


@dataclasses.dataclass(frozen=True)
class ClassModel:
    """One model's class-wise drops.

    Attributes:
        name: backbone and pre-training data, or an added model's name.
        source: `paper`, `replication` or `added`.
        classes: indexed by ImageNet index, in the order of Fig. 3: `label`, `common` and `counter` in %, `drop`,
            and its 95% interval `low` and `high` in points; NaN where the class is missing.
    """

    name: str
    source: str
    classes: pd.DataFrame


def class_models(context: Context) -> list[ClassModel]:
    """Every model with class-wise accuracies, by source, pre-training data and size."""
    models = []
    for source, table in context.classwise.items():
        found: dict[tuple[str, str], pd.DataFrame] = {
            (str(pretrain), str(backbone)): frame
            for (pretrain, backbone), frame in table.groupby(["pretrain", "backbone"], sort=False)
        }
        for pretrain, backbone in sorted(found, key=_order):
            name = f"{backbone} {pretrain}"
            models.append(ClassModel(name, source, _with_drops(found[pretrain, backbone], context)))
    for number, model in context.added_in(_SETUP, "simple"):
        models.append(ClassModel(f"{number}: {model.name}", "added", _with_drops(model.classes, context)))
    return models


def by_mean_drop(models: list[ClassModel]) -> pd.DataFrame:
    """The classes by their mean drop over published models, least first.

    Returns:
        Indexed by ImageNet index: `label`, `mean`, and `low` and `high`, the means of the models' ends: as if their
        errors were perfectly correlated, since they saw the same photos; `least` and `most` of any model.
    """
    published = [model.classes for model in models if model.source != "added"]
    stacked = {column: pd.concat([frame[column] for frame in published], axis=1) for column in ("drop", "low", "high")}
    summary = pd.DataFrame(
        {
            "label": published[0]["label"],
            "mean": stacked["drop"].mean(axis=1),
            "low": stacked["low"].mean(axis=1),
            "high": stacked["high"].mean(axis=1),
            "least": stacked["drop"].min(axis=1),
            "most": stacked["drop"].max(axis=1),
        }
    )
    return summary.sort_values("mean", kind="stable")


def _order(key: tuple[str, str]) -> tuple[int, int, str]:
    pretrain, backbone = key
    data = list(DATA).index(pretrain) if pretrain in DATA else len(DATA)
    return data, _BACKBONES.index(backbone) if backbone in _BACKBONES else len(_BACKBONES), backbone


def _with_drops(found: pd.DataFrame, context: Context) -> pd.DataFrame:
    """All classes of Fig. 3, with the model's accuracies where it has them; its own photo counts, else the printed."""
    classes = context.tables.classes.set_index("imagenet_index")
    own = found.set_index(found["imagenet_index"].astype(float)).reindex(classes.index)
    frame = pd.DataFrame({"label": classes["label"], "common": own["common"], "counter": own["counter"]})
    for column in ("common_photos", "counter_photos"):
        frame[column] = own[column] if column in own else classes[column]
    frame["drop"] = frame["common"] - frame["counter"]
    with np.errstate(invalid="ignore"):
        frame["low"], frame["high"] = drop_intervals(frame)
    return frame
