"""A small set in COCO's own format: nine shapes for the nine classes, drawn on noise."""

import json

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as masks

from sims.colored_coco.design import CLASSES

SIDE = 48
_ALL_CLASSES = ("person", *CLASSES)  # categories have numbers of their own, as COCO's


def outline(label, centre, radius):
    """A polygon of its own for each class: a star of 3 to 11 corners."""
    corners = 3 + label
    angles = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False)
    radii = np.where(np.arange(2 * corners) % 2, 0.45, 1.0) * radius
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + np.asarray(centre)
    return corners.ravel().tolist()


def make(folder, each=12, seed=0):
    """Write pictures/ and instances.json; every third mask is run-length encoded, the others are polygons."""
    generator = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True)
    images, annotations = [], []
    for label in range(len(CLASSES)):
        for _ in range(each):
            number = len(images) + 1
            noise = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            picture = Image.fromarray(noise)
            polygon = outline(label, generator.uniform(20, 28, 2), generator.uniform(15, 19))
            shade = tuple(int(v) for v in generator.integers(100, 256, 3))
            ImageDraw.Draw(picture).polygon(polygon, fill=shade)
            name = f"{number:012d}.png"
            picture.save(folder / "pictures" / name)
            encoded = masks.merge(masks.frPyObjects([polygon], SIDE, SIDE))
            segmentation = [polygon]
            if number % 3 == 0:
                segmentation = {"size": encoded["size"], "counts": encoded["counts"].decode()}
            images.append({"id": number, "file_name": name, "height": SIDE, "width": SIDE})
            annotations.append(
                {
                    "id": 100 + number,
                    "image_id": number,
                    "category_id": 2 + label,
                    "segmentation": segmentation,
                    "area": float(masks.area(encoded)),
                    "iscrowd": 0,
                    "bbox": masks.toBbox(encoded).tolist(),
                }
            )
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1 + index, "name": name} for index, name in enumerate(_ALL_CLASSES)],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return content
