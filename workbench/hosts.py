"""Several processes as one run, on one host or many; and the free memory of this process's device."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import psutil

from workbench import terminal
from workbench.errors import InputError, LostProcessError

# Seconds after which a silent process counts as dead; seconds to wait for the others at the start and at the end.
_HEARTBEAT, _START, _END = 20, 120, 60
# Words in the messages of Gloo, NCCL and gRPC about a process that does not answer; the errors' types vary.
_SILENCE = ("Gloo", "NCCL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "Barrier", "heartbeat", "Connection")


def join(options: argparse.Namespace) -> None:
    """Join the other processes, if the options say so; call it before any other use of JAX.

    Raises:
        InputError: the options do not fit together, there is no job, or the other processes do not connect.
    """
    given = options.coordinator, options.processes, options.process
    if not options.distributed and given == (None, None, None):
        return
    if options.distributed != (given == (None, None, None)) or (not options.distributed and None in given):
        raise InputError("--coordinator, --processes and --process go together; --distributed needs none of them")
    if options.coordinator is not None and not options.coordinator.rpartition(":")[2].isdigit():
        raise InputError(f"--coordinator: must be HOST:PORT, got {options.coordinator}")
    if None not in (options.process, options.processes) and options.process >= options.processes:
        raise InputError(f"--process: must be below --processes, which is {options.processes}, got {options.process}")
    _keep_standard_output()
    where = "" if options.coordinator is None else f" at {options.coordinator}"
    try:
        with terminal.spinner(f"waiting for the other processes{where}"):
            jax.distributed.initialize(
                *given,
                initialization_timeout=_START,
                heartbeat_timeout_seconds=_HEARTBEAT,
                shutdown_timeout_seconds=_END,
            )
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the processes did not find each other ({reason}); check --coordinator, or that the job's scheduler is "
            "one that JAX knows, and that every process was started"
        ) from error


def _keep_standard_output() -> None:
    """Keep standard output for Python; libraries such as Gloo print a greeting there when they connect."""
    sys.stdout.flush()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = output


def available_bytes() -> int:
    """Free memory of the device that holds arrays: an accelerator's own memory, or the machine's."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"]) - int(statistics.get("bytes_in_use", 0))
    return int(psutil.virtual_memory().available)


def is_first() -> bool:
    """Whether this is the process that writes results and prints."""
    return jax.process_index() == 0


def process_number() -> int:
    """The number of this process in the run, from 0."""
    return int(jax.process_index())


def broadcast(value: int) -> int:
    """The first process's value, in every process; all processes must call this."""
    if jax.process_count() == 1:
        return value
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def wait_for_all(what: str) -> None:
    """Wait until every process has come this far.

    Args:
        what: a name for this point of the run, the same in all processes.

    Raises:
        LostProcessError: another process has ended.
    """
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        run_together(lambda: multihost_utils.sync_global_devices(what))


def run_together(work: Callable[[], Any]) -> Any:
    """Do work that needs all processes.

    Raises:
        LostProcessError: another process has ended.
    """
    try:
        return work()
    except Exception as error:
        if not is_lost_process(error):
            raise
        raise LostProcessError(
            "another process of this run has ended; start the same command again in all of them, and it goes on from "
            f"the last checkpoint ({str(error).splitlines()[0]})"
        ) from error


def is_lost_process(error: Exception) -> bool:
    """Whether an error from JAX, or from a library on top of it, comes from a process that does not answer."""
    return jax.process_count() > 1 and any(word in str(error) for word in _SILENCE)
