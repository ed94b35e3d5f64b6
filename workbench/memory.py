"""How much memory is free for arrays."""

import jax
import psutil


def available_bytes() -> int:
    """Free memory of the device that arrays go to: an accelerator's own, or the machine's."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"]) - int(statistics.get("bytes_in_use", 0))
    return int(psutil.virtual_memory().available)
