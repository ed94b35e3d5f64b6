"""`python -m realdata.evaluate`: a model on photos in CounterAnimal's layout, as the paper evaluates it."""

import argparse
from pathlib import Path

from pretrained.config import ACTIVATIONS, POOLINGS
from pretrained.overrides import Overrides
from pretrained.preprocessing import INTERPOLATIONS
from realdata.evaluate.config import EvaluationConfig
from realdata.models.loading import Loading
from realdata.photos.options import add_class_options, add_metadata_options, metadata_from_options
from realdata.repairs.config import RepairConfig
from workbench import program, results, terminal
from workbench.errors import InputError
from workbench.parameters import add_options, from_options, parameters_of

DEFAULT_OUT = Path("results/evaluate")
BOTH = "both"


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.evaluate",
        "Classify photos on common and on uncommon ('counter') backgrounds, zero-shot among all class names, and give "
        "the accuracy of each group with 95% intervals, what counter photos are mistaken for, and how the model stands "
        "beside the published ones. With --metadata, on any photos with groups of class and attribute. A stopped run "
        "continues where it stopped.",
    )
    add = parser.add_argument
    add(
        "--data",
        type=program.path,
        required=True,
        metavar="ROOT",
        help="folder of class folders, as CounterAnimal's, or of --metadata's photos",
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument(
        "--model",
        metavar="MODEL",
        help="a CLIP or SigLIP with ViT towers: a folder in Hugging Face's or OpenCLIP's format, a Hugging Face id "
        "(owner/name), or paper:NAME (python -m realdata.models lists them); or open_clip:ARCHITECTURE/TAG, "
        "torchvision:NAME, timm:NAME or lvlm:ID, by those packages; the paper's torchvision models run in JAX, also "
        "as torchvision:NAME@FILE",
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
    program.add_out_option(parser, DEFAULT_OUT, "for the results")
    program.add_json_option(parser)
    add_metadata_options(parser)
    _add_repairs(parser)
    _add_loading(parser)
    program.add_host_options(parser)
    return parser


def _add_repairs(parser: program.Parser) -> None:
    group = parser.add_argument_group(
        "repairs", "against the background, beside the plain prompt; docs/repairs.md says which to use when"
    )
    add_options(group, RepairConfig, repair=None)


def _add_loading(parser: program.Parser) -> None:
    group = parser.add_argument_group(
        "the checkpoint",
        "in place of what a CLIP's own files say, where it runs in JAX; what was used is written into the summary",
    )
    add = group.add_argument
    add("--dtype", choices=("float32", "bfloat16"), default="float32", help="of weights and computation")
    add(
        "--tokenizer", type=program.path, metavar="DIR", help="folder with tokenizer.json, or vocab.json and merges.txt"
    )
    add(
        "--activation",
        choices=(*ACTIVATIONS, BOTH),
        help=f"of the transformers; {BOTH}: gelu and quick_gelu on the same photos, and which of them fits",
    )
    add("--norm-epsilon", type=program.positive_number, metavar="EPS", help="of layer norms")
    add("--text-pooling", choices=POOLINGS, help="which token's output is a text's embedding")
    add(
        "--image-size",
        type=program.whole_number(1),
        metavar="PIXELS",
        help="side; positions are interpolated; not of a ResNet",
    )
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
    metadata = metadata_from_options(options)
    repairs = None if options.repair is None else from_options(RepairConfig, options)
    if repairs is None:
        for field in parameters_of(RepairConfig):
            if field.name != "repair" and getattr(options, field.name) != field.default:
                raise InputError(f"`{field.name}`: belongs to `repair`, which is not given")
    given = {name: getattr(options, name) for name in ("data", "model", "scores", "names", "classes")}
    return from_options(EvaluationConfig, options, loading=loading, metadata=metadata, repairs=repairs, **given)


def _channels(text: str) -> tuple[float, float, float]:
    values = tuple(program.number(part) for part in text.split(","))
    if len(values) != 3:
        raise argparse.ArgumentTypeError(f"must be three numbers, as 0.5,0.5,0.5, got {text}")
    return values[0], values[1], values[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.evaluate.display import show, show_groups, show_repairs, show_uncurated
    from realdata.evaluate.run import run
    from workbench import hosts

    hosts.join(options)
    config = config_from_options(options)
    results.check_json(options.json)
    evaluation = run(config, options.out)
    if not hosts.is_first() or results.emit_json(evaluation.summary, options.json):
        return
    if config.uncurated:
        show_uncurated(evaluation.summary, options.out, options.names)
        return
    (show if config.metadata is None else show_groups)(evaluation.summary)
    if config.repairs is not None:
        show_repairs(evaluation.summary)
    terminal.output().print(f"Written to {options.out}: {', '.join(evaluation.files)}", soft_wrap=True)
