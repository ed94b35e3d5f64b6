"""How far a Monte Carlo mean may lie from its expectation, over the whole suite."""

import jax
import numpy as np
from scipy.stats import norm

from sims.synthetic.sampler import Bases, sample_bases, sample_batch
from tests import seeds
from theory import SpuriousModel

# At most this many comparisons in the suite, which as a whole may fail once in 300 when all theory is right.
COMPARISONS = 500
CRITICAL = norm.isf(1 / 300 / 2 / COMPARISONS)

# Unequal and unround on purpose: at mu = sigma = 1 many wrong formulas agree.
UNROUND = SpuriousModel(
    spurious_ratio=0.83,
    mu_inv=0.9,
    mu_spu=1.37,
    sigma_inv=1.21,
    sigma_spu=0.64,
    sigma_xi=1.7,
    image_dim=5,
    text_dim=7,
)


def z_scores(draws, expected):
    """Standardised distances of the mean of independent draws (leading axis) from what is expected."""
    draws = np.asarray(draws)
    return (draws.mean(axis=0) - np.asarray(expected)) / (draws.std(axis=0, ddof=1) / np.sqrt(len(draws)))


def agree(draws, expected):
    """Whether all means lie within the suite's critical distance."""
    return bool(np.all(np.abs(z_scores(draws, expected)) < CRITICAL))


def draw(model, size, seed=0, ratio=None) -> tuple[Bases, object]:
    """Bases and a batch of the model."""
    bases_key, batch_key = jax.random.split(seeds.key(seed))
    bases = sample_bases(bases_key, model.image_dim, model.text_dim)
    return bases, sample_batch(batch_key, model, bases, size, ratio)
