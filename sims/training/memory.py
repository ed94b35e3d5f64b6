"""What a configuration will take of the memory, told before it is asked for."""

import jax.numpy as jnp

from sims.pairwise.blocks import BLOCK, is_large
from sims.synthetic.evaluation import PIECE
from sims.training.config import ContrastiveConfig
from sims.training.runs import MONITOR_SIZE, TEST_SIZE
from workbench.errors import InputError
from workbench.memory import available_bytes

# Copies alive at the peak, as measured on a CPU: of a drawn array (its bits, normals, noise and sum), of a training set
# and its shuffled batches, and of one objective's similarity matrix (logits, both softmaxes, their gradients).
_DRAWN, _DATASET, _SIMILARITIES = 5, 3, 5


def memory_bytes(config: ContrastiveConfig) -> dict[str, int]:
    """About how many bytes each part of the main job needs at its peak, by the parameters that set it."""
    image_dim, text_dim = int(config.model.image_dim), int(config.model.text_dim)
    pair = image_dim + text_dim
    contrastive = sum(objective.contrastive for objective in config.learners.values())
    # A large batch's similarities are there one block of rows at a time, and its runs train one after the other.
    columns, at_once = (BLOCK, 1) if is_large(config.batch_size) else (config.batch_size, config.seeds)
    encoding = config.architecture.floats_per_image()
    floats = {
        "`image_dim` or `seeds`": 2 * (MONITOR_SIZE + TEST_SIZE) * image_dim * (config.seeds + _DRAWN)
        + PIECE * encoding // 2 * config.seeds,
        "`samples` or `seeds`": _DATASET * config.seeds * config.samples * pair,
        "`batch_size` or `seeds`": at_once
        * config.batch_size
        * (_SIMILARITIES * contrastive * columns + _DRAWN * pair + 2 * encoding),
        # Weights, Adam's two moments, the phase's sum, gradients and updates.
        "`embed_dim` or `seeds`": 6 * config.seeds * config.embed_dim * pair * contrastive,
    }
    size = jnp.dtype(jnp.result_type(float)).itemsize
    return {names: size * count for names, count in floats.items()}


def check_memory(config: ContrastiveConfig) -> None:
    """Refuse what does not fit.

    Raises:
        InputError: the configuration needs more memory than is free; the message names the parameters to reduce.
    """
    needed, free = memory_bytes(config), available_bytes()
    total = sum(needed.values())
    if total > free:
        largest = max(needed, key=lambda names: needed[names])
        raise InputError(
            f"the run needs about {total / 1e9:,.1f} GB of memory and {free / 1e9:,.1f} GB are free; reduce {largest}"
        )
