"""`sober-clip PROGRAM ...`: every program by its short name.

A program is imported only when it is started, so that the list appears at once.
"""

import difflib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

from workbench import program


class Program(NamedTuple):
    """A program.

    Attributes:
        name: what follows `python -m`.
        entry: the module with its `main`.
        does: what it does, in a line; the README's table says the same.
    """

    name: str
    entry: str
    does: str


_EVERY = (
    Program("theory", "theory.program", "closed forms of every loss, caption and prompt"),
    Program(
        "sims.contrastive",
        "sims.contrastive.program",
        "the main job: trains all objectives, compares them with theory and supervision",
    ),
    Program(
        "sims.repairs",
        "sims.repairs.__main__",
        "zero-shot repairs of trained encoders, from prompts only, beside their closed forms",
    ),
    Program("sims.theorems", "sims.theorems.program", "simulates the theory's statements"),
    Program("sims.sweep", "sims.sweep.program", "every combination of parameters, on all devices and hosts"),
    Program(
        "sims.colored_digits",
        "sims.colored_digits.__main__",
        "the paper's Table 8: contrastive and supervised learners on coloured digits",
    ),
    Program(
        "sims.colored_coco",
        "sims.colored_coco.__main__",
        "the paper's Table 7: a CLIP fine-tuned on objects on painted backgrounds",
    ),
    Program(
        "realdata.evaluate",
        "realdata.evaluate.program",
        "any CLIP, SigLIP, ImageNet classifier or LVLM on CounterAnimal's photos",
    ),
    Program("realdata.check", "realdata.check.program", "looks through a folder of photos before that"),
    Program(
        "realdata.replicate",
        "realdata.replicate.program",
        "the models of the paper's tables on its photos, beside the printed accuracies",
    ),
    Program("realdata.compare", "realdata.compare", "two evaluations of the same photos, with paired intervals"),
    Program(
        "realdata.curate",
        "realdata.curate.program",
        "selects photos by a model's failures, and measures what that does to a drop",
    ),
    Program("realdata.models", "realdata.models.program", "the names of the paper's models"),
    Program("realdata.audit", "realdata.audit.program", "checks the printed tables for what cannot be true"),
    Program("realdata.claims", "realdata.claims.program", "puts the paper's claims to the published measurements"),
    Program("realdata.reliance", "realdata.reliance.program", "tests the theory on the published measurements"),
    Program("paper_figs.statements", "paper_figs.statements.program", "computes the theory's curves that figures show"),
    Program("paper_figs", "paper_figs.program", "every figure, and the page with all of the evidence"),
)

# By short name: the last part of `python -m NAME`, with hyphens.
PROGRAMS = {each.name.rpartition(".")[2].replace("_", "-"): each for each in _EVERY}


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the program that the first word names, with the other words; return its exit code, 2 for a wrong name.

    Args:
        arguments: the arguments; by default those of the command line.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["--help"], ["-h"]):
        print(_help())
        return 0
    if words[:1] == ["--version"]:
        print(f"sober-clip {version('sober-clip')}")
        return 0
    if not words:
        return _refuse("must be followed by the name of a program")
    # Also as after `python -m`: sims.colored_digits, colored_digits.
    short = words[0].rpartition(".")[2].replace("_", "-")
    found = PROGRAMS.get(short)
    if found is None or words[0] not in (short, short.replace("-", "_"), found.name):
        near = difflib.get_close_matches(short, PROGRAMS, n=3)
        return _refuse(f"no program {words[0]}" + (f", but {' and '.join(near)}" if near else ""))
    with program.called(f"python -m {found.name}", f"sober-clip {short}"):
        return program.start(f"python -m {found.name}", found.entry, words[1:])


def _refuse(reason: str) -> int:
    print(f"sober-clip: {reason}; --help lists all programs", file=sys.stderr)
    return 2


def _help() -> str:
    """All programs, with what they do."""
    width = max(map(len, PROGRAMS))
    return "\n".join(
        [
            "usage: sober-clip PROGRAM [OPTIONS]",
            "",
            "Does CLIP's training objective give robustness to spurious features? To begin with, run contrastive.",
            "",
            *(f"  {short:{width}}  {each.does}" for short, each in PROGRAMS.items()),
            "",
            "sober-clip PROGRAM --help lists a program's options; --version prints the version.",
            "`sober-clip contrastive` is the same as `python -m sims.contrastive`, and so on.",
        ]
    )
