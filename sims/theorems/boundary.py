"""S7 and S8, simulated: where the linearised learner errs, and where it errs more than least squares.

S7 measures its error on conflicting images, which Theorem 6.2 bounds, and counts over random models how often the
printed bounds fail. S8 fits it and least squares to the same samples.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import right_decisions
from sims.theorems.supervised import fit_least_squares
from sims.theorems.zero_shot import fit_zero_shot
from theory.model import Scalar, SpuriousModel
from theory.names import PROMPTS
from theory.statements.theorem62 import (
    critical_agreement,
    printed_aligned_bound_excess,
    printed_bound_excess,
    theorem62,
)
from workbench.compilation import jit

PAIRS, TEST_IMAGES, DRAWS = 2000, 500, 16  # in both statements

# The theorem takes mu_inv = 1 and speaks of the limit without image noise.
THEOREM62_MODEL = SpuriousModel(
    mu_inv=1.0, mu_spu=2.0, sigma_inv=1.0, sigma_spu=0.5, sigma_xi=0.0, image_dim=4, text_dim=4
)
THEOREM62_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
# (sigma_inv, sigma_spu) of each map.
DEVIATIONS = ((1.0, 0.5), (1.4, 0.5), (1.4, 1.2))
SPURIOUS_MEANS = (2.0, 2.4, 2.8, 3.2, 3.6)
# Distance in p_spu of the points on either side of the exact threshold.
SIDES = {"above": 0.04, "below": -0.04}


def map_name(deviations: tuple[float, float]) -> str:
    """Name of the panel of a map."""
    return f"sigma_inv {deviations[0]:g}, sigma_spu {deviations[1]:g}"


THEOREM62_PANELS = {"conflicting error": ("label prompt",)} | {map_name(pair): tuple(SIDES) for pair in DEVIATIONS}


def threshold(mu_spu: Scalar, sigma_inv: Scalar) -> Float[Array, ""]:
    """The ratio p_spu above which the label prompt errs on most conflicting images; if above 1, it never does."""
    model = dataclasses.replace(THEOREM62_MODEL, mu_spu=mu_spu, sigma_inv=sigma_inv)
    return (1.0 + critical_agreement(model, "label")) / 2.0


def _error(key: Key[Array, ""], ratio: Scalar, mu_spu: Scalar, sigma_inv: Scalar, sigma_spu: Scalar) -> Array:
    model = dataclasses.replace(
        THEOREM62_MODEL, spurious_ratio=ratio, mu_spu=mu_spu, sigma_inv=sigma_inv, sigma_spu=sigma_spu
    )
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(THEOREM62_MODEL.image_dim), int(THEOREM62_MODEL.text_dim))
    rule = fit_zero_shot(bases, sample_batch(batch_key, model, bases, PAIRS), "label")
    return 1.0 - right_decisions(test_key, model, bases, rule, TEST_IMAGES)[1] / TEST_IMAGES


def simulate_theorem62(seed: int) -> Evidence:
    """Fit the linearised learner to 2000 pairs and count its errors on 500 conflicting images, 16 times per setting.

    Panel `conflicting error`: over p_spu at mu_spu = 2. A panel for each pair of deviations: over mu_spu, at ratios
    4 points above the exact threshold, where the error should exceed one half, and 4 points below, where it should not.
    """
    settings = [
        (ratio, THEOREM62_MODEL.mu_spu, THEOREM62_MODEL.sigma_inv, THEOREM62_MODEL.sigma_spu)
        for ratio in THEOREM62_RATIOS
    ]
    sides: dict[tuple[tuple[float, float], str], tuple[list[float], slice]] = {}
    for deviations in DEVIATIONS:
        for side, step in SIDES.items():
            first = len(settings)
            places = [float(threshold(mean, deviations[0])) + step for mean in SPURIOUS_MEANS]
            inside = [(place, mean) for place, mean in zip(places, SPURIOUS_MEANS, strict=True) if 0.5 <= place <= 1.0]
            settings += [(place, mean, *deviations) for place, mean in inside]
            sides[deviations, side] = [mean for _, mean in inside], slice(first, len(settings))
    columns = [jnp.asarray(column, float) for column in zip(*settings, strict=True)]
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(settings)))
    errors = jit(jax.vmap(jax.vmap(_error), in_axes=(0, None, None, None, None)))(keys, *columns)
    evidence: Evidence = {
        "conflicting error": {"label prompt": from_draws(THEOREM62_RATIOS, errors[:, : len(THEOREM62_RATIOS)])}
    }
    for (deviations, side), (places, chosen) in sides.items():
        evidence.setdefault(map_name(deviations), {})[side] = from_draws(places, errors[:, chosen])
    return evidence


class BoundFailures(NamedTuple):
    """The share of random models in which each printed bound fails, and the largest failure, in accuracy."""

    conflicting_share: float
    conflicting_excess: float
    aligned_share: float
    aligned_excess: float


def random_parameters(seed: int, lowest_ratio: float, count: int) -> dict[str, Float[np.ndarray, " count"]]:
    """Parameters of random models that meet every condition of the theorem that one model can meet, with mu_inv = 1.

    sigma_inv is log-uniform in [e^-1.2, e^1.2], and sigma_spu / sigma_inv uniform in [0, 1]. mu_spu is the smallest
    allowed value times a log-uniform factor in [1, e]. p_spu is uniform from `lowest_ratio` to 1.
    """
    rng = np.random.default_rng(seed)
    sigma_inv = np.exp(rng.uniform(-1.2, 1.2, count))
    return {
        "sigma_inv": sigma_inv,
        "sigma_spu": sigma_inv * rng.uniform(0.0, 1.0, count),
        "mu_spu": (sigma_inv**2 + 2.0) / 2.0 * np.exp(rng.uniform(0.0, 1.0, count)),
        "spurious_ratio": rng.uniform(lowest_ratio, 1.0, count),
    }


def printed_bound_failures(seed: int, lowest_ratio: float, count: int = 100_000) -> BoundFailures:
    """Count how often each printed bound fails over `random_parameters`; without a failure, the excess is 0."""

    def compare(parameters: dict[str, Array]) -> tuple[Array, Array, Array, Array]:
        model = dataclasses.replace(THEOREM62_MODEL, **parameters)
        printed, exact = theorem62(model, printed=True), theorem62(model, printed=False)
        # Compare margins, since both errors may round to 0 or to 1.
        return (
            printed.kappa_1 < exact.kappa_1,
            printed_bound_excess(model),
            printed.kappa_2 < exact.kappa_2,
            printed_aligned_bound_excess(model),
        )

    with jax.enable_x64(True):
        parameters = {
            name: jnp.asarray(values) for name, values in random_parameters(seed, lowest_ratio, count).items()
        }
        found = [np.asarray(part) for part in jit(jax.vmap(compare))(parameters)]
    shares, excesses = (
        [float(part.mean()) for part in found[::2]],
        [max(0.0, float(part.max())) for part in found[1::2]],
    )
    return BoundFailures(shares[0], excesses[0], shares[1], excesses[1])


# With mu_inv = 1 and mu_spu = 2, Theorem 6.2's conditions can hold in a part of the diagram.
MODEL = SpuriousModel(mu_inv=1.0, mu_spu=2.0, sigma_spu=0.6, sigma_xi=0.8, image_dim=5, text_dim=7)
RATIOS = (0.6, 0.7, 0.8, 0.9, 0.97)
SIGMAS = (0.3, 0.7, 1.1, 1.5, 1.9, 2.3, 2.7)


def series_name(ratio: float) -> str:
    """Name of the series of a ratio, which is a row of the diagram."""
    return f"p_spu {ratio:g}"


BOUNDARY_PANELS = {prompt: tuple(map(series_name, RATIOS)) for prompt in PROMPTS}


def _gains(key: Key[Array, ""], ratio: Scalar, sigma_inv: Scalar) -> Float[Array, " prompts"]:
    """Accuracy on conflicting images, linearised minus least squares, with the same samples and test images."""
    model = dataclasses.replace(MODEL, spurious_ratio=ratio, sigma_inv=sigma_inv)
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, model, bases, PAIRS)
    rules = [fit_least_squares(batch), *(fit_zero_shot(bases, batch, prompt) for prompt in PROMPTS)]
    right = jnp.stack([right_decisions(test_key, model, bases, rule, TEST_IMAGES)[1] for rule in rules])
    return (right[1:] - right[0]) / TEST_IMAGES


def simulate_boundary(seed: int) -> Evidence:
    """Fit both learners to 2000 pairs and test them on 500 conflicting images, 16 times at each of 35 places.

    Panel to prompt, series to ratio: linearised minus least-squares accuracy on conflicting images, over sigma_inv.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS), len(SIGMAS)))
    over_sigmas = jax.vmap(_gains, in_axes=(0, None, 0))
    over_ratios = jax.vmap(over_sigmas, in_axes=(0, 0, None))
    gains = jit(jax.vmap(over_ratios, in_axes=(0, None, None)))(keys, jnp.array(RATIOS), jnp.array(SIGMAS))
    return {
        prompt: {series_name(ratio): from_draws(SIGMAS, gains[:, i, :, j]) for i, ratio in enumerate(RATIOS)}
        for j, prompt in enumerate(PROMPTS)
    }
