"""The configuration of `sims.repairs digits`."""

import dataclasses
from pathlib import Path

from sims.colored_digits.design import CAPTIONED, Design
from theory.names import REPAIRS
from workbench import program
from workbench.errors import ParameterError
from workbench.parameters import SEED, STEPS, Domain, check, parameter, whole_number, words


def _parse_shares(text: str) -> tuple[float, ...]:
    return tuple(dict.fromkeys(program.share(part) for part in text.split(",")))


def _check_shares(name: str, values: tuple[float, ...]) -> None:
    for value in values or (-1.0,):
        if not 0 <= value <= 1:
            raise ParameterError(name, "one or more numbers in [0, 1]", values)


_SHARES = Domain(_parse_shares, "X,...", _check_shares)


@dataclasses.dataclass(frozen=True)
class DigitsRepairConfig:
    """Which CLIPs to train, and which repairs to apply, with the constants of `theory.REPAIRS`.

    Attributes:
        design: how labels and colours are drawn.
        mention_spu: probabilities that a caption names the background; CLIPs are trained with each.
        repair: names of `theory.REPAIRS`.
        steps: optimiser steps.
        seeds: CLIPs with each kind of captions; at least 2, whose spread is the error.
        seed: of the first one; the others have the next ones.
        draws: normal embeddings drawn for each class on a background, from which accuracies are predicted.
        digits: a folder with MNIST's files; scikit-learn's digits without.
        evaluated: `summary.json` of an evaluation of one of these CLIPs, as `sims.colored_digits export` writes it, to
            be shown beside.

    Raises:
        ParameterError: a value outside its domain.
    """

    design: Design = CAPTIONED
    mention_spu: tuple[float, ...] = parameter(
        (0.5, 0.0), _SHARES, "probabilities that a caption names the background, separated by commas"
    )
    repair: tuple[str, ...] = parameter(
        tuple(REPAIRS), words(tuple(REPAIRS)), f"repairs, separated by commas, among {', '.join(REPAIRS)}"
    )
    steps: int = parameter(400, STEPS, "optimiser steps of each CLIP")
    seeds: int = parameter(3, whole_number(2), "CLIPs with each kind of captions")
    seed: int = parameter(0, SEED, "seed of the first CLIP; the others have the next ones")
    draws: int = parameter(2000, whole_number(100), "normal embeddings of each class on a background, for predictions")
    digits: Path | None = None
    evaluated: Path | None = None

    def __post_init__(self) -> None:
        check(self)
