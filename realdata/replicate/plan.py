"""What a replication evaluates: rows of the printed tables, and the evaluations that give their numbers.

A table says how its models were asked: among how many candidates, with which prompt, and how classes were averaged.
Tables that differ only in the average share their evaluations.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from published.tables import PublishedTables
from realdata.evaluate.config import EvaluationConfig
from realdata.models.imagenet_files import file_names
from realdata.models.registry import Published, find_published
from realdata.names import AT, OPENAI80, PAPER, PREFIX
from realdata.replicate.config import MAIN, TABLES, ReplicationConfig
from workbench.conventions import GROUPS
from workbench.errors import InputError

QUANTITIES = (*GROUPS, "drop")
_PROMPTS = {"simple": PAPER, "openai80": OPENAI80, "none": PAPER}  # the tables' words to the evaluator's


class Task(NamedTuple):
    """One evaluation.

    Attributes:
        published: the model.
        setup: `1v1000` or `1v20`.
        prompt: `simple`, `openai80` or `none`, as the tables say.
    """

    published: Published
    setup: str
    prompt: str

    @property
    def folder(self) -> str:
        """The name of its folder."""
        asked = [self.setup, *([] if self.prompt == "none" else [self.prompt])]
        return "-".join([_plain(self.published.name), *asked])

    def config(self, config: ReplicationConfig) -> EvaluationConfig:
        """The evaluation's configuration."""
        place = None if config.checkpoints is None else checkpoint_in(config.checkpoints, self.published)
        name = f"{PREFIX}{self.published.name}" + ("" if place is None else f"{AT}{place}")
        return EvaluationConfig(
            config.data,
            name,
            setup=self.setup,
            prompt=_PROMPTS[self.prompt],
            batch_size=config.batch_size,
            workers=config.workers,
            loading=config.loading,
        )


class Row(NamedTuple):
    """A row of a printed table.

    Attributes:
        line: its line in `results.csv`; the header is line 1.
        table: the table's number.
        name: the model's backbone, pre-training set and checkpoint, as printed.
        family: `clip`, `imagenet` or `lvlm`.
        averaging: `balanced` or `unbalanced`.
        printed: the printed accuracies in % and their drop in points, by `QUANTITIES`.
        task: the evaluation that gives its numbers; None for a model that no library has.
        reason: why there is none; empty where there is one.
    """

    line: int
    table: str
    name: str
    family: str
    averaging: str
    printed: dict[str, float]
    task: Task | None
    reason: str = ""


def plan(config: ReplicationConfig, tables: PublishedTables) -> list[Row]:
    """The rows to measure, in the order of `TABLES`.

    Args:
        config: the configuration.
        tables: the printed ones.

    Raises:
        InputError: a name is no model's, or its model stands in none of the tables.
    """
    rows = sorted(_rows(tables), key=lambda row: TABLES.index(row.table))
    chosen = [row for row in rows if row.table in (config.table or (TABLES if config.models else MAIN))]
    if config.models is None:
        return chosen
    found = []
    for name in config.models:
        model = _find(name)
        own = [row for row in chosen if row.task is not None and row.task.published == model]
        if not own:
            where = f"Table {' or '.join(config.table)}" if config.table else "the tables of accuracies on photos"
            raise InputError(f"`models`: {name} stands in no row of {where}")
        found += own if config.table else [row for row in own if row.table == own[0].table]
    return [row for row in chosen if row in found]


def _find(name: str) -> Published:
    try:
        return find_published(name)
    except InputError as error:
        raise InputError(f"`models`: {error}") from error


NAMED_BY = ("backbone", "pretrain", "checkpoint")  # columns of the printed tables


def printed_name(*parts: str) -> str:
    """A model's name from what the tables print in `NAMED_BY`, which may be empty."""
    return "-".join(filter(None, parts))


def _rows(tables: PublishedTables) -> list[Row]:
    found = []
    for index, printed in zip(tables.results.index, tables.results.to_dict("records"), strict=True):
        name = printed_name(*(str(printed[key]) for key in NAMED_BY))
        task, reason = None, ""
        try:
            task = Task(find_published(name), str(printed["setup"]), str(printed["prompt"]))
        except InputError as error:
            reason = str(error)
        found.append(
            Row(
                int(index) + 2,
                str(printed["table"]),
                name,
                str(printed["family"]),
                str(printed["averaging"]),
                {quantity: float(printed[quantity]) for quantity in QUANTITIES},
                task,
                reason,
            )
        )
    return found


def tasks_of(rows: Sequence[Row]) -> list[Task]:
    """The evaluations that rows need, each once, in their order."""
    return list(dict.fromkeys(row.task for row in rows if row.task is not None))


def checkpoint_in(folder: Path, published: Published) -> Path | None:
    """The place of a published model's files in a folder of checkpoints; None if it has none.

    Args:
        folder: with a folder for each model, named as on the hub (`owner/name`, or `name` alone), or by the paper's
            name with hyphens for slashes and spaces; or with files, `resnet50.safetensors` or as torchvision names it.
        published: the model.
    """
    kind, separator, rest = published.model.partition(":")
    names = [_plain(published.name)]
    if not separator:
        names += [kind, kind.rpartition("/")[2]]
    elif kind == "torchvision":
        names += file_names(rest)
    elif kind == "lvlm":
        names += [rest, rest.rpartition("/")[2]]
    return next((folder / name for name in names if (folder / name).exists()), None)


def _plain(name: str) -> str:
    return name.replace("/", "-").replace(" ", "-")
