"""`python -m realdata.replicate`: the paper's accuracies on its photos, measured again, in one command."""

import argparse
import shlex
from pathlib import Path

from realdata.models.loading import Loading
from realdata.replicate.config import ReplicationConfig
from workbench import program, results, terminal
from workbench.errors import RunError
from workbench.parameters import add_options, from_options

DEFAULT_OUT = Path("results/replicate")
_NAMED = 3  # models in the last line


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.replicate",
        "Evaluate the models of the paper's tables on its photos, each as its table says, and compare with what is "
        "printed: accuracies with intervals that hold for all models together, and the claims by both. What is "
        "finished is not done again: a run that was stopped goes on, and further tables and models join it. A model "
        "that cannot be loaded is told, and the rest goes on; the exit code is then 1.",
    )
    add = parser.add_argument
    add("--data", type=program.path, required=True, metavar="ROOT", help="folder of class folders, as CounterAnimal's")
    add_options(parser, ReplicationConfig)
    add("--dtype", choices=("float32", "bfloat16"), default="float32", help="of weights and computation")
    add(
        "--allow-pickle",
        action="store_true",
        help="also read weights from pickled files, by PyTorch's reader that runs no code in them",
    )
    program.add_out_option(parser, DEFAULT_OUT, "for the evaluations and the results")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.replicate.display import show, show_step
    from realdata.replicate.run import Step, replicate

    results.check_json(options.json)
    loading = Loading(dtype=options.dtype, allow_pickle=options.allow_pickle)
    config = from_options(ReplicationConfig, options, data=options.data, loading=loading)
    only_json = str(options.json) == "-"

    def tell(step: Step) -> None:
        if not only_json:
            show_step(step)

    found = replicate(config, options.out, tell)
    found.save(options.out)
    if not results.emit_json(found.content(), options.json):
        show(found)
        place = shlex.quote(str(options.out))
        console = terminal.output()
        console.print(f"Written to {options.out}: {', '.join(found.files)}", soft_wrap=True)
        if len(found.comparison):
            following = f"python -m paper_figs --with {place} --out {shlex.quote(str(options.out / 'report'))}"
            console.print(f"Next, the page with all of the evidence: {following}", soft_wrap=True)
    if found.failures:
        names = [each.model for each in found.failures]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise RunError(
            f"{len(names)} models were not evaluated: {', '.join(names[:_NAMED])}{more}; the same command tries them "
            "again"
        )
