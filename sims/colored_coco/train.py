"""`python -m sims.colored_coco train`: fine-tune a CLIP on ColoredCOCO, contrastively or supervised, and test it."""

import argparse
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from jaxtyping import Int
from PIL import Image

from pretrained import huggingface
from pretrained.checkpoint import Checkpoint
from pretrained.clip import CLIP
from pretrained.config import VisionConfig
from pretrained.load import load
from sims.clip.model import tiny_clip
from sims.clip.training import SupervisedCLIP, supervised_answers, supervised_loss, train_on, zero_shot_answers
from sims.colored_coco.design import OTHERS, OWN, SPLITS
from sims.colored_coco.make import Images, read_images, read_index, shown_classes
from sims.objectives.infonce import clip_loss
from sims.training.checkpoints import Checkpoints
from workbench import program, results, terminal
from workbench.errors import InputError, ParameterError

_COLUMNS = {
    "in_distribution": "as in training",
    "out_of_distribution": "unseen colours",
    "drop": "drop",
    "swapped": "other classes' colours",
    "drop_swapped": "drop",
}


def show(content: Mapping[str, Any]) -> None:
    """Print a result as `result.json` holds it."""
    console = terminal.output()
    counts, classes = content["pictures"], content["classes"]
    table = terminal.table(
        f"Accuracy (%) on {counts['in_distribution']} images of {len(classes)} classes; guessing: "
        f"{100 / len(classes):.1f}",
        ("approach", *_COLUMNS.values()),
    )
    for row in content["results"]:
        table.add_row(row["approach"], *(f"{row[column]:.2f}" for column in _COLUMNS))
    console.print(table)


DEFAULT_OUT = Path("results/colored_coco")
OBJECTIVES = ("clip", "supervised")
# What captions say: the paper's.
PROMPTS = {"obj": "a photo of {object}", "objbkg": "a photo of {object} in {background} background"}
TINY = "tiny"
_TESTS = SPLITS[1:]
# The options that decide what is trained, besides the model and the images.
_DECIDING = ("objective", "prompt", "epochs", "batch_size", "learning_rate", "weight_decay", "seed")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m sims.colored_coco train",
        "Fine-tune a CLIP on ColoredCOCO with CLIP's loss, or its image tower with a supervised head, and test it on "
        "colours as in training, unseen colours, and the colours of other classes.",
    )
    add = parser.add_argument
    add("--data", type=program.path, required=True, metavar="DIR", help="folder that `make` wrote")
    add("--objective", choices=OBJECTIVES, default="clip", help="the loss")
    add(
        "--prompt",
        choices=tuple(PROMPTS),
        default="obj",
        help="captions of the clip objective: the object alone, or with the background; tests name the object alone",
    )
    add(
        "--model",
        default=TINY,
        metavar="CHECKPOINT",
        help=f"folder of a CLIP in Hugging Face's or OpenCLIP's format; {TINY}: a small untrained one, to try it out",
    )
    add("--epochs", type=program.whole_number(1), default=10, metavar="N", help="times that training sees each image")
    add("--batch-size", type=program.whole_number(2), default=128, metavar="N", help="images in a step")
    add("--learning-rate", type=program.positive_number, default=1e-5, metavar="X", help="AdamW's, at its highest")
    add("--weight-decay", type=program.non_negative_number, default=0.1, metavar="X", help="AdamW's")
    add("--seed", type=program.seed, default=0, metavar="N", help="seed of all random numbers")
    program.add_out_option(
        parser,
        DEFAULT_OUT,
        "for result.json, answers.npz (what each image was taken for, and the supervised head) and model/",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    results.check_writable(options.out)
    results.check_json(options.json)
    table = read_index(options.data)
    classes = shown_classes(table)
    backgrounds = [colour.name for colour in OWN + OTHERS]
    said = [
        prompt.format(object=thing, background=background)
        for prompt in PROMPTS.values()
        for thing in classes
        for background in backgrounds
    ]
    with terminal.spinner("reading the model"):
        checkpoint = _checkpoint(options, options.data / table["path"].iloc[0], said)
    data = {}
    with terminal.progress() as display:
        task = display.add_task("reading", total=len(table), status="")
        for split in SPLITS:
            data[split] = read_images(
                options.data, table, split, checkpoint.preprocessing, lambda: display.advance(task)
            )
    number = len(data["train"].labels)
    if options.batch_size > number:
        raise ParameterError("batch_size", f"at most the {number} training images", options.batch_size)
    checkpoints = Checkpoints(options.out / "checkpoints", _identity(options, checkpoint, data["train"]))
    found = {"zero_shot": _zero_shot(checkpoint, data, classes)}
    approach = options.prompt if options.objective == "clip" else "supervised"
    with terminal.progress() as display:
        steps = options.epochs * (number // options.batch_size)
        task = display.add_task("training steps", total=steps, status="")
        trained = _train(
            checkpoint,
            data["train"],
            classes,
            steps,
            options,
            lambda step, status: display.update(task, completed=step, status=status),
            checkpoints,
        )
    if options.objective == "clip":
        checkpoint = checkpoint._replace(model=trained)
        found[approach] = _zero_shot(checkpoint, data, classes)
    else:
        checkpoint = checkpoint._replace(model=trained.model)
        found[approach] = _answers(lambda images: supervised_answers(trained, images, checkpoint.preprocessing), data)
    content = {
        "model": str(options.model),
        **{name: getattr(options, name) for name in _DECIDING},
        "classes": classes,
        "pictures": {split: len(part.labels) for split, part in data.items()},
        "results": [_row(name, answers, data) for name, answers in found.items()],
        "versions": results.versions("jax", "flax", "optax", "numpy", "pillow"),
    }
    answers = {f"{name}.{split}": part for name, parts in found.items() for split, part in parts.items()}
    answers |= {f"labels.{split}": data[split].labels for split in _TESTS}
    if options.objective == "supervised":
        head = {"kernel": trained.head.kernel[...], "bias": trained.head.bias[...]}
        answers |= {f"head.{name}": np.asarray(part) for name, part in head.items()}
    results.write_files(results.path_inside(options.out, "model"), huggingface.files(checkpoint))
    results.write_files(options.out, {"answers.npz": results.to_npz(answers), "result.json": results.to_json(content)})
    checkpoints.remove()
    if not results.emit_json(content, options.json):
        show(content)
        terminal.output().print(f"Written to {options.out}: result.json, answers.npz, model/", soft_wrap=True)


def _checkpoint(options: argparse.Namespace, photo: Path, captions: Sequence[str]) -> Checkpoint:
    if options.model != TINY:
        try:
            checkpoint = load(Path(options.model))
        except InputError as error:
            raise InputError(f"--model: {error}") from error
        if not isinstance(checkpoint.model, CLIP):
            raise InputError(f"--model: {options.model}: must be a CLIP, is a {type(checkpoint.model).__name__}")
        if not isinstance(checkpoint.config.vision, VisionConfig):  # no other one can be written in the end
            kind = checkpoint.config.vision.description()["kind"]
            raise InputError(f"--model: {options.model}: its image tower must be a vision transformer, is a {kind}")
        return checkpoint
    try:
        with Image.open(photo) as image:
            side = image.width
    except OSError as error:
        raise InputError(f"--data: {photo}: cannot be read ({error})") from error
    return tiny_clip(max(4, side // 4 * 4), captions, options.seed)


def _train(
    checkpoint: Checkpoint,
    train: Images,
    classes: Sequence[str],
    steps: int,
    options: argparse.Namespace,
    on_progress: Callable[[int, str], None],
    checkpoints: Checkpoints,
) -> Any:
    model: Any = checkpoint.model
    loss: Any = clip_loss
    template = PROMPTS[options.prompt]
    targets: Any = train.labels
    if options.objective == "clip":
        pairs = zip(train.labels, train.backgrounds, strict=True)
        said = [template.format(object=classes[label], background=background) for label, background in pairs]
        targets = checkpoint.tokenizer(said)
    else:
        model, loss = SupervisedCLIP(model, len(classes), checkpoint.config.embed_dim), supervised_loss
    return train_on(
        model,
        loss,
        train.images,
        targets,
        checkpoint.preprocessing,
        steps=steps,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        seed=options.seed,
        on_progress=on_progress,
        checkpoints=checkpoints,
    )


def _identity(options: argparse.Namespace, checkpoint: Checkpoint, train: Images) -> dict[str, Any]:
    """What decides the training, JSON-ready: another one's checkpoints are refused."""
    content = hashlib.sha256(train.images.tobytes())
    for leaf in jax.tree.leaves(nnx.state(checkpoint.model, nnx.Param)):
        content.update(np.asarray(leaf).tobytes())
    deciding = {name: getattr(options, name) for name in _DECIDING}
    made_by = results.versions("jax", "flax", "optax", "numpy")
    return results.as_read_back(deciding | {"model and pictures": content.hexdigest(), "versions": made_by})


def _zero_shot(
    checkpoint: Checkpoint, data: dict[str, Images], classes: Sequence[str]
) -> dict[str, Int[np.ndarray, " images"]]:
    prompts = checkpoint.tokenizer([PROMPTS["obj"].format(object=name) for name in classes])
    return _answers(lambda images: zero_shot_answers(checkpoint.model, images, prompts, checkpoint.preprocessing), data)


def _answers(answer: Callable[[np.ndarray], np.ndarray], data: dict[str, Images]) -> dict[str, np.ndarray]:
    """What the test images of each split are taken for; asked at once, so that one program is compiled."""
    tests = [data[split].images for split in _TESTS]
    ends = np.cumsum([len(images) for images in tests])[:-1]
    return dict(zip(_TESTS, np.split(answer(np.concatenate(tests)), ends), strict=True))


def _row(approach: str, answers: dict[str, np.ndarray], data: dict[str, Images]) -> dict[str, Any]:
    """Table 7's columns, and the other classes' colours, in %."""
    accuracy = {split: 100.0 * float(np.mean(answers[split] == data[split].labels)) for split in _TESTS}
    return {
        "approach": approach,
        "in_distribution": accuracy["in_distribution"],
        "out_of_distribution": accuracy["unseen"],
        "drop": accuracy["in_distribution"] - accuracy["unseen"],
        "swapped": accuracy["swapped"],
        "drop_swapped": accuracy["in_distribution"] - accuracy["swapped"],
    }
