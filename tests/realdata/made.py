"""Photos that the tests make, in CounterAnimal's layout."""

from pathlib import Path

import numpy as np
from PIL import Image


def made_photos(root: Path, layout: dict[str, tuple[str, str]], number: int, side: int = 12) -> list[str]:
    """Pictures of noise, so many in each group of each class; their paths within the root, in order.

    Args:
        root: new.
        layout: class folder to its common and counter backgrounds.
        number: of photos in each group.
        side: of a picture, in pixels.
    """
    generator = np.random.default_rng(0)
    paths = []
    for name, backgrounds in layout.items():
        for group, background in zip(("common", "counter"), backgrounds, strict=True):
            folder = root / name / f"{group}-{background}"
            folder.mkdir(parents=True)
            for index in range(number):
                path = folder / f"{index}.png"
                Image.fromarray(generator.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
                paths.append(path.relative_to(root).as_posix())
    return sorted(paths)
