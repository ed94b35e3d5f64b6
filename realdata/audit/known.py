"""Whether a table names a model or a class that no other table knows."""

from pathlib import Path

import pandas as pd

from workbench.errors import InputError


def check_known(directory: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Compare the names of models and classes across the files.

    Raises:
        InputError: naming the file, line and column of the first that stands alone.
    """
    results, hub = frames["results.csv"], frames["hub_ids.csv"]
    # An ImageNet model is known by the replication or by another table of the paper; an LVLM stands in one table only.
    imagenet = results[results["family"] == "imagenet"]
    once = {model for model, tables in imagenet.groupby(["backbone", "pretrain"])["table"] if tables.nunique() == 1}
    replicated = set(_models(frames["replication_results.csv"]).values())
    known = {name: set(_models(frame).values()) for name, frame in (("results", results), ("hub", hub))}
    for name, frame in frames.items():
        if "backbone" not in frame or name == "hub_ids.csv":  # a list of what there is, which may be longer
            continue
        for line, model in _models(frame).items():
            if name != "results.csv":
                stands = model in known["results"] | known["hub"]
            elif frame.at[line, "family"] == "imagenet":
                stands = model not in once or model in replicated
            else:
                stands = str(frame.at[line, "family"]) == "lvlm" or model in known["hub"]
            if not stands:
                raise InputError(
                    f"{directory / name}: line {line}, column 'backbone': no other file knows the model "
                    f"{' '.join(model)!r}"
                )
    for name, key in (("classwise.csv", "class_id"), ("replication_classwise.csv", "imagenet_index")):
        allowed = set(frames["classes.csv"][key])
        for line, value in zip(frames[name].index, frames[name][key], strict=True):
            if value not in allowed:
                raise InputError(
                    f"{directory / name}: line {line}, column {key!r}: classes.csv has no such class, got {value!r}"
                )


def _models(frame: pd.DataFrame) -> dict[int, tuple[str, str]]:
    pairs = zip(frame["backbone"], frame["pretrain"], strict=True)
    return {int(line): (str(model[0]), str(model[1])) for line, model in zip(frame.index, pairs, strict=True)}
