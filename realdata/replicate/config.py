"""The configuration of a replication."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from realdata.models.loading import Loading
from realdata.photos.decoding import processor_count
from workbench.errors import InputError, ParameterError
from workbench.parameters import Domain, check, optional, parameter, path, whole_number, words

MAIN = ("3", "4")  # CLIPs and ImageNet models, asked as in the paper's main text
TABLES = (*MAIN, "5", "9", "10", "11", "12", "13", "14")


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",")))


def _check_names(name: str, value: Sequence[str]) -> None:
    if not all(value):
        raise ParameterError(name, "names of models, separated by commas", "an empty name")


_NAMES = Domain(_names, "NAMES", _check_names)


@dataclasses.dataclass(frozen=True)
class ReplicationConfig:
    """Which rows of the paper's tables to measure again, on which photos.

    Attributes:
        data: folder of class folders, as CounterAnimal's.
        table: the tables; by default 3 and 4, or the first that has a model of `models`.
        models: the models, by the names that `realdata.models` lists; by default all of the tables.
        checkpoints: a folder with files of models: see `checkpoint_in`.
        batch_size: photos in a batch; by default each model's own number.
        workers: processes that decode photos; with 0, the main one does.
        loading: data type, and whether pickled weights are read.

    Raises:
        ParameterError: a value outside its domain.
    """

    data: Path
    table: tuple[str, ...] | None = parameter(
        None,
        optional(words(TABLES)),
        "tables of the paper, separated by commas: 3 and 4, the main ones, unless --models names other models; 10 asks "
        "with 80 prompts, 13 and 14 among 20 candidates, 11 and 12 count all photos alike, 9 has other checkpoints, 5 "
        "also language models",
    )
    models: tuple[str, ...] | None = parameter(
        None,
        optional(_NAMES),
        "only these models, as python -m realdata.models names them; without --table from the first table that has one",
    )
    checkpoints: Path | None = parameter(
        None,
        optional(path("DIR")),
        "take a model from this folder if it has it, as the hub names it (owner/name, or name), by the paper's name "
        "(ViT-B-32-LAION400M), or as NAME.safetensors for torchvision's",
    )
    batch_size: int | None = parameter(None, optional(whole_number(1)), "photos in a batch (default: each model's own)")
    workers: int = parameter(
        processor_count(), whole_number(0), "processes that decode photos; 0 decodes in the main one"
    )
    loading: Loading = dataclasses.field(default_factory=Loading)

    def __post_init__(self) -> None:
        check(self)
        if self.checkpoints is not None and not self.checkpoints.is_dir():
            raise InputError(f"`checkpoints`: {self.checkpoints} is no directory")
