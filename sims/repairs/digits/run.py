"""Train a CLIP for each kind of captions and each seed, and repair it; a stopped run goes on where it stopped."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from sims.colored_digits.captioned import train_captioned
from sims.colored_digits.digits import read_digits
from sims.colored_digits.run import describe_digits
from sims.repairs.digits.config import DigitsRepairConfig
from sims.repairs.digits.evaluated import beside, read_evaluated
from sims.repairs.digits.result import DigitsRepairResult
from sims.repairs.digits.shares import Shares, shares_of
from workbench import results, terminal


def run(config: DigitsRepairConfig, out: Path | None = None) -> DigitsRepairResult:
    """Run the job, with its progress on a terminal.

    Args:
        config: what to run.
        out: a folder for figure.png, table.md, result.json and arrays.npz, and in clips/ for what each finished CLIP
            gets right, which the next run reads; nothing is written unless it is given.

    Raises:
        InputError: the digits or the evaluation cannot be read, the evaluation is of another CLIP, or the folder cannot
            be written or holds another run's CLIPs.
        RunError: training diverged.
        KeyboardInterrupt: it was interrupted; finished CLIPs stay in the folder.
    """
    started = time.perf_counter()
    if out is not None:
        results.check_writable(out)
    evaluated = read_evaluated(config.evaluated) if config.evaluated else None
    with terminal.spinner("reading the digits"):
        digits = read_digits(config.design.classes, config.digits)
    versions = results.versions("jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn", "tokenizers")
    described = describe_digits(digits)
    kept = None if out is None else _Kept(results.path_inside(out, "clips"), config, described | versions)
    shares: dict[float, list[Shares]] = {mention: [] for mention in config.mention_spu}
    with terminal.progress() as display:
        total = display.add_task("CLIPs", total=len(shares) * config.seeds, status="")
        task = display.add_task("training steps", total=config.steps, status="")

        def report(step: int, status: str) -> None:
            display.update(task, completed=step, status=status)

        for mention in config.mention_spu:
            for seed in range(config.seed, config.seed + config.seeds):
                found = kept.read(mention, seed) if kept else None
                if found is None:
                    checkpoint = train_captioned(config.design, digits, (1.0, mention), config.steps, seed, report)
                    found = shares_of(checkpoint, digits, config.design.classes, config.repair, config.draws)
                    if kept:
                        kept.write(mention, seed, found)
                shares[mention].append(found)
                display.advance(total)
    stacked = {mention: Shares(*map(np.stack, zip(*found, strict=True))) for mention, found in shares.items()}
    device = jax.devices()[0]
    result = DigitsRepairResult(
        config,
        described,
        stacked,
        beside(config.evaluated, evaluated, config, stacked) if config.evaluated and evaluated else None,
        {"total": time.perf_counter() - started},
        versions | {"device": f"{device.platform} {device.device_kind}"},
    )
    if out is not None:
        result.save(out)
    return result


class _Kept:
    """The files of what finished CLIPs get right.

    Args:
        folder: for them.
        config: what is run.
        others: what else decides the numbers, JSON-ready; a file of another run is refused.
    """

    def __init__(self, folder: Path, config: DigitsRepairConfig, others: dict[str, Any]):
        design = dataclasses.asdict(config.design)
        decides = design | {"steps": config.steps, "draws": config.draws, "repair": config.repair}
        self._folder, self._identity = folder, results.as_read_back(decides | others)

    def _path(self, mention: float, seed: int) -> Path:
        return self._folder / f"mention{mention:g}-seed{seed}.npz"

    def read(self, mention: float, seed: int) -> Shares | None:
        """A CLIP's shares, or None if they are not there.

        Raises:
            InputError: the file is another run's, or cannot be read; it is left as it is.
        """
        path = self._path(mention, seed)
        arrays = results.read_own_npz(path, self._identity, "of another version", Shares._fields)
        return None if arrays is None else Shares(**arrays)

    def write(self, mention: float, seed: int, shares: Shares) -> None:
        """Keep a CLIP's shares."""
        content = results.to_own_npz(shares._asdict(), self._identity)
        results.write_files(self._folder, {self._path(mention, seed).name: content})
