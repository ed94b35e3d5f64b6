"""How photos are prepared, in Hugging Face's format: preprocessor_config.json, or processor_config.json."""

from pathlib import Path
from typing import Any

from pretrained.json_file import read_json, told_of
from pretrained.preprocessing import INTERPOLATIONS, OPENAI_DEVIATION, OPENAI_MEAN, Preprocessing
from workbench.errors import InputError

NAMES = ("preprocessor_config.json", "processor_config.json")
# What the files leave out has the values of the libraries' processors.
_CLIP = {
    "size": 224,
    "crop_size": 224,
    "do_center_crop": True,
    "image_mean": OPENAI_MEAN,
    "image_std": OPENAI_DEVIATION,
}
_SIGLIP = {
    "size": {"height": 224, "width": 224},
    "do_center_crop": False,
    "image_mean": (0.5, 0.5, 0.5),
    "image_std": (0.5, 0.5, 0.5),
}
_ALWAYS = {"do_resize": True, "do_rescale": True, "do_normalize": True}


def read_preprocessing(folder: Path, kind: str) -> Preprocessing:
    """How photos are prepared for a checkpoint of a kind, `clip` or `siglip`.

    Raises:
        InputError: the file is missing, or asks for what is not known here.
    """
    path = next((folder / name for name in NAMES if (folder / name).exists()), folder / NAMES[0])
    content = read_json(path)
    with told_of(path):
        # Newer files hold the processor of photos beside that of texts.
        return _preprocessing((_CLIP if kind == "clip" else _SIGLIP) | content.get("image_processor", content))


def _preprocessing(content: dict[str, Any]) -> Preprocessing:
    for key in _ALWAYS:
        if content.get(key, True) is not True:
            raise InputError(f"{key} must be true, got {content[key]}")
    if abs(255 * content.get("rescale_factor", 1 / 255) - 1) > 1e-6:
        raise InputError(f"rescale_factor must be 1/255, got {content['rescale_factor']}")
    size = content["size"]
    squash = isinstance(size, dict) and "shortest_edge" not in size
    resize = _square(size) if squash else _side(size, "shortest_edge")
    if not content["do_center_crop"] and not squash:
        raise InputError(f"without do_center_crop, size must have height and width, got {size}")
    names = {number: name for name, number in INTERPOLATIONS.items()}
    return Preprocessing(
        resize,
        _square(content["crop_size"]) if content["do_center_crop"] else resize,
        names[content.get("resample", INTERPOLATIONS["bicubic"])],
        tuple(content["image_mean"]),
        tuple(content["image_std"]),
        fit="squash" if squash else "shortest",
    )


def _square(value: int | dict[str, int]) -> int:
    height, width = _side(value, "height"), _side(value, "width")
    if height != width:
        raise InputError(f"height and width must be the same, got {height} and {width}")
    return height


def _side(value: int | dict[str, int], key: str) -> int:
    return value if isinstance(value, int) else value[key]


def write_preprocessing(preprocessing: Preprocessing) -> dict[str, Any]:
    """The content of preprocessor_config.json."""
    size, crop = (dict.fromkeys(("height", "width"), side) for side in (preprocessing.resize, preprocessing.crop))
    return _ALWAYS | {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "size": size if preprocessing.fit == "squash" else {"shortest_edge": preprocessing.resize},
        "resample": INTERPOLATIONS[preprocessing.interpolation],
        "do_center_crop": True,
        "crop_size": crop,
        "rescale_factor": 1 / 255,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.deviation),
    }
