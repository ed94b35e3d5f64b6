"""`python -m sims.colored_coco make`: COCO's objects on painted backgrounds, for training and three tests."""

import argparse
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8
from PIL import Image

from pretrained.preprocessing import Preprocessing, read_photo
from published.tables import read_table
from sims.colored_coco.design import (
    CLASSES,
    OTHERS,
    OWN,
    OWN_SHARE,
    SPLITS,
    TEST_OBJECTS,
    TRAIN_OBJECTS,
    UNSEEN,
    Background,
)
from sims.colored_coco.objects import Found, Objects, paste
from workbench import program, results, terminal
from workbench.errors import InputError

TABLE, MADE = "pictures.csv", "make.json"
_TEST_PART = TEST_OBJECTS / (TRAIN_OBJECTS + TEST_OBJECTS)  # where there are fewer objects than wanted


class Painted(NamedTuple):
    """One image to be made."""

    split: str
    found: Found
    background: Background

    @property
    def path(self) -> str:
        """Where it goes in the folder."""
        colour = self.background.name.replace(" ", "-")
        return f"{self.split}/{CLASSES[self.found.label]}/{colour}/{self.found.annotation}.png"


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.colored_coco make",
        "Cut the objects of nine classes out of COCO's images and paste them on painted backgrounds: 80% of a class "
        "on its own colour in training; tests with colours as in training, unseen ones, and other classes' own.",
    )
    add = parser.add_argument
    add("--annotations", type=program.path, required=True, metavar="FILE", help="COCO's instances_*.json, with masks")
    add("--images", type=program.path, required=True, metavar="DIR", help="folder of the images that it names")
    add(
        "--classes",
        type=_classes,
        default=",".join(CLASSES),
        metavar="NAME,NAME",
        help="two or more of the nine, where a file has too few objects of the others",
    )
    add("--size", type=program.whole_number(8), default=224, metavar="N", help="side of an image, in pixels")
    add("--fill", type=_fill, default=0.8, metavar="X", help="the object's longer side, as a share of the image's")
    add("--min-area", type=program.non_negative_number, default=10_000.0, metavar="X", help="least pixels of an object")
    for split, number in (("train", TRAIN_OBJECTS), ("test", TEST_OBJECTS)):
        add(
            f"--{split}-objects",
            type=program.whole_number(1),
            default=number,
            metavar="N",
            help=f"most objects of a class to {split} on",
        )
    add("--seed", type=program.seed, default=0, metavar="N", help="seed of all random numbers")
    add("--out", type=program.path, required=True, metavar="DIR", help="new folder for the images")
    program.add_json_option(parser)
    return parser


def _fill(text: str) -> float:
    value = program.share(text)
    if value == 0:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1, got 0")
    return value


def _classes(text: str) -> tuple[str, ...]:
    chosen = program.choices(CLASSES)(text)
    if len(chosen) < 2:
        raise argparse.ArgumentTypeError(f"must be two classes or more, so that colours can be swapped, got {text}")
    return tuple(name for name in CLASSES if name in chosen)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_new_folder(options.out)
    results.check_json(options.json)
    with terminal.spinner("reading the annotations"):
        objects = Objects(options.annotations, options.images, options.min_area, options.classes)
    try:
        plan = plan_images(objects.found, options.train_objects, options.test_objects, options.seed, options.classes)
    except InputError as error:
        raise InputError(f"{error}; {objects.offer()}") from error
    content = {
        "annotations": options.annotations.name,
        "classes": list(options.classes),
        "left_out": dict(objects.left_out),
        "size": options.size,
        "fill": options.fill,
        "min_area": options.min_area,
        "seed": options.seed,
        "pictures": {split: sum(planned.split == split for planned in plan) for split in SPLITS},
        "own_share": OWN_SHARE,
        "backgrounds": {
            kind: [colour.name for colour in colours]
            for kind, colours in (("own", OWN), ("others", OTHERS), ("unseen", UNSEEN))
        },
        "versions": results.versions("numpy", "pillow", "pycocotools"),
    }
    with terminal.progress() as display:
        task = display.add_task("pictures", total=len(plan), status="")
        painted = _paint(objects, plan, options.size, options.fill, lambda: display.advance(task))
        table = _table(plan).to_csv(index=False, lineterminator="\n")
        results.write_folder(options.out, _with(painted, {TABLE: table, MADE: results.to_json(content)}))
    if not results.emit_json(content, options.json):
        counts = ", ".join(f"{number} {split.replace('_', ' ')}" for split, number in content["pictures"].items())
        terminal.output().print(f"Written to {options.out}: {counts} images, {TABLE}, {MADE}", soft_wrap=True)
        left_out = [f"{number} {reason}" for reason, number in objects.left_out.items()]
        terminal.print_list("Objects left out", left_out, len(left_out))


def plan_images(
    found: Sequence[Found], train: int, test: int, seed: int, classes: Sequence[str] = CLASSES
) -> list[Painted]:
    """Which object goes on which background, in which split.

    The objects of one image are all for training or all for testing. All three tests show the same objects. Where a
    class has fewer objects than wanted, a ninth of them, and at least one, are for testing.

    Args:
        found: the objects.
        train: most objects of a class in training.
        test: most objects of a class in the tests.
        seed: of all random numbers.
        classes: those that there are; backgrounds are swapped among them.

    Raises:
        InputError: a class whose objects cannot be divided.
    """
    generator = np.random.default_rng(seed)
    number = np.bincount([each.label for each in found], minlength=len(CLASSES))
    wanted = {
        label: min(test, max(1, round(_TEST_PART * int(total)))) if total < train + test else test
        for label, total in enumerate(number)
    }
    tests: dict[int, list[Found]] = {label: [] for label in wanted}
    trains: dict[int, list[Found]] = {label: [] for label in wanted}
    by_image: dict[int, list[Found]] = {}
    for each in found:
        by_image.setdefault(each.image, []).append(each)
    for image in generator.permutation(np.array(sorted(by_image))):
        here = by_image[int(image)]
        parts = tests if any(len(tests[each.label]) < wanted[each.label] for each in here) else trains
        for each in here:
            parts[each.label].append(each)
    plan = []
    labels = sorted(map(CLASSES.index, classes))
    for label in labels:
        if not trains[label] or not tests[label]:
            raise InputError(
                f"`annotations`: the class {CLASSES[label]!r} has {number[label]} objects in too few images to train "
                "and test"
            )
        for each in trains[label][:train]:
            plan.append(Painted("train", each, _seen(generator, label)))
        swapped = [OWN[other] for other in labels if other != label]
        for each in tests[label][: wanted[label]]:
            plan.append(Painted("in_distribution", each, _seen(generator, label)))
            plan.append(Painted("unseen", each, UNSEEN[generator.integers(len(UNSEEN))]))
            plan.append(Painted("swapped", each, swapped[generator.integers(len(swapped))]))
    return sorted(plan, key=lambda planned: (SPLITS.index(planned.split), planned.found))


def _seen(generator: np.random.Generator, label: int) -> Background:
    return OWN[label] if generator.random() < OWN_SHARE else OTHERS[generator.integers(len(OTHERS))]


def _paint(
    objects: Objects, plan: Sequence[Painted], size: int, fill: float, on_image: Callable[[], object]
) -> Iterator[tuple[str, bytes]]:
    for planned in plan:
        buffer = io.BytesIO()
        square = paste(*objects.cut_out(planned.found), planned.background.rgb, size, fill)
        Image.fromarray(square).save(buffer, format="PNG")
        on_image()
        yield planned.path, buffer.getvalue()


def _with(painted: Iterator[tuple[str, bytes]], last: dict[str, str]) -> Iterator[tuple[str, str | bytes]]:
    yield from painted
    yield from last.items()


def _table(plan: Sequence[Painted]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": [planned.split for planned in plan],
            "path": [planned.path for planned in plan],
            "object": [CLASSES[planned.found.label] for planned in plan],
            "background": [planned.background.name for planned in plan],
            "annotation": [planned.found.annotation for planned in plan],
            "image": [planned.found.image for planned in plan],
        }
    )


class Images(NamedTuple):
    """The images of one split; labels are places among the classes that the folder shows."""

    images: UInt8[np.ndarray, "images side side 3"]
    labels: Int[np.ndarray, " images"]
    backgrounds: list[str]


def read_index(folder: Path) -> pd.DataFrame:
    """The table of a folder's images.

    Raises:
        InputError: the folder was not made by `make`, or a split is missing.
    """
    if not (folder / TABLE).exists():
        raise InputError(f"--data: {folder} holds no {TABLE}; `python -m sims.colored_coco make` writes such a folder")
    table = read_table(folder / TABLE, {"split": SPLITS, "path": None, "object": CLASSES, "background": None})
    missing = set(SPLITS) - set(table["split"])
    if missing:
        raise InputError(f"`data`: {folder / TABLE}: lists no image of the split {sorted(missing)[0]!r}")
    return table


def shown_classes(table: pd.DataFrame) -> list[str]:
    """The classes that a folder shows, in the design's order."""
    return [name for name in CLASSES if name in set(table["object"])]


def read_images(
    folder: Path,
    table: pd.DataFrame,
    split: str,
    preprocessing: Preprocessing,
    on_image: Callable[[], object] = lambda: None,
) -> Images:
    """The images of one split, resized and cropped for a model.

    Raises:
        InputError: an image is missing or cannot be decoded.
    """
    rows = table[table["split"] == split]

    def read(path: str) -> np.ndarray:
        try:
            photo = read_photo(folder / path, preprocessing)
        except Exception as error:  # Pillow raises a dozen kinds on a damaged file
            raise InputError(f"`data`: {folder / path}: cannot be read ({error})") from error
        on_image()
        return photo

    with ThreadPoolExecutor() as pool:
        images = np.stack(list(pool.map(read, rows["path"])))
    labels = rows["object"].map(shown_classes(table).index).to_numpy(np.int32)
    return Images(images, labels, rows["background"].tolist())
