"""The compiled part of training: optimiser steps of all objectives and runs, and their evaluation."""

import dataclasses
import functools
from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from sims.encoders.encoder import default_dtype
from sims.objectives import Objective
from sims.pairwise.blocks import is_large
from sims.synthetic.evaluation import EvaluationSet, zero_shot_accuracies
from sims.synthetic.sampler import Bases, Batch
from sims.training.config import ContrastiveConfig
from sims.training.devices import RUNS, shardings, split_batch
from sims.training.runs import Runs, compiled_draw, next_batch, weights_key
from sims.training.step import LONG_TRAINING, first_divergence, learning_rate_schedule, take_step
from theory.model import Caption
from workbench.compilation import jit


class State(NamedTuple):
    """One objective's weights in all runs, on their way."""

    weights: Any
    optimiser: Any
    total: Any  # sum of the weights over the current phase
    diverged: Int[Array, " runs"]  # the step at which a weight stopped being finite; 0 if none did


class Checked(NamedTuple):
    """What the host reads of one objective after a segment."""

    now: Float[Array, "runs prompts groups"]
    averaged: Float[Array, "runs prompts groups"]
    diverged: Int[Array, " runs"]


States = dict[str, State]


class Steps:
    """The compiled parts of training.

    Args:
        config: what to train; its seed is not read.
        mesh: of the devices to train on, `sims.training.devices.training_mesh`.
        caption: what captions say where samples are fresh; `latent` ones unless given.
    """

    def __init__(self, config: ContrastiveConfig, mesh: Mesh | None = None, caption: Caption | None = None):
        self.config, self.mesh, self.caption = config, mesh, caption
        self.objectives: Mapping[str, Objective] = config.learners
        self.graphs = {
            name: nnx.graphdef(nnx.eval_shape(functools.partial(self.create, name, 0))) for name in self.objectives
        }
        self.optimiser = optax.adam(learning_rate_schedule(config.learning_rate))

    def create(self, name: str, key: Key[Array, ""] | int) -> nnx.Module:
        """An objective's model with initial weights."""
        return self.objectives[name].create(self.config.architecture, nnx.Rngs(key))

    def draw(self, seed: int) -> Runs:
        """What the learners share."""
        return self._draw(np.uint32(seed))

    @functools.cached_property
    def _draw(self) -> Any:
        return compiled_draw(self.config, self.mesh)

    def initial(self, runs: Runs) -> tuple[States, Int[Array, "runs samples"] | None]:
        """Initial weights and optimiser state of every objective and run, and the order of the data sets, if any."""
        return self._initial(runs.keys)

    @functools.cached_property
    def _initial(self) -> Any:
        def initial(name: str, key: Key[Array, ""]) -> State:
            weights = nnx.state(self.create(name, weights_key(key)), nnx.Param)
            total = jax.tree.map(jnp.zeros_like, weights)
            return State(weights, self.optimiser.init(weights), total, jnp.zeros((), jnp.int32))

        def all_initial(keys: Key[Array, " runs"]) -> tuple[States, Int[Array, "runs samples"] | None]:
            states = {name: jax.vmap(functools.partial(initial, name))(keys) for name in self.objectives}
            order = jnp.tile(jnp.arange(self.config.samples)[None, :], (self.config.seeds, 1))
            return states, order if self.config.samples else None

        return jit(all_initial, quick=True, **shardings(self.mesh, RUNS, RUNS))

    @functools.cached_property
    def compiled_segment(self) -> Any:
        """`segment`, jitted; what the host reads is on every device."""
        long = self.config.steps >= LONG_TRAINING
        return jit(self.segment, long=long, donate_argnums=(0, 1), **shardings(self.mesh, RUNS, RUNS, None))

    @functools.cached_property
    def compiled_result(self) -> Any:
        """`result`, jitted; what it gives is on every device."""
        return jit(self.result, brief=True, **shardings(self.mesh, None))

    def segment(
        self,
        states: States,
        order: Int[Array, "runs samples"] | None,
        runs: Runs,
        begin: Int[Array, ""],
        stop: Int[Array, ""],
        phase_start: Int[Array, ""],
    ) -> tuple[States, Int[Array, "runs samples"] | None, dict[str, Checked]]:
        """Steps `begin` (exclusive) to `stop` of all runs, in the phase that began at `phase_start`."""
        new_phase = begin == phase_start
        states = {
            name: state._replace(total=jax.tree.map(lambda total: jnp.where(new_phase, 0.0, total), state.total))
            for name, state in states.items()
        }

        def one_step(index: Int[Array, ""], carry: tuple[States, Any]) -> tuple[States, Any]:
            step = functools.partial(self.step, index)
            arguments = (*carry, runs.keys, runs.bases, runs.dataset)
            if is_large(self.config.batch_size) and (self.mesh is None or self.config.seeds == 1):
                # One run after the other: large products with a batch axis are slower, even one of length 1.
                return jax.lax.map(lambda arguments: step(*arguments), arguments)
            return jax.vmap(step, spmd_axis_name=None if self.mesh is None else RUNS)(*arguments)

        states, order = jax.lax.fori_loop(begin, stop, one_step, (states, order))
        checks = {}
        for name, state in states.items():
            average = jax.tree.map(lambda total: total / (stop - phase_start), state.total)
            checks[name] = Checked(
                self.evaluate(name, state.weights, runs, runs.monitor),
                self.evaluate(name, average, runs, runs.monitor),
                state.diverged,
            )
        return states, order, checks

    def step(
        self,
        index: Int[Array, ""],
        states: States,
        order: Int[Array, " samples"] | None,
        key: Key[Array, ""],
        bases: Bases,
        dataset: Batch | None,
    ) -> tuple[States, Int[Array, " samples"] | None]:
        """One optimiser step of one run, all objectives on the same batch."""
        batch, order = next_batch(self.config, index, order, key, bases, dataset, self.caption)
        batch = split_batch(batch)
        updated = {}
        for name, state in states.items():
            loss = functools.partial(self.loss, name, batch=batch)
            weights, optimiser = take_step(self.optimiser, loss, state.weights, state.optimiser)
            diverged = first_divergence(state.diverged, weights, index)
            updated[name] = State(weights, optimiser, jax.tree.map(jnp.add, state.total, weights), diverged)
        return updated, order

    def loss(self, name: str, weights: Any, batch: Batch) -> Float[Array, ""]:
        """An objective's loss as a function of its weights."""
        return self.objectives[name].loss(nnx.merge(self.graphs[name], weights), batch)

    def result(
        self, totals: dict[str, Any], length: Int[Array, ""] | int, runs: Runs
    ) -> dict[str, Float[Array, "runs prompts groups"]]:
        """Group accuracies, on the test data, of the weights whose sums over so many steps are given, by objective."""
        averages = {name: jax.tree.map(lambda sum_: sum_ / length, total) for name, total in totals.items()}
        return {name: self.evaluate(name, average, runs, runs.test) for name, average in averages.items()}

    def evaluate(
        self, name: str, weights: Any, runs: Runs, evaluation_set: EvaluationSet
    ) -> Float[Array, "runs prompts groups"]:
        """Group accuracies of every run; a supervised learner has one row of them, not one a prompt."""
        prompts = runs.prompts if self.objectives[name].contrastive else runs.prompts[:, :1]

        def evaluate(weights: Any, prompts: Float[Array, "prompts 2 text_dim"], evaluation_set: EvaluationSet) -> Array:
            return zero_shot_accuracies(nnx.merge(self.graphs[name], weights), evaluation_set, prompts)

        return jax.vmap(evaluate)(weights, prompts, evaluation_set)


def steps_of(config: ContrastiveConfig, mesh: Mesh | None = None, caption: Caption | None = None) -> Steps:
    """`Steps`, and those of an earlier training that differs by its seed alone: nothing is compiled again then."""
    if not all(isinstance(value, Real) for value in vars(config.model).values()):  # arrays cannot be looked up
        return Steps(config, mesh, caption)
    return _kept(dataclasses.replace(config, seed=0), mesh, caption, default_dtype())


@functools.lru_cache(maxsize=8)
def _kept(config: ContrastiveConfig, mesh: Mesh | None, caption: Caption | None, precision: jnp.dtype) -> Steps:
    return Steps(config, mesh, caption)
