"""What `--model` means: the paper's names, where each model is published today, and how it is loaded."""

import dataclasses
import functools
import hashlib
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from published.directory import DIRECTORY
from published.tables import read_table
from realdata.models.loading import Loading
from realdata.models.model import Model, Question
from realdata.names import AT, PREFIX
from workbench.errors import InputError, ParameterError

# The paper's names of torchvision's classifiers, and torchvision's own.
_TORCHVISION = {
    "AlexNet": "alexnet",
    "VGG11": "vgg11",
    "VGG13": "vgg13",
    "VGG19": "vgg19",
    "RN18": "resnet18",
    "RN34": "resnet34",
    "RN50": "resnet50",
    "RN101": "resnet101",
    "ViT/B/16": "vit_b_16",
    "ViT/B/32": "vit_b_32",
    "ViT/L/16": "vit_l_16",
    "ViT/L/32": "vit_l_32",
    "ConvNext/S": "convnext_small",
    "ConvNext/B": "convnext_base",
    "ConvNext/L": "convnext_large",
}
_LVLMS = {"LLaVA1.5-7B": "lvlm:llava-hf/llava-1.5-7b-hf"}


class Published(NamedTuple):
    """A model of the paper's tables.

    Attributes:
        name: its backbone and pre-training set as the tables print them, and its checkpoint where there are several.
        model: the value of `--model` that loads it.
        family: `clip`, `imagenet` or `lvlm`.
        backbone: as printed.
        pretrain: as printed.
        checkpoint: as printed, or empty.
        activation: the activation of its training; None for models other than CLIPs.
    """

    name: str
    model: str
    family: str
    backbone: str
    pretrain: str
    checkpoint: str
    activation: str | None


@functools.cache
def published_models() -> tuple[Published, ...]:
    """All models of the paper's tables that are published, in the tables' order."""
    table = read_table(
        DIRECTORY / "hub_ids.csv",
        {
            "backbone": None,
            "pretrain": None,
            "checkpoint": None,
            "hub_id": None,
            "quick_gelu": (0.0, 1.0),
        },
    )
    used = read_table(
        DIRECTORY / "checkpoints.csv", {"backbone": None, "pretrain": None, "checkpoint": None}
    ).set_index(["backbone", "pretrain"])["checkpoint"]
    rows = [{str(key): str(value) for key, value in row.items()} for row in table.to_dict("records")]
    several = Counter((row["backbone"], row["pretrain"]) for row in rows)
    found = []
    for row in rows:
        backbone, pretrain, checkpoint = row["backbone"], row["pretrain"], row["checkpoint"]
        # The bare name is the checkpoint of Table 6, which the other tables use.
        bare = several[backbone, pretrain] == 1 or used.get((backbone, pretrain)) == checkpoint
        name = f"{backbone}-{pretrain}" + ("" if bare else f"-{checkpoint}")
        activation = "quick_gelu" if float(row["quick_gelu"]) else "gelu"
        found.append(Published(name, row["hub_id"], "clip", backbone, pretrain, checkpoint, activation))
    found += [
        Published(f"{name}-ImageNet1K", f"torchvision:{model}", "imagenet", name, "ImageNet1K", "", None)
        for name, model in _TORCHVISION.items()
    ]
    found += [Published(name, model, "lvlm", name, "", "", None) for name, model in _LVLMS.items()]
    return tuple(found)


@functools.cache
def _by_name() -> dict[str, Published]:
    """The models by their names and by their checkpoints' names, as `_plain` gives them; of two the first."""
    models = published_models()[::-1]
    by_checkpoint = {_plain(f"{each.backbone}-{each.pretrain}-{each.checkpoint}"): each for each in models}
    return by_checkpoint | {_plain(each.name): each for each in models}


def find_published(name: str) -> Published:
    """The model with a name, given with or without `paper:`, and with or without `@PLACE`.

    Raises:
        InputError: there is no such model.
    """
    bare = name.removeprefix(PREFIX).partition(AT)[0]
    if found := _by_name().get(_plain(bare)):
        return found
    if bare.lower().startswith("minigpt"):
        raise InputError(f"{PREFIX}{bare}: no library has MiniGPT-4; run it elsewhere, and give `scores`")
    raise InputError(f"{PREFIX}{bare} is no model of the paper's tables; python -m realdata.models lists them")


def place_of(name: str) -> Path | None:
    """The folder or file that a model's name points to: itself, or what follows the `@`; None without one on disk."""
    kind, separator, rest = name.partition(":")
    place = rest.partition(AT)[2] if separator and kind in (PREFIX[:-1], "torchvision") else name
    return Path(place) if place and Path(place).exists() else None


def trained_activation(name: str) -> str | None:
    """The activation of a checkpoint's training, by the table of checkpoints; None for a name that is not there.

    Args:
        name: as `--model` takes it: a hub id with or without a revision, or a folder. The name of the folder, or of
            one around it, may give the id, as in the hub's cache, or OpenCLIP's name.
    """
    name = name.partition("@")[0]
    folders = Path(name).resolve().parts if Path(name).is_dir() else ()
    known = _activations()
    return next((known[each] for each in (name.lower(), *map(str.lower, reversed(folders))) if each in known), None)


def recognise_weights(folder: Path, known: Path = DIRECTORY / "weights.csv") -> str | None:
    """The hub id that a folder's weights were published under, by their SHA-256; None for weights that are not known.

    Args:
        folder: of a checkpoint; only a file that has the size of a known one is read.
        known: the table of known files.
    """
    table = read_table(known, {"hub_id": None, "sha256": None, "bytes": (1, math.inf)})
    sizes, hub_ids = set(table.bytes), dict(zip(table.sha256, table.hub_id, strict=True))
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size in sizes:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest in hub_ids:
                return str(hub_ids[digest])
    return None


@functools.cache
def _activations() -> dict[str, str]:
    """Every name of a published CLIP, in lower case, to its activation."""
    table = read_table(
        DIRECTORY / "hub_ids.csv",
        {"open_clip_model": None, "open_clip_tag": None, "hub_id": None, "quick_gelu": (0.0, 1.0)},
    )
    found: dict[str, str] = {}
    for row in table.to_dict("records"):
        hub_id, tagged = str(row["hub_id"]), f"{row['open_clip_model']}-{row['open_clip_tag']}"
        for name in (hub_id, f"models--{hub_id.replace('/', '--')}", hub_id.rpartition("/")[2], tagged):
            if name:
                found[name.lower()] = "quick_gelu" if float(row["quick_gelu"]) else "gelu"
    return found


def _plain(name: str) -> str:
    return name.lower().replace(" ", "-").replace("_", "-")


# Kinds of models that another library configures and runs.
_OTHER_LIBRARIES = ("open_clip", "torchvision", "timm", "lvlm")


def load_model(name: str, question: Question, loading: Loading, parameter: str = "model") -> Model:
    """Load a model; only the adapter that it needs is imported.

    Args:
        name: a folder, a Hugging Face id, `paper:NAME`, `paper:NAME@PLACE` with its files on disk,
            `open_clip:ARCHITECTURE/TAG`, `torchvision:NAME`, `torchvision:NAME@FILE`, `timm:NAME` or `lvlm:ID`.
        question: the candidates and the prompts' templates.
        loading: data type, tokenizer and overrides.
        parameter: the parameter that holds the name, for errors.

    Raises:
        InputError: there is no such model, it cannot be read, or needs a package that is not installed.
    """
    try:
        return _load(name, question, loading)
    except ParameterError:
        raise
    except InputError as error:
        raise InputError(f"`{parameter}`: {error}") from error


def _check_not_ignored(name: str, loading: Loading) -> None:
    """Refuse settings that only CLIPs in JAX follow, for a model that another library configures and runs."""
    given = [
        *loading.overrides.names,
        *(["activation"] if loading.both_activations else []),
        *(["tokenizer"] if loading.tokenizer is not None else []),
    ]
    if given:
        raise InputError(f"`{given[0]}`: it can be set for CLIPs that run in JAX, not for {name}")


def _at(published: Published, place: str) -> str:
    """The value of `--model` that loads a published model, from a place on disk if one is given."""
    if not place:
        return published.model
    if not Path(place).exists():
        raise InputError(f"{place} is no file and no directory")
    return {
        "clip": place,
        "imagenet": f"{published.model}{AT}{place}",
        "lvlm": f"lvlm:{place}",
    }[published.family]


def _load(name: str, question: Question, loading: Loading) -> Model:
    if name.startswith(PREFIX):
        found = find_published(name)
        model = _at(found, name.partition(AT)[2])
        if found.activation is not None and loading.overrides.activation is None:
            # Some files say gelu where the weights were trained with quick_gelu.
            overrides = dataclasses.replace(loading.overrides, activation=found.activation)
            loading = loading._replace(overrides=overrides)
        try:
            return _load(model, question, loading)
        except ParameterError:  # it names its own option
            raise
        except InputError as error:
            raise InputError(f"{error} [{PREFIX}{found.name}]") from error
    kind, separator, rest = name.partition(":")
    if separator and kind in _OTHER_LIBRARIES:
        _check_not_ignored(name, loading)
    if separator and kind == "open_clip":
        from realdata.models import open_clip_model

        return open_clip_model.load(rest, question, loading.dtype)
    if separator and kind == "torchvision":
        from realdata.models import classifier, imagenet

        if imagenet.is_here(rest):
            return imagenet.load(rest, question, loading.dtype, loading.allow_pickle)
        return classifier.load_torchvision(rest, question, loading.dtype)
    if separator and kind == "timm":
        from realdata.models import classifier

        return classifier.load_timm(rest, question, loading.dtype)
    if separator and kind == "lvlm":
        from realdata.models import lvlm

        return lvlm.load(rest, question, loading.dtype)
    from realdata.models import clip

    load_clip = clip.load_both_activations if loading.both_activations else clip.load
    return load_clip(name, question, loading)
