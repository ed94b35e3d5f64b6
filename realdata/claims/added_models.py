"""The user's own evaluated models, beside the published ones: `--with DIR`, their summaries, and their settings."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.settings import Setting
from realdata.models.registry import find_published
from realdata.names import OPENAI80, PAPER, PREFIX
from realdata.statistics.photo_error import class_proportions
from workbench.conventions import GROUPS
from workbench.errors import InputError
from workbench.results import read_json

EVALUATIONS = "evaluations"  # the folder of a replication that holds them
_CLASS_COLUMNS = ("class_index", "label", *GROUPS, *(f"{group}_photos" for group in GROUPS))
_FAMILIES = {"jax": "clip", "open_clip": "clip", "torchvision": "imagenet", "timm": "imagenet", "lvlm": "lvlm"}
_PROMPTS = {PAPER: "simple", OPENAI80: "openai80", None: "none"}  # to the published tables' words


@dataclasses.dataclass(frozen=True)
class AddedModel:
    """One evaluated model; accuracies in %.

    Attributes:
        name: the name in figures and tables.
        backbone: the published tables' name of its backbone; if they do not have it, the model's name.
        pretrain: the published tables' name of its data; if they do not have it, empty.
        family: `clip`, `imagenet` or `lvlm`; `other` for scores from a file.
        setup: `1v1000`, `1v20` or another.
        prompt: `simple`, `openai80`, `none` for a model that reads no prompts, or the prompt itself.
        accuracies: `balanced` and `unbalanced` to the accuracies of both groups.
        intervals: 95% intervals over photos of the class-balanced accuracy of each group, and of their `drop`.
        classes: a row for each class: `imagenet_index`, `label`, `common`, `counter`, `common_photos` and
            `counter_photos`.
        robustness: effective robustness against the published ImageNet models: `value` and `interval` in points, or
            only the `reason` for its absence.
        reliance: the index of spurious reliance (S19): `value` and `interval`, or only the `reason` for its absence.
        folder: the evaluation's folder.
    """

    name: str
    backbone: str
    pretrain: str
    family: str
    setup: str
    prompt: str
    accuracies: dict[str, tuple[float, float]]
    intervals: dict[str, tuple[float, float]]
    classes: pd.DataFrame
    robustness: dict[str, Any]
    reliance: dict[str, Any]
    folder: Path


def read_added_models(directories: Sequence[Path]) -> tuple[AddedModel, ...]:
    """Read the `summary.json` of evaluations; models with one name get their folders' names too.

    Args:
        directories: folders of evaluations, or of replications, which hold many.

    Raises:
        InputError: a folder has no summary, or one of another version, without a value that the message names.
    """
    models = [_read(inside) for directory in directories for inside in _evaluations_in(directory)]
    names = [model.name for model in models]
    return tuple(
        dataclasses.replace(model, name=f"{model.name} ({model.folder})") if names.count(model.name) > 1 else model
        for model in models
    )


def _evaluations_in(directory: Path) -> list[Path]:
    finished = sorted(path.parent for path in directory.glob(f"{EVALUATIONS}/*/summary.json"))
    return [directory] if (directory / "summary.json").exists() or not finished else finished


def _read(directory: Path) -> AddedModel:
    path = directory / "summary.json"
    try:
        content = read_json(path, "summary of an evaluation", "name a folder that python -m realdata.evaluate wrote")
    except InputError as error:
        raise InputError(f"`with`: {error}") from error
    if content.get("mask"):
        raise InputError(f"`with`: {path} is of photos without background; published models saw whole photos")
    try:
        return _read_content(content, directory)
    except KeyError as error:
        raise InputError(f"`with`: {path} is of another version: it lacks {error}; evaluate the model again") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"`with`: {path} holds no summary of an evaluation: {error}") from error


def _read_content(content: Mapping[str, Any], directory: Path) -> AddedModel:
    groups = {group: content["groups"][group] for group in GROUPS}
    classes = pd.DataFrame([{key: row[key] for key in _CLASS_COLUMNS} for row in content["classes"]])
    numbers = [*GROUPS, *(f"{group}_photos" for group in GROUPS)]
    classes[numbers] = classes[numbers].astype(float)
    prompt = content["prompt"]
    model = str(content["model"])
    published = find_published(model) if model.startswith(PREFIX) else None
    # The name as in the paper, or the last part of a path or of a hub's name.
    name = published.name if published else model.rstrip("/").rpartition("/")[2]
    return AddedModel(
        name=name,
        backbone=published.backbone if published else name,
        pretrain=published.pretrain if published else "",
        family=published.family if published else _FAMILIES.get(str(content.get("kind")), "other"),
        setup=str(content["setup"]),
        prompt=_PROMPTS.get(prompt, str(prompt)),
        accuracies={
            averaging: (float(groups["common"][key]), float(groups["counter"][key]))
            for averaging, key in (("balanced", "accuracy"), ("unbalanced", "accuracy_unbalanced"))
        },
        intervals={
            **{group: _ends(value["interval"]) for group, value in groups.items()},
            "drop": _ends(content["drop"]["interval"]),
        },
        classes=classes.rename(columns={"class_index": "imagenet_index"}),
        robustness=dict(content["effective_robustness"]),
        reliance=dict(content["reliance"]),
        folder=directory,
    )


def _ends(interval: Sequence[float]) -> tuple[float, float]:
    low, high = interval
    return float(low), float(high)


def added_settings(models: Sequence[AddedModel], tables: PublishedTables, family: str) -> Iterator[Setting]:
    """Yield a setting for each setup, prompt and averaging in which models of a family were evaluated.

    Args:
        models: the evaluated models.
        tables: the published tables; their ImageNet models measured in the same way, and evaluated ones, are the
            baseline.
        family: the family of the models that the setting has as its CLIPs, `clip` or `lvlm`.
    """
    results = tables.results
    asked = dict.fromkeys((model.setup, model.prompt) for model in models if model.family == family)
    for setup, prompt in asked:
        for averaging in ("balanced", "unbalanced"):
            rows = _rows([model for model in models if model.setup == setup], averaging)
            published = results[
                (results["family"] == "imagenet") & (results["setup"] == setup) & (results["averaging"] == averaging)
            ]
            imagenet = pd.concat([published, rows[rows["family"] == "imagenet"]], ignore_index=True)
            chosen = rows[(rows["family"] == family) & (rows["prompt"] == prompt)]
            used = tuple(dict.fromkeys(published["table"]))
            yield Setting("added", used, setup, prompt, averaging, "included", chosen, imagenet if used else published)


def not_asked(models: Sequence[AddedModel], tables: PublishedTables) -> list[dict[str, str]]:
    """List the questions that evaluated models cannot answer, with the `reason`; `question` begins with the name."""
    setups = set(tables.results.loc[tables.results["family"] == "imagenet", "setup"])
    found = []
    for model in models:
        if model.family == "imagenet":
            reason = "it is no CLIP, but joins the line that CLIPs of its setup are compared with"
            found.append({"claim": "C1 to C6", "question": model.name, "reason": reason})
        elif model.family == "other":
            reason = "its kind is not known, as with --scores; its drop and effective robustness stand in summary.json"
            found.append({"claim": "C1 to C6", "question": model.name, "reason": reason})
        elif model.family == "clip" and model.setup not in setups:
            reason = f"no ImageNet models are published for {model.setup}"
            found.append({"claim": "C2", "question": f"{model.name}, effective robustness", "reason": reason})
    return found


def _rows(models: Sequence[AddedModel], averaging: str) -> pd.DataFrame:
    """The columns of `results.csv`, and the standard errors of both accuracies in points."""
    rows = []
    for model in models:
        values: dict[str, str | float] = {
            "table": "",
            "setup": model.setup,
            "prompt": model.prompt,
            "averaging": averaging,
            "family": model.family,
            "backbone": model.backbone,
            "pretrain": model.pretrain,
            "checkpoint": "" if model.pretrain else str(model.folder),
        }
        for group, accuracy in zip(GROUPS, model.accuracies[averaging], strict=True):
            values[group] = accuracy
            values[f"{group}_stderr"] = accuracy_error(model.classes, group, averaging)
        rows.append(values)
    return pd.DataFrame(rows)


def accuracy_error(classes: pd.DataFrame, group: str, averaging: str) -> float:
    """The standard error in points, for photos sampled class by class; 0 and 100% become half a photo away from it.

    Args:
        classes: as in `AddedModel`.
        group: `common` or `counter`.
        averaging: `balanced` or `unbalanced`.
    """
    there = classes[classes[f"{group}_photos"] > 0]
    photos = there[f"{group}_photos"].to_numpy()
    shares = class_proportions(there[group].to_numpy() / 100, photos)
    weights = np.full(len(photos), 1 / len(photos)) if averaging == "balanced" else photos / photos.sum()
    return float(100 * np.sqrt(np.sum(weights**2 * shares * (1 - shares) / photos)))
