"""Pictures as torchvision's Resize, CenterCrop, ToTensor and Normalize make them, one photo at a time."""

import numpy as np
import torch
from PIL import Image

SIZES = {"landscape": (75, 48), "portrait": (41, 90), "odd margins": (33, 47), "small": (20, 11), "fitting": (24, 24)}


def write_photos(folder):
    """Random photos, one of them grey."""
    generator = np.random.default_rng(0)
    paths = []
    for name, (width, height) in SIZES.items():
        photo = Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))
        paths.append(folder / f"{name}.png")
        (photo.convert("L") if name == "odd margins" else photo).save(paths[-1])
    return paths


def picture(path, resize, crop, resampling, mean, deviation):
    photo = Image.open(path).convert("RGB")
    width, height = photo.size
    shorter, longer = sorted(photo.size)
    other = int(resize * longer / shorter)
    photo = photo.resize((resize, other) if width <= height else (other, resize), resampling)
    left, top = (round((side - crop) / 2.0) for side in photo.size)
    values = np.asarray(photo.crop((left, top, left + crop, top + crop))).astype(np.float32)
    scaled = torch.tensor(values).permute(2, 0, 1).div(255)
    return (scaled - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
