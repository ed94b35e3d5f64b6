"""One replication: every planned evaluation, those that are finished already left alone, then the comparison.

The folder holds `run.json`, which says what it is a replication of; `evaluations/`, with a folder for each evaluation
as `realdata.evaluate` writes it; and the results. An evaluation is finished when its summary is there, its last file.
"""

import gc
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax

from published.directory import DIRECTORY
from published.tables import read_published_tables
from realdata.claims.added_models import EVALUATIONS, AddedModel, read_added_models
from realdata.evaluate.candidates import read_templates
from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.run import run as evaluate
from realdata.names import IMAGENET
from realdata.photos.class_names import read_class_names
from realdata.photos.folders import DataSet, find_photos
from realdata.replicate.claims import ask_both
from realdata.replicate.comparison import Measured, compare
from realdata.replicate.config import ReplicationConfig
from realdata.replicate.plan import Row, Task, plan, tasks_of
from realdata.replicate.result import Failure, Replication
from workbench import program, results
from workbench.errors import InputError, LostProcessError, RunError

RUN = "run.json"


class Step(NamedTuple):
    """What became of one evaluation.

    Attributes:
        number: the evaluation's, from 1.
        total: of all evaluations.
        rows: the rows of the tables that it serves.
        model: its result; None if it could not be made.
        reason: why not; empty if it was made.
        earlier: whether it had been made before.
    """

    number: int
    total: int
    rows: list[Row]
    model: AddedModel | None
    reason: str = ""
    earlier: bool = False


def replicate(config: ReplicationConfig, out: Path, tell: Callable[[Step], None] = lambda step: None) -> Replication:
    """Evaluate the models of printed tables, and compare what is printed with what was measured.

    What is finished in the folder is not done again, so that a run that was stopped in whatever way goes on.

    Args:
        config: the configuration.
        out: the folder of the replication, new or of the same photos.
        tell: called after each evaluation.

    Raises:
        InputError: the photos or the 80 prompts cannot be read, a model stands in no table, or the folder is of
            something else.
        KeyboardInterrupt: the run was stopped; what was finished stays.
    """
    tables = read_published_tables(DIRECTORY)
    rows = plan(config, tables)
    tasks = tasks_of(rows)
    for prompt in {task.config(config).prompt for task in tasks}:
        read_templates(prompt)  # before hours of work, not after
    data = find_photos(config.data, read_class_names(IMAGENET))
    _claim(out, config, data)
    models: dict[Task, AddedModel] = {}
    failures = [Failure(row.name, row.reason) for row in rows if row.task is None]
    for number, task in enumerate(tasks, 1):
        own = [row for row in rows if row.task == task]
        step = _step(task.config(config), out / EVALUATIONS / task.folder, data)
        if step.model is None:
            failures.append(Failure(own[0].name, step.reason))
        else:
            models[task] = step.model
        tell(step._replace(number=number, total=len(tasks), rows=own))
    measured = [Measured(row, models[row.task]) for row in rows if row.task is not None and row.task in models]
    comparison = compare(measured)
    return Replication(config, len(data.photos), comparison, failures, ask_both(comparison, tables))


def _step(config: EvaluationConfig, folder: Path, data: DataSet) -> Step:
    """Make one evaluation unless it is there; what a model fails by becomes the reason."""
    try:
        earlier = _is_finished(config, folder)
        if not earlier:
            evaluate(config, folder, data)
        return Step(0, 0, [], read_added_models([folder])[0], earlier=earlier)
    except LostProcessError:
        raise
    except (InputError, RunError, MemoryError, jax.errors.JaxRuntimeError) as error:
        reason = (str(error) or type(error).__name__).strip().splitlines()[0].removeprefix("`model`: ")
        return Step(0, 0, [], None, program.with_options(reason))
    finally:
        gc.collect()  # the weights, which cycles keep


def _is_finished(config: EvaluationConfig, folder: Path) -> bool:
    """Whether the folder has the evaluation of this model, from these files."""
    path = folder / "summary.json"
    return path.exists() and results.read_json(path, "summary of an evaluation").get("model") == config.model


def _claim(out: Path, config: ReplicationConfig, data: DataSet) -> None:
    """Note in the folder what it is a replication of, or check that it is of the same.

    Raises:
        InputError: the folder is of other photos or another data type, holds something else, or cannot be written.
    """
    results.check_writable(out)
    sizes = [f"{photo.path} {(data.root / photo.path).stat().st_size}" for photo in data.photos]
    digest = hashlib.sha256("\n".join(sizes).encode()).hexdigest()
    own: dict[str, Any] = {"data": str(config.data), "photos": len(sizes), "dtype": config.loading.dtype}
    path = out / RUN
    if path.exists():
        found = results.read_json(path, "description of a replication", keys=(*own, "digest"))
        if found["digest"] != digest:
            raise InputError(
                f"`out`: {out} is of other photos, {found['photos']} in {found['data']}, and `data` {config.data} has "
                f"{len(sizes)}; choose another folder"
            )
        if found["dtype"] != own["dtype"]:
            raise InputError(f"`out`: {out} was made in {found['dtype']}, not in {own['dtype']}; choose another folder")
        return
    if out.exists() and any(out.iterdir()):
        raise InputError(f"`out`: {out} holds files, and no {RUN} of a replication; choose a new folder")
    results.write_files(out, {RUN: results.to_json(own | {"digest": digest})})
