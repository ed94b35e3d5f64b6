"""The main job: contrastive and supervised learners on the same images, compared with each other and with theory."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax

from sims.contrastive import closed_forms, comparison
from sims.contrastive.result import ContrastiveResult, config_dict
from sims.contrastive.verdict import compare, verdict
from sims.objectives import OBJECTIVES
from sims.objectives.table import source_of
from sims.training.checkpoints import Checkpoints
from sims.training.config import CHECKPOINT_SECONDS, ContrastiveConfig
from sims.training.runs import check_memory
from sims.training.train import train
from workbench import hosts, results, terminal


def run(
    config: ContrastiveConfig, out: Path | None = None, checkpoint_seconds: float = CHECKPOINT_SECONDS
) -> ContrastiveResult:
    """Run the main job, with its progress on a terminal.

    Args:
        config: what to run.
        out: a folder for result.json, arrays.npz and figure.png, and for the checkpoints of a long run, from which the
            same run goes on if it was stopped; nothing is written unless it is given.
        checkpoint_seconds: between two checkpoints.

    Raises:
        InputError: it needs more memory than is free, or the folder cannot be written or holds another run's
            checkpoints.
        RunError: training diverged.
        KeyboardInterrupt: it was interrupted; what was done is kept in the checkpoints, if there is a folder.
    """
    check_memory(config)
    checkpoints = None
    if out is not None:
        results.check_writable(out)
        checkpoints = Checkpoints(out / "checkpoints", _identity(config), checkpoint_seconds)
    with terminal.progress() as display:
        task = display.add_task("training steps", total=config.steps, status="")

        def on_progress(step: int, status: str) -> None:
            display.update(task, completed=step, status=status)

        result: ContrastiveResult = hosts.run_together(lambda: train_and_compare(config, on_progress, checkpoints))
    if out is not None and checkpoints is not None:
        if hosts.is_first():
            result.save(out)
        checkpoints.remove()
    return result


def _identity(config: ContrastiveConfig) -> dict[str, Any]:
    """What a run's checkpoints must have been made by; JSON-ready."""
    made_by = _versions() | {"platform": jax.default_backend()}
    own = {name: source_of(each) for name, each in config.learners.items() if name not in OBJECTIVES}
    return results.as_read_back(config_dict(config) | {"versions": made_by} | ({"own_objectives": own} if own else {}))


def train_and_compare(
    config: ContrastiveConfig,
    on_progress: Callable[[int, str], None] = lambda step, status: None,
    checkpoints: Checkpoints | None = None,
) -> ContrastiveResult:
    """Train all learners of a configuration, evaluate them on fresh data, and compare them with theory and each other.

    Args:
        config: what to run.
        on_progress: called now and then with the step reached and a word on how it goes.
        checkpoints: where to keep a long training, and to go on from.

    Raises:
        RunError: training diverged.
    """
    started, linear = time.perf_counter(), config.architecture.linear
    with ThreadPoolExecutor(1) as background:
        # The closed forms compile while the training program does.
        batch_free = background.submit(closed_forms.batch_free, config)
        others = background.submit(closed_forms.of_batches if linear else closed_forms.without, config)
        training = train(config, on_progress, checkpoints)
        theory, known = batch_free.result(), others.result()
    predictions = [*theory["predictions"], *known] if linear else known
    rows = comparison.tabulate(
        training.learners, predictions, config.prompt, float(config.model.spurious_ratio), config.supervised
    )
    device = jax.devices()[0]
    return ContrastiveResult(
        config,
        training.learners,
        rows,
        verdict(compare(training.learners, config.prompt, config.supervised), rows),
        _theorem62(theory, rows),
        training.seconds | {"total": time.perf_counter() - started},
        _versions() | {"device": f"{device.platform} {device.device_kind}", "devices": str(jax.device_count())},
    )


def _versions() -> dict[str, str]:
    return results.versions("jax", "jaxlib", "flax", "optax", "numpy")


def _theorem62(theory_report: dict[str, Any], rows: list[comparison.Row]) -> dict[str, Any] | None:
    bound = theory_report["printed"]["conflicting_error_bound"]
    errors = {row.learner: 1 - row.accuracy["conflicting"] for row in rows if row.prompt == "label"}
    if "linearized" not in errors or bound is None:
        return None
    return {
        "conditions_hold": theory_report["printed"]["conditions_hold"],
        "printed_error_bound": bound,
        "derived_error": theory_report["derived"]["conflicting_error"],
        "simulated_error": errors,
    }
