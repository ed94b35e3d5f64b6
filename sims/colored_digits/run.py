"""One row of Table 8, trained and tested, with what made it."""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.digits import Digits
from sims.colored_digits.result import Row, row_of
from sims.colored_digits.training import train
from sims.training.checkpoints import Checkpoints
from workbench import results


def run(
    config: DigitsConfig,
    digits: Digits,
    on_progress: Callable[[int, str], None] = lambda step, status: None,
    checkpoints: Checkpoints | None = None,
) -> tuple[Row, dict[str, float]]:
    """Train and test one row; also the seconds that it took. Arguments and errors as `training.train`."""
    started = time.perf_counter()
    trained = train(config, digits, on_progress, checkpoints)
    row = row_of(config, digits, trained)
    return row, trained.seconds | {"total": time.perf_counter() - started}


def config_dict(config: DigitsConfig) -> dict[str, Any]:
    """The configuration as one flat dictionary."""
    content = dataclasses.asdict(config)
    return content.pop("design") | content


def describe_digits(digits: Digits) -> dict[str, Any]:
    """Which digits they are, JSON-ready: the source, how many, and what tells other ones apart."""
    content = b"".join(np.ascontiguousarray(part).tobytes() for split in digits[:2] for part in split)
    return {
        "source": digits.source,
        "train": len(digits.train.labels),
        "test": len(digits.test.labels),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def made_by() -> dict[str, str]:
    """Versions and device."""
    device = jax.devices()[0]
    return results.versions("jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn") | {
        "device": f"{device.platform} {device.device_kind}"
    }


def identity(config: DigitsConfig, digits: Digits) -> dict[str, Any]:
    """What decides the numbers of a run, JSON-ready: another one's checkpoints and rows are refused."""
    return results.as_read_back(config_dict(config) | {"digits": describe_digits(digits), "versions": made_by()})
