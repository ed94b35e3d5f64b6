"""`python -m sims.colored_digits export`: photos of coloured digits and a CLIP trained on such, for any evaluator.

The photos stand in CounterAnimal's layout and the CLIP in Hugging Face's format, so that what evaluates real photos
runs on them; what it must find, photo for photo, stands beside them, with a sheet to look at.
"""

import argparse
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8
from matplotlib.figure import Figure
from PIL import Image

from pretrained import huggingface
from sims.clip.training import zero_shot_answers
from sims.colored_digits.captioned import NAMES, PROMPT, Photo, held_out_photos, paint_bytes, train_captioned
from sims.colored_digits.design import CAPTIONED, Design
from sims.colored_digits.digits import add_digits_option, read_digits
from sims.colored_digits.painting import COLOURS
from workbench import program, results, terminal
from workbench.parameters import add_options, from_options

_SHOWN = 8  # of each class and group, at most


def draw_sheet(
    photos: Sequence[Photo],
    images: UInt8[np.ndarray, "photos height width 3"],
    answers: Int[np.ndarray, " photos"],
) -> Figure:
    """Draw the first photos of every class and group; the answer stands below, wrong ones in bold."""
    rows: dict[tuple[int, str], list[int]] = {}
    for index, photo in enumerate(photos):
        rows.setdefault((photo.class_index, photo.group), []).append(index)
    shown = min(_SHOWN, max(map(len, rows.values())))
    figure = Figure(figsize=(shown * 1.0 + 1.2, len(rows) * 1.15 + 0.3), layout="constrained")
    axes = figure.subplots(len(rows), shown, squeeze=False)
    for line, ((label, group), indices) in zip(axes, rows.items(), strict=True):
        for axis in line:
            axis.set_axis_off()
        for axis, index in zip(line, indices, strict=False):
            axis.imshow(images[index], interpolation="nearest")
            wrong = answers[index] != label
            axis.set_title(
                NAMES[answers[index]], fontsize=8, y=-0.3, fontweight="bold" if wrong else "normal", color="black"
            )
        line[0].text(-0.15, 0.5, f"{NAMES[label]}\n{group}", transform=line[0].transAxes, ha="right", va="center")
    return figure


DEFAULT_OUT = Path("results/colored_digits_export")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.colored_digits export",
        "Train a small CLIP on captioned digits on coloured backgrounds; write it in Hugging Face's format, and test "
        "photos in CounterAnimal's layout, for realdata.evaluate: photos/, model/, names.txt, truth.csv. Only 0 and 1 "
        "have colours of their own in training; the others' two groups are a control.",
    )
    add_options(parser.add_argument_group("the images"), Design, **dataclasses.asdict(CAPTIONED))
    add_digits_option(parser)
    add = parser.add_argument
    for feature, probability, meaning in (("inv", 1.0, "the object"), ("spu", 0.5, "the background")):
        add(
            f"--mention-{feature}",
            type=program.share,
            default=probability,
            metavar="X",
            help=f"probability that a caption names {meaning}",
        )
    add("--photos", type=program.whole_number(1), default=50, metavar="N", help="most photos of a class in a group")
    add("--steps", type=program.whole_number(1), default=1000, metavar="N", help="optimiser steps")
    add("--seed", type=program.seed, default=0, metavar="N", help="seed of all random numbers")
    add("--out", type=program.path, default=DEFAULT_OUT, metavar="ROOT", help="new folder for all of it")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    design = from_options(Design, options)
    results.check_new_folder(options.out)
    results.check_json(options.json)
    with terminal.spinner("reading the digits"):
        digits = read_digits(design.classes, options.digits)
    with terminal.progress() as display:
        task = display.add_task("training steps", total=options.steps, status="")
        checkpoint = train_captioned(
            design,
            digits,
            (options.mention_inv, options.mention_spu),
            options.steps,
            options.seed,
            lambda step, status: display.update(task, completed=step, status=status),
        )
    photos = held_out_photos(digits.test, design.classes, options.photos)
    images = paint_bytes(
        digits.test.images[[photo.digit for photo in photos]], np.array([photo.background for photo in photos])
    )
    names = NAMES[: design.classes]
    prompts = checkpoint.tokenizer([PROMPT.format(name) for name in names])
    answers = zero_shot_answers(checkpoint.model, images, prompts, checkpoint.preprocessing)
    truth = _truth(photos, answers)
    content = {
        "design": dataclasses.asdict(design),
        "mentions": {"object": options.mention_inv, "background": options.mention_spu},
        "prompt": PROMPT,
        "steps": options.steps,
        "seed": options.seed,
        "digits": digits.source,
        "accuracy": _accuracies(truth),
        "versions": results.versions("jax", "flax", "optax", "numpy", "scikit-learn", "tokenizers"),
    }
    files: dict[str, str | bytes] = {
        f"photos/{photo.path}": _png(image) for photo, image in zip(photos, images, strict=True)
    }
    files |= {f"model/{name}": part for name, part in huggingface.files(checkpoint).items()}
    files |= {
        "names.txt": "".join(f"{index}\t{name}\n" for index, name in enumerate(names)),
        "truth.csv": truth.to_csv(index=False, lineterminator="\n"),
        "export.json": results.to_json(content),
        "sheet.png": results.to_png(draw_sheet(photos, images, answers)),
    }
    results.write_folder(options.out, files.items())
    if not results.emit_json(content, options.json):
        console = terminal.output()
        for group, accuracy in content["accuracy"].items():
            console.print(f"{group}: {accuracy:.1f}% of the classes' photos, class-balanced")
        console.print(
            f"Written to {options.out}: photos/, model/, names.txt, truth.csv, export.json, sheet.png. To evaluate:",
            soft_wrap=True,
        )
        command = f"python -m realdata.evaluate --data {options.out}/photos --model {options.out}/model"
        console.print(f"  {command} --names {options.out}/names.txt", soft_wrap=True)


def _truth(photos: list[Photo], answers: np.ndarray) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "path": [photo.path for photo in photos],
            "class_index": [photo.class_index for photo in photos],
            "group": [photo.group for photo in photos],
            "background": [COLOURS[photo.background].name for photo in photos],
            "predicted_index": answers,
        }
    )
    return rows.assign(correct=(rows.class_index == rows.predicted_index).astype(int))


def _accuracies(truth: pd.DataFrame) -> dict[str, float]:
    """Mean over the classes of their accuracies, in %, for each group."""
    of_class = truth.groupby(["group", "class_index"]).correct.mean()
    return {str(group): 100.0 * float(mean) for group, mean in of_class.groupby("group").mean().items()}


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()
