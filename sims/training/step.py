"""What every training shares: the optimiser's step, how it is seen that one has diverged, and the roles of random keys.

A run's key is folded with one number for each use, so that no two uses share draws.
"""

import enum
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

DECAY_STEPS = 200  # of the learning rate of the main job and of sweeps
LONG_TRAINING = 5000  # steps from which on a training runs for longer than it compiles


def learning_rate_schedule(start: Any) -> optax.Schedule:
    """Adam's learning rate, from `start` down as 1 / (1 + step / `DECAY_STEPS`)."""
    return lambda step: start / (1.0 + jnp.asarray(step, float) / DECAY_STEPS)


def take_step(
    optimiser: optax.GradientTransformation, loss: Callable[[Any], Float[Array, ""]], weights: Any, state: Any
) -> tuple[Any, Any]:
    """One step down the gradient of a loss; where the loss is not finite, the weights are not after it either.

    Args:
        optimiser: from optax.
        loss: of the weights, on the step's batch.
        weights: before the step.
        state: the optimiser's, before the step.

    Returns:
        Weights and state after it.
    """
    value, gradient = jax.value_and_grad(loss)(weights)
    # The gradient of a loss that is NaN may be finite: that of log(-x^2) is 2 / x.
    gradient = jax.tree.map(lambda part: part + (0.0 * value).astype(part.dtype), gradient)
    updates, state = optimiser.update(gradient, state, weights)
    return optax.apply_updates(weights, updates), state


def all_finite(weights: Any) -> Bool[Array, ""]:
    """Whether all weights are finite: their sum is, unless one is not or they are about to overflow."""
    return jnp.isfinite(sum(jnp.sum(leaf) for leaf in jax.tree.leaves(weights)))


def first_divergence(earlier: Int[Array, ""], weights: Any, index: Int[Array, ""]) -> Int[Array, ""]:
    """The step, counted from 1, after which a weight first was not finite; 0 if none was.

    Args:
        earlier: the same before this step.
        weights: after it.
        index: of the step, counted from 0.
    """
    return jnp.where((earlier == 0) & ~all_finite(weights), index + 1, earlier)


class Role(enum.IntEnum):
    """Uses of a run's key in the synthetic simulations, the main job and sweeps."""

    BASES = 0
    WEIGHTS = 1
    DATA = 2
    ORDER = 3
    TEST = 4


class DigitsRole(enum.IntEnum):
    """Uses of a run's key in coloured digits, which have no bases and test on every digit."""

    WEIGHTS = 0
    DATA = 1
    ORDER = 2
    SHIFT = 3
