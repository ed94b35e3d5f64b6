"""Which repairs, on which backgrounds, with which constants.

A constant is as published where a paper gives one, and else ours, fixed before any photo was seen. `tune_on` chooses it
on photos that are not reported.

| repair | constant | default | from |
|---|---|---|---|
| calibrated | lambda, `strength` | 1000 | the authors' program for Waterbirds (arXiv 2302.00070) |
| perception | the scale of similarities | the model's own | arXiv 2308.01313 |
| tie | a shift for each background | from the photos, without labels | Lu, Chai and Wang, ICLR 2025 |
| whitened | the covariance's `power` | 1/2 | S30, for embeddings |
| subtract | beta, `weight` | 1/2 | ours |
| mixture | `share` of the mean over backgrounds | 1/2 | ours |

`projection`, `roboshot` and `openai80` have none; RoboShot runs without its helpful insights, which a language model
writes.
"""

import dataclasses

from realdata.names import OPENAI80
from theory.names import CONSTANT_NAMES
from theory.names import REPAIRS as CONSTANTS
from workbench import program
from workbench.errors import InputError
from workbench.parameters import SHARE, check, number, optional, parameter, text, words

REPAIRS = tuple(CONSTANTS)
ENSEMBLES = (OPENAI80,)  # they change the classes' templates alone, and are read from an installed OpenCLIP
BASELINES = ("probe", "dfr")  # with labels
CLASSES = "classes"
_NON_NEGATIVE = number(program.non_negative_number, "a number of at least 0", lambda value: value >= 0)


@dataclasses.dataclass(frozen=True)
class RepairConfig:
    """Repairs beside the plain prompt.

    Attributes:
        repair: the repairs; `openai80`, the mean over OpenAI's 80 templates in the classes' prompts (Radford et al.,
            arXiv 2103.00020); and `probe` and `dfr`: a linear classifier on the embeddings of labelled photos, and one
            on as many photos of each group (Kirichenko et al., arXiv 2204.02937).
        backgrounds: names of backgrounds, separated by commas, or a file with a name on each line. By default those of
            CounterAnimal if the photos' are among them, else those of the photos' folders or table.
        pairing: a class on a background as prompts say it; `{}` twice.
        strength: lambda of `calibrated`.
        power: of the covariance, for `whitened`.
        weight: beta of `subtract`.
        share: of the mean over backgrounds in `mixture`.
        tune_on: labelled photos that are not reported, for constants and for `probe` and `dfr`: a folder as `data`, a
            split of `metadata`, or `classes`, where the constants for a class are chosen on the other classes.

    Raises:
        ParameterError: a value outside its domain.
        InputError: `pairing` without two places, or labels needed and none held out.
    """

    repair: tuple[str, ...] = parameter(
        REPAIRS,
        words((*REPAIRS, *ENSEMBLES, *BASELINES)),
        f"repairs of the prompts, in one pass beside the plain prompt: {', '.join((*REPAIRS, *ENSEMBLES))}; or with "
        f"labels held out {' and '.join(BASELINES)}",
    )
    backgrounds: str | None = parameter(
        None,
        optional(text("FILE")),
        "the backgrounds' names, one a line, or separated by commas; by default CounterAnimal's, or the photos' own",
    )
    pairing: str = parameter("{} on {}", text("TEXT"), "a class on a background, as prompts say it")
    strength: float = parameter(CONSTANTS["calibrated"], _NON_NEGATIVE, "lambda of calibrated")
    power: float = parameter(CONSTANTS["whitened"], SHARE, "power of the captions' covariance in whitened")
    weight: float = parameter(
        CONSTANTS["subtract"], _NON_NEGATIVE, "beta of subtract: how much of the background's prompt is taken away"
    )
    share: float = parameter(CONSTANTS["mixture"], SHARE, "share of the mean prompt over all backgrounds in mixture")
    tune_on: str | None = parameter(
        None,
        optional(text("WHERE")),
        "choose the constants, and train probe and dfr, on labelled photos that are not reported: a folder as --data, "
        f"a split of --metadata, or {CLASSES}: for each class, on the others",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.pairing.count("{}") != 2:
            raise InputError(f"`pairing`: must hold {{}} twice, for a class and a background, got {self.pairing!r}")
        labelled = [name for name in self.repair if name in BASELINES]
        if labelled and self.tune_on in (None, CLASSES):
            raise InputError(
                f"`repair` {labelled[0]}: learns from labels, and needs `tune_on` with a folder or split of photos "
                "that are not reported"
            )

    def constant(self, repair: str) -> float:
        """A repair's constant; 0 for one that has none."""
        return getattr(self, CONSTANT_NAMES[repair]) if repair in CONSTANT_NAMES else 0.0
