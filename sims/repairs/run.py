"""Train encoders, repair them from prompts only, and compare their accuracy with the closed forms of S30."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LogisticRegression

from sims.repairs.closed_forms import Plane, balanced_weight, predictions
from sims.repairs.config import UNIT_LENGTH, RepairConfig
from sims.repairs.result import RepairResult, tabulate
from sims.repairs.scores import PLAIN, Texts, repaired_scores, share_right
from sims.synthetic.evaluation import EvaluationSet
from sims.synthetic.sampler import Bases, Batch, captioned_batch
from sims.training.record import TOLERANCE
from sims.training.runs import Runs, check_memory
from sims.training.steps import Steps, steps_of
from theory.names import PROBES
from theory.statements.captions import class_mean_caption
from workbench import results, terminal
from workbench.compilation import jit
from workbench.errors import RunError

_ROLE = 17  # of the keys of what repairs and probes are made from; training has its own (`sims.training.step.Role`)
# The probes are logistic regressions; a penalty this small does not show.
_PENALTY_INVERSE = 1e4


class Embedded(NamedTuple):
    """What one run's encoders make of texts and images."""

    prompts: Float[Array, "2 width"]
    backgrounds: Float[Array, "2 width"]
    pairs: Float[Array, "2 2 width"]
    means: Float[Array, "2 width"]
    captions: Float[Array, "captions width"]
    unlabelled: Float[Array, "captions width"]
    balanced: Float[Array, "captions width"]
    test: Float[Array, "groups size width"]
    gram: Float[Array, "2 2"]
    scale: Float[Array, ""]


def run(config: RepairConfig, out: Path | None = None) -> RepairResult:
    """Run the job, with its progress on a terminal.

    Args:
        config: what to run.
        out: a folder for result.json, arrays.npz and figure.png; nothing is written unless it is given.

    Raises:
        InputError: it needs more memory than is free, or the folder cannot be written.
        RunError: training diverged.
    """
    training = config.training
    check_memory(training)
    if out is not None:
        results.check_writable(out)
    started = time.perf_counter()
    with terminal.spinner("training, then repairing"):
        program = steps_of(training, caption=config.said)
        runs = program.draw(training.seed)
        weights, converged = _train(config, program, runs)
        trained = time.perf_counter()
        samples = jit(jax.vmap(lambda key, bases: _samples(config, key, bases)))(runs.keys, runs.bases)
        accuracies: dict[str, dict[str, np.ndarray]] = {}
        planes: dict[str, list[Plane]] = {}
        for name in config.objective:
            accuracies[name], grams = _repair(config, name, program, weights[name], runs, samples)
            planes[name] = [Plane(gram) for gram in grams]
        theory = {name: predictions(config, name, planes[name]) for name in config.objective}
        taken = {name: balanced_weight(config, name, planes[name]) for name in config.objective}
    rows = tabulate(config, accuracies, theory, converged)
    seconds = {"train": trained - started, "total": time.perf_counter() - started}
    device = jax.devices()[0]
    versions = results.versions("jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn")
    result = RepairResult(
        config, rows, accuracies, taken, seconds, versions | {"device": f"{device.platform} {device.device_kind}"}
    )
    if out is not None:
        result.save(out)
    return result


def _train(config: RepairConfig, program: Steps, runs: Runs) -> tuple[dict[str, Any], dict[str, bool]]:
    """Mean weights over the last half of the training, and whether it changed an accuracy by less than `TOLERANCE`."""
    states, order = program.initial(runs)
    half = config.steps // 2
    found: list[Any] = []
    for begin, end in ((0, half), (half, config.steps)):
        if end > begin:
            states, order, checks = program.compiled_segment(
                states, order, runs, *map(jnp.asarray, (begin, end, begin))
            )
            found.append(checks)
    weights, converged = {}, {}
    for name in config.objective:
        if np.asarray(found[-1][name].diverged).any():
            raise RunError(f"{name} diverged; a `learning_rate` smaller than {config.learning_rate:g} may help")
        weights[name] = jax.tree.map(lambda total: total / (config.steps - half), states[name].total)
        means = [np.mean(np.asarray(checks[name].averaged), axis=0) for checks in found]
        converged[name] = len(means) == 2 and bool(np.max(np.abs(means[1] - means[0])) <= TOLERANCE)
    return weights, converged


def _repair(
    config: RepairConfig, name: str, program: Steps, weights: Any, runs: Runs, samples: tuple[Batch, Batch]
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Accuracies of each repair and probe, shape (runs, 2), and each run's inner products of prompts."""

    def embed(weights: Any, bases: Bases, test: EvaluationSet, samples: tuple[Batch, Batch]) -> Embedded:
        return _embed(config, name, nnx.merge(program.graphs[name], weights), bases, test, samples)

    embedded = jit(jax.vmap(embed))(weights, runs.bases, runs.test, samples)
    constants = {repair: config.constant(repair) for repair in (PLAIN, *config.repair)}
    found: dict[str, list[np.ndarray]] = {each: [] for each in (*constants, *PROBES)}
    host, labels, known = jax.device_get((embedded, runs.test.labels, [batch.labels for batch in samples]))
    for index in range(config.seeds):
        captions = host.captions[index]
        covariance = ledoit_wolf(np.asarray(captions, float))[0].astype(captions.dtype)
        for repair, accuracies in _score(embedded, runs.test.labels, index, covariance, constants).items():
            found[repair].append(np.asarray(accuracies))
        for probe, images, own in zip(PROBES, (host.unlabelled, host.balanced), known, strict=True):
            found[probe].append(_probe(images[index], own[index], host.test[index], labels[index]))
    return {each: np.stack(values) for each, values in found.items()}, list(np.asarray(host.gram, float))


def _samples(config: RepairConfig, key: Array, bases: Bases) -> tuple[Batch, Batch]:
    """Pairs as in training, and with groups of equal mass, for the probe that knows them."""
    first, second = jax.random.split(jax.random.fold_in(key, _ROLE))
    draw = config.model, bases, config.captions, config.said
    return captioned_batch(first, *draw), captioned_batch(second, *draw, 0.5)


def _embed(
    config: RepairConfig,
    name: str,
    encoders: Any,
    bases: Bases,
    test: EvaluationSet,
    samples: tuple[Batch, Batch],
) -> Embedded:
    latent = bases.text.T  # rows: the texts of the class and of the background
    signs = jnp.array([[-1.0], [1.0]])

    def text(rows: Float[Array, "rows text_dim"]) -> Float[Array, "rows width"]:
        return encoders.embed_texts(rows)

    pairs = [text(y * latent[:1] + signs * latent[1:]) for y in (-1.0, 1.0)]
    mean = class_mean_caption(config.model, config.said) @ latent
    plain = encoders.text_encoder(latent)  # before they are divided by their length
    groups, size, dim = test.images.shape
    return Embedded(
        text(signs * latent[:1]),
        text(signs * latent[1:]),
        jnp.stack(pairs),
        text(signs * mean[None, :]),
        text(samples[0].texts),
        encoders.embed_images(samples[0].images),
        encoders.embed_images(samples[1].images),
        encoders.embed_images(test.images.reshape(-1, dim)).reshape(groups, size, -1),
        plain @ plain.T,
        jnp.exp(encoders.log_scale[...]) if name in UNIT_LENGTH else jnp.ones(()),
    )


@jit
def _score(
    embedded: Embedded,
    labels: Float[Array, "runs groups size"],
    index: Int[Array, ""],
    covariance: Float[Array, "width width"],
    constants: dict[str, Float[Array, ""]],
) -> dict[str, Float[Array, " groups"]]:
    """Accuracies of one of the runs after each repair, whose constants are given."""
    one = jax.tree.map(lambda leaf: leaf[index], embedded)
    texts = Texts(one.prompts, one.backgrounds, one.pairs, one.means, covariance)

    def right(repair: str, constant: Float[Array, ""]) -> Float[Array, " groups"]:
        of_group = [repaired_scores(repair, images, texts, one.unlabelled, constant, one.scale) for images in one.test]
        return jnp.stack([share_right(scores, own) for scores, own in zip(of_group, labels[index], strict=True)])

    return {repair: right(repair, constant) for repair, constant in constants.items()}


def _probe(images: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Logistic regression without intercept on labelled embeddings: its accuracy in each group."""
    regression = LogisticRegression(C=_PENALTY_INVERSE, fit_intercept=False, max_iter=1000)
    # In units of their size, so that the penalty means the same for every loss.
    size = float(np.std(images))
    regression.fit(images.astype(float) / size, labels)
    decided = test.astype(float) @ regression.coef_[0]
    return np.mean(decided * truth > 0, axis=1)
