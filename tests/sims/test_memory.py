"""Runs that cannot fit are refused before they start, and the estimate covers what is kept."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from sims.training.config import ContrastiveConfig
from sims.training.runs import check_memory, compiled_draw, memory_bytes
from theory import SpuriousModel
from workbench.errors import InputError

SMALL = ContrastiveConfig(SpuriousModel(image_dim=4, text_dim=3), seeds=2, samples=100, batch_size=10)


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"model": SpuriousModel(image_dim=1_000_000)}, "`image_dim`"),
        ({"samples": 10**9}, "`samples`"),
        ({"batch_size": 10**7, "samples": 0}, "`batch_size`"),
        ({"embed_dim": 10**10}, "`embed_dim`"),
        ({"seeds": 10**8}, "`seeds`"),
    ],
)
def test_what_cannot_fit_is_refused_by_name(change, option):
    check_memory(SMALL)
    with pytest.raises(InputError, match=rf"needs about .* GB of memory and .* GB are free; reduce .*{option}"):
        check_memory(dataclasses.replace(SMALL, **change))


def test_estimate_covers_what_is_kept():
    runs = jax.eval_shape(lambda: compiled_draw(SMALL)(np.uint32(SMALL.seed)))

    def size(kept):
        return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept))

    needed = memory_bytes(SMALL)
    assert 0 < size((runs.monitor, runs.test)) < needed["`image_dim` or `seeds`"]
    assert 0 < size(runs.dataset) < needed["`samples` or `seeds`"]
