"""`python -m realdata.evaluate`: a model on photos in CounterAnimal's layout, as the paper evaluates it."""

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pretrained.config import ACTIVATIONS, POOLINGS, Overrides
from pretrained.preprocessing import INTERPOLATIONS
from realdata.evaluate.candidates import ALL, IMAGENETS, TWENTY
from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.predictions import FILE
from realdata.evaluate.result import Evaluation
from realdata.evaluate.run import run
from realdata.models.registry import Loading
from realdata.photos.class_names import IMAGENET, add_class_options
from workbench import hosts, program, results, terminal
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/evaluate")
BOTH = "both"


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.evaluate",
        "Classify photos on common and on uncommon ('counter') backgrounds, zero-shot among all class names, and give "
        "the accuracy of each group with 95% intervals, what counter photos are mistaken for, and how the model stands "
        "beside the published ones. A stopped run continues where it stopped.",
    )
    add = parser.add_argument
    add("--data", type=program.path, required=True, metavar="ROOT", help="folder of class folders, as CounterAnimal's")
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument(
        "--model",
        metavar="MODEL",
        help="a CLIP or SigLIP with ViT towers: a folder in Hugging Face's or OpenCLIP's format, a Hugging Face id "
        "(owner/name), or paper:NAME (python -m realdata.models lists them); or open_clip:ARCHITECTURE/TAG, "
        "torchvision:NAME, timm:NAME or lvlm:ID, by those packages",
    )
    model.add_argument(
        "--scores",
        type=program.path,
        metavar="FILE.npz",
        help="or a model that was run elsewhere: arrays paths (n, relative to ROOT), scores (n, k) "
        "and candidates (k, class indices)",
    )
    add_class_options(parser)
    add_options(parser, EvaluationConfig)
    add("--out", type=program.path, default=DEFAULT_OUT, metavar="DIR", help="for the results")
    program.add_json_option(parser)
    _add_loading(parser)
    hosts.add_host_options(parser)
    return parser


def _add_loading(parser: program.Parser) -> None:
    group = parser.add_argument_group(
        "the checkpoint", "in place of what its own files say; what was used is written into the summary"
    )
    add = group.add_argument
    add("--dtype", choices=("float32", "bfloat16"), default="float32", help="of weights and computation")
    add(
        "--tokenizer", type=program.path, metavar="DIR", help="folder with tokenizer.json, or vocab.json and merges.txt"
    )
    add(
        "--activation",
        choices=(*ACTIVATIONS, BOTH),
        help=f"of both towers; {BOTH}: gelu and quick_gelu on the same photos, and which of them fits",
    )
    add("--norm-epsilon", type=program.positive_number, metavar="EPS", help="of layer norms")
    add("--text-pooling", choices=POOLINGS, help="which token's output is a text's embedding")
    add("--image-size", type=program.whole_number(1), metavar="PIXELS", help="side; positions are interpolated")
    add("--interpolation", choices=tuple(INTERPOLATIONS), help="of photos that are resized")
    add("--mean", type=_channels, metavar="R,G,B", help="taken from the channels, of values from 0 to 1")
    add("--std", type=_channels, metavar="R,G,B", help="by which they are divided")
    add(
        "--allow-pickle",
        action="store_true",
        help="also read weights from pickled .bin files, by PyTorch's reader that runs no code in them",
    )


def config_from_options(options: argparse.Namespace) -> EvaluationConfig:
    """The configuration that the options ask for.

    Raises:
        InputError: the options do not go together.
    """
    overrides = Overrides(
        activation=None if options.activation == BOTH else options.activation,
        norm_epsilon=options.norm_epsilon,
        text_pooling=options.text_pooling,
        image_size=options.image_size,
        interpolation=options.interpolation,
        mean=options.mean,
        deviation=options.std,
    )
    both = options.activation == BOTH
    loading = Loading(options.dtype, overrides, options.tokenizer, options.allow_pickle, both)
    given = {name: getattr(options, name) for name in ("data", "model", "scores", "names", "classes")}
    return from_options(EvaluationConfig, options, loading=loading, **given)


def _channels(text: str) -> tuple[float, float, float]:
    values = tuple(program.number(part) for part in text.split(","))
    if len(values) != 3:
        raise argparse.ArgumentTypeError(f"must be three numbers, as 0.5,0.5,0.5, got {text}")
    return values[0], values[1], values[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    hosts.join(options)
    config = config_from_options(options)
    results.check_json(options.json)
    evaluation = run(config, options.out)
    if not hosts.is_first() or results.emit_json(evaluation.summary, options.json):
        return
    if config.uncurated:
        _show_uncurated(evaluation, options)
        return
    show(evaluation.summary)
    terminal.output().print(f"Written to {options.out}: {', '.join(evaluation.files)}", soft_wrap=True)


def _show_uncurated(evaluation: Evaluation, options: argparse.Namespace) -> None:
    content, console = evaluation.summary, terminal.output()
    console.print(f"{content['accuracy_unbalanced']:.2f}% of {content['photos']} photos are right, all photos alike.")
    show_left_out(content)
    place = options.out / FILE
    names = "" if options.names == IMAGENET else f" --names {shlex.quote(options.names)}"
    following = f"python -m realdata.curate --predictions {shlex.quote(str(place))}{names}"
    console.print(f"Written: {place}. Next: {following}", soft_wrap=True)


_SHOWN = 10  # lines of a long list; summary.json has all


def show(content: Mapping[str, Any]) -> None:
    """Print the content of `summary.json`: groups, drop, what else was measured, notes and unreadable photos."""
    console = terminal.output()
    table = terminal.table(
        f"Accuracy (%), {content['setup'].replace('v', ' vs. ')}, mean over classes; 95% intervals",
        ("", "photos", "accuracy", "over photos", "over classes too", "all photos alike"),
    )
    for name, group in content["groups"].items():
        table.add_row(
            name,
            str(group["photos"]),
            f"{group['accuracy']:.2f}",
            terminal.interval(group["interval"]),
            terminal.interval(group["interval_over_classes"]),
            f"{group['accuracy_unbalanced']:.2f}",
        )
    drop = content["drop"]
    table.add_row(
        "drop",
        "",
        f"{drop['value']:.2f}",
        terminal.interval(drop["interval"]),
        terminal.interval(drop["interval_over_classes"]),
        "",
    )
    console.print(table)
    console.print(
        "over photos: these classes, other photos of them; over classes too: other classes as well, which is wider "
        "since classes differ. all photos alike: not averaged class by class."
    )
    for line in _lines(content):
        console.print(line, soft_wrap=True, markup=False)
    show_left_out(content)


def show_left_out(content: Mapping[str, Any]) -> None:
    """Print the notes and the photos that could not be read."""
    terminal.print_list("Notes", content["warnings"], _SHOWN)
    unreadable = [f"{each['path']} ({each['reason']})" for each in content["unreadable"]]
    terminal.print_list("Left out, cannot be read", unreadable, _SHOWN)


def _lines(content: Mapping[str, Any]) -> list[str]:
    """The results beside the groups' accuracies, a sentence each."""
    worst, found = content["worst_group"], content["mistakes"]
    lines = [f"Worst group: {worst['label']}, {worst['group']} photos, {worst['accuracy']:.2f}% of {worst['photos']}."]
    if content["setup"] not in (ALL, TWENTY):
        lines.append(f"Candidates: {content['candidates']}, not ImageNet's {IMAGENETS}.")
    if found["with_background"] is not None:
        line = f"Mistakes on counter photos that go with the background: {found['with_background']:.0f}%"
        line += f" of the {found['judged']} of {found['counter_mistakes']} that other classes' photos can judge"
        if found["expected"] is not None:
            line += f", {found['expected']:.0f}% expected by chance (p = {found['p_value']:.2g})"
        lines.append(f"{line}.")
    confused = content["confusion"]
    if confused is not None:
        near, far = (confused[kind]["more_on_counter"] for kind in ("near", "far"))
        lines.append(
            f"Of the drop, {near['value']:.1f} points {terminal.interval(near['interval'], '.1f')} are mistakes for "
            f"near classes (a WordNet group of at most {confused['near_is']} of ImageNet's holds both), "
            f"{far['value']:.1f} {terminal.interval(far['interval'], '.1f')} for far ones."
        )
    robustness, reliance = content["effective_robustness"], content["reliance"]
    if "value" in robustness:
        lines.append(
            f"Effective robustness: {robustness['value']:+.2f} points "
            f"{terminal.interval(robustness['interval'], '+.2f')} against the published ImageNet models."
        )
    if "value" in reliance:
        lines.append(
            f"Index of spurious reliance: {reliance['value']:.3f} {terminal.interval(reliance['interval'], '.3f')} (0: "
            "ignores the background; 1: right on half of the counter photos)."
        )
    for row in content["published"]:
        lines.append(
            f"Published, Table {row['table']}: common {row['common']:.2f}, counter {row['counter']:.2f}, "
            f"drop {row['drop']}, mean over classes."
        )
    return lines
