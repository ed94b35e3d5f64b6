"""Evaluations of `realdata.evaluate` beside the published models: `--with DIR`."""

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from realdata.evaluate.candidates import OPENAI80, PAPER
from realdata.models.registry import PREFIX, find_published
from realdata.photos.folders import GROUPS
from workbench import program
from workbench.errors import InputError

_CLASS_COLUMNS = ("class_index", "label", *GROUPS, *(f"{group}_photos" for group in GROUPS))
_FAMILIES = {"jax": "clip", "open_clip": "clip", "torchvision": "imagenet", "timm": "imagenet", "lvlm": "lvlm"}
_PROMPTS = {PAPER: "simple", OPENAI80: "openai80", None: "none"}  # in the published tables' words


@dataclasses.dataclass(frozen=True)
class AddedModel:
    """One evaluated model; accuracies in %.

    Attributes:
        name: as figures and tables show it.
        backbone: as the published tables name it, where they do; else the name.
        pretrain: likewise; else nothing.
        family: `clip`, `imagenet` or `lvlm`; `other` for scores from elsewhere.
        setup: `1v1000`, `1v20` or another.
        prompt: `simple`, `openai80`, `none` for a model that reads none, or the prompt itself.
        accuracies: `balanced` and `unbalanced` to the accuracies of both groups.
        intervals: 95%, over photos, of the class-balanced accuracy of each group, and of their `drop`.
        classes: a row for each class: `imagenet_index`, `label`, `common`, `counter`, `common_photos` and
            `counter_photos`.
        robustness: effective robustness against the published ImageNet models: `value` and `interval` in points, or
            only the `reason` why there is none.
        reliance: the index of spurious reliance (S19): `value` and `interval`, or only the `reason` why there is none.
        folder: of the evaluation.
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


def add_with_option(parser: argparse.ArgumentParser) -> None:
    """Add `--with DIR`, which may be given again, as `added`."""
    parser.add_argument(
        "--with",
        dest="added",
        type=program.path,
        action="append",
        default=[],
        metavar="DIR",
        help="also a model that was evaluated here: a folder that python -m realdata.evaluate --out wrote; again for "
        "more",
    )


def read_added_models(directories: Sequence[Path]) -> tuple[AddedModel, ...]:
    """Read the `summary.json` of evaluations; models of one name are told apart by their folders.

    Raises:
        InputError: a folder holds none, or it is of another version and lacks a value, which is named.
    """
    models = [_read(directory) for directory in directories]
    names = [model.name for model in models]
    return tuple(
        dataclasses.replace(model, name=f"{model.name} ({model.folder})") if names.count(model.name) > 1 else model
        for model in models
    )


def _read(directory: Path) -> AddedModel:
    path = directory / "summary.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"`with`: {path} is missing; name a folder that python -m realdata.evaluate --out wrote"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"`with`: {path} holds no summary of an evaluation") from error
    try:
        return _model(content, directory)
    except KeyError as error:
        raise InputError(f"`with`: {path} is of another version: it lacks {error}; evaluate the model again") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"`with`: {path} holds no summary of an evaluation: {error}") from error


def _model(content: Mapping[str, Any], directory: Path) -> AddedModel:
    groups = {group: content["groups"][group] for group in GROUPS}
    classes = pd.DataFrame([{key: row[key] for key in _CLASS_COLUMNS} for row in content["classes"]])
    numbers = [*GROUPS, *(f"{group}_photos" for group in GROUPS)]
    classes[numbers] = classes[numbers].astype(float)
    prompt = content["prompt"]
    model = str(content["model"])
    published = find_published(model) if model.startswith(PREFIX) else None
    # The last part of a path or of a hub's name; what stands behind `paper:` as the paper writes it.
    name = model.removeprefix(PREFIX) if published else model.rstrip("/").rpartition("/")[2]
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
