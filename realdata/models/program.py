"""`python -m realdata.models`: the models of the paper's tables, by the names that `--model paper:NAME` takes."""

import argparse

from realdata.names import PREFIX
from workbench import program, results, terminal

_RUN_BY = {"lvlm": "transformers"}


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.models",
        f"List the models of the paper's tables: realdata.evaluate takes --model {PREFIX}NAME.",
    )
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.models.registry import published_models

    models = [model._asdict() | {"run_by": _library(model.model)} for model in published_models()]
    if results.emit_json({"models": models}, options.json):
        return
    table = terminal.table(
        "Models of the paper's tables",
        (f"{PREFIX}NAME", "is", "run by"),
        overflow="fold",  # readers copy the names, so they must be whole
    )
    for model in models:
        table.add_row(model["name"], model["model"], model["run_by"])
    terminal.output().print(table)


def _library(model: str) -> str:
    """The library that runs a model."""
    return _RUN_BY.get(model.partition(":")[0], "JAX, here")
