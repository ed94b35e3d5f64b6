"""S28, simulated: models that differ in one thing, by choices among candidates whose background is usual or not.

Photos say of each candidate how much its animal is seen, and which background is shown. Models that differ in sight or
in the training ratio are fitted by softmax regression to photos of their own.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.theorems.evidence import Evidence, Points
from theory.model import Scalar
from theory.statements.accuracy_on_the_line import probit
from workbench.compilation import jit

BACKGROUNDS, EACH = 4, 5  # 20 candidates
RATIO, SIGNAL = 0.7, 2.6
SIGNALS = (1.4, 1.8, 2.2, 2.6, 3.0)
RELIANCES = (0.0, 0.3, 0.6, 0.9, 1.2)
RATIOS = (0.25, 0.4, 0.55, 0.7, 0.85)
DIFFICULTIES = (0.0, 0.1, 0.2, 0.3, 0.4)
TRAINING, PHOTOS = 20_000, 20_000
SIGHT, NOISE, RELIANCE, TRAINING_RATIO, DIFFICULTY = (
    "sight of the animal", "noise in everything", "reliance", "training ratio", "difficulty"
)  # fmt: skip
PROBITS = "probits"
PANELS = {PROBITS: (SIGHT, NOISE, RELIANCE, TRAINING_RATIO, DIFFICULTY)}
_NEWTON_STEPS = 8


def sample_photos(
    key: Key[Array, ""], size: int, signal: Scalar, backgrounds: int, each: int, ratio: Scalar
) -> tuple[Float[Array, "size candidates"], Float[Array, "size candidates"], Int[Array, " size"]]:
    """Draw photos of classes that are equally frequent.

    Returns each candidate's animal score, in units of its noise; 1 where the photo's background is usual for the
    candidate, else 0; and the classes.

    Args:
        key: random key.
        size: how many photos.
        signal: mean score of the photo's class.
        backgrounds: how many there are.
        each: candidates that a background is usual for.
        ratio: share of photos with the class's usual background; the others have any other one, evenly.
    """
    of_label, of_score, of_usual, of_other = jax.random.split(key, 4)
    candidates = backgrounds * each
    labels = jax.random.randint(of_label, (size,), 0, candidates)
    scores = jax.random.normal(of_score, (size, candidates)) + signal * jax.nn.one_hot(labels, candidates)
    usual = labels // each
    other = (usual + jax.random.randint(of_other, (size,), 1, backgrounds)) % backgrounds
    shown = jnp.where(jax.random.uniform(of_usual, (size,)) < ratio, usual, other)
    return scores, jnp.repeat(jax.nn.one_hot(shown, backgrounds), each, axis=1), labels


def count_right(
    scores: Float[Array, "size candidates"],
    usual: Float[Array, "size candidates"],
    labels: Int[Array, " size"],
    weight: Float[Array, ""],
) -> Float[Array, ""]:
    """How often the largest of score + weight times usual is the photo's class."""
    return jnp.sum(jnp.where(jnp.argmax(scores + weight * usual, axis=1) == labels, 1.0, 0.0))


def fit_softmax(
    scores: Float[Array, "size candidates"], usual: Float[Array, "size candidates"], labels: Int[Array, " size"]
) -> Float[Array, "2"]:
    """Weights of score and background of softmax regression, by Newton's iteration from 0."""
    features = jnp.stack([scores, usual], axis=2)
    own = jnp.mean(jnp.take_along_axis(features, labels[:, None, None], axis=1)[:, 0], axis=0)

    def newton(_: Int[Array, ""] | int, weights: Float[Array, "2"]) -> Float[Array, "2"]:
        share = jax.nn.softmax(features @ weights, axis=1)
        mean = jnp.einsum("ik,ikf->if", share, features)
        square = jnp.einsum("ik,ikf,ikg->fg", share, features, features) / len(labels)
        return weights + jnp.linalg.solve(square - mean.T @ mean / len(labels), own - jnp.mean(mean, axis=0))

    return jax.lax.fori_loop(0, _NEWTON_STEPS, newton, jnp.zeros(2))


def _shares(key: Key[Array, ""], signal: Scalar, weight: Scalar, difficulty: Scalar) -> Float[Array, "2"]:
    found = []
    for group_key, ratio, lacks in zip(jax.random.split(key), (1.0, 0.0), (0.0, difficulty), strict=True):
        drawn = sample_photos(group_key, PHOTOS, (1.0 - lacks) * signal, BACKGROUNDS, EACH, ratio)
        found.append(count_right(*drawn, jnp.asarray(weight)) / PHOTOS)
    return jnp.stack(found)


def _learned(key: Key[Array, ""], signal: Scalar, ratio: Scalar) -> Float[Array, "2"]:
    """Accuracies of softmax regression fitted to photos of this signal and ratio."""
    train_key, test_key = jax.random.split(key)
    weights = fit_softmax(*sample_photos(train_key, TRAINING, signal, BACKGROUNDS, EACH, ratio))
    return _shares(test_key, signal, weights[1] / weights[0], 0.0)


def simulate(seed: int) -> Evidence:
    """Measure five models of each kind on 20,000 photos of each group.

    Panel `probits`, series to what the models differ in: the probit on counter photos (mean, error) over that on common
    ones. The noise is added after a rule that is best at the largest signal weighed the background.
    """
    keys = jax.random.split(jax.random.key(seed), (5, len(SIGNALS)))
    log_odds = float(np.log(RATIO * (BACKGROUNDS - 1) / (1 - RATIO)))
    best = log_odds / SIGNAL
    rho = log_odds / SIGNALS[-1] ** 2

    def run(keys: Key[Array, "5 models"]) -> Float[Array, "5 models 2"]:
        signals = jnp.array(SIGNALS)
        learned = jax.lax.map(
            lambda case: _learned(*case),
            (
                jnp.concatenate([keys[0], keys[3]]),
                jnp.concatenate([signals, jnp.full(len(RATIOS), SIGNAL)]),
                jnp.concatenate([jnp.full(len(SIGNALS), RATIO), jnp.array(RATIOS)]),
            ),
        )
        fixed = jax.lax.map(
            lambda case: _shares(*case),
            (
                jnp.concatenate([keys[1], keys[2], keys[4]]),
                jnp.concatenate([signals, jnp.full(10, SIGNAL)]),
                jnp.concatenate([rho * signals, jnp.array(RELIANCES), jnp.full(5, best)]),
                jnp.concatenate([jnp.zeros(10), jnp.array(DIFFICULTIES)]),
            ),
        )
        return jnp.stack([learned[:5], fixed[:5], fixed[5:10], learned[5:], fixed[10:]])

    shares = jit(run)(keys)
    series = {}
    for name, of_series in zip(PANELS[PROBITS], shares, strict=True):
        common, counter = (probit(of_series[:, group], jnp.asarray(float(PHOTOS))) for group in (0, 1))
        parts = (common.value, counter.value, counter.standard_error)
        series[name] = Points(*(np.asarray(part, float) for part in parts))
    return {PROBITS: series}
