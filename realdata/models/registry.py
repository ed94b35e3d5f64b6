"""The paper's names of models, and where each is published today."""

import functools
from collections import Counter
from typing import NamedTuple

from published.tables import DIRECTORY, read_table
from workbench.errors import InputError

PREFIX = "paper:"
# What the paper calls torchvision's classifiers, and torchvision does.
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
        model: what `--model` takes for it.
        family: `clip`, `imagenet` or `lvlm`.
        backbone: as printed.
        pretrain: as printed.
        checkpoint: as printed, or nothing.
        activation: that it was trained with; None where it is no CLIP.
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
            "open_clip_model": None,
            "open_clip_tag": None,
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
        # Towers that are no vision transformers are OpenCLIP's to run.
        own = (
            row["hub_id"]
            if backbone.startswith("ViT")
            else f"open_clip:{row['open_clip_model']}/{row['open_clip_tag']}"
        )
        activation = "quick_gelu" if float(row["quick_gelu"]) else "gelu"
        found.append(Published(name, own, "clip", backbone, pretrain, checkpoint, activation))
    found += [
        Published(f"{name}-ImageNet1K", f"torchvision:{model}", "imagenet", name, "ImageNet1K", "", None)
        for name, model in _TORCHVISION.items()
    ]
    found += [Published(name, model, "lvlm", name, "", "", None) for name, model in _LVLMS.items()]
    return tuple(found)


def find_published(name: str) -> Published:
    """The model of a name, with or without `paper:`.

    Raises:
        InputError: there is none.
    """
    bare = name.removeprefix(PREFIX)
    for each in published_models():
        if _plain(bare) in (_plain(each.name), _plain(f"{each.backbone}-{each.pretrain}-{each.checkpoint}")):
            return each
    if bare.lower().startswith("minigpt"):
        raise InputError(f"{PREFIX}{bare}: MiniGPT-4 is in no library; evaluate it elsewhere, and give `scores`")
    raise InputError(f"{PREFIX}{bare} is no model of the paper's tables; python -m realdata.models lists them")


def _plain(name: str) -> str:
    return name.lower().replace(" ", "-").replace("_", "-")
