"""What the linear theory predicts of two coloured digits, at the features' strengths as the images show them.

The theory's image is D z + xi with two features: here the colour, along the difference of the two backgrounds, and the
digit, along the difference of the two digits' mean images, made orthogonal to it. Their means and deviations are
measured in the training distribution, over every training digit, label and colour with its probability: the digit's
within a label, so that wrong labels count as its noise; the colour's given the colour. Noise beyond the two features is
left out: a linear learner of images could use more directions than these two, and a network does.

Each learner has its counterpart among the closed forms: the supervised one and Equation 10's label head are logistic
regression, the others their own loss with captions that name class and background (S13 to S15).

`reliance` sets each learner's index of spurious reliance (S19) beside that prediction. The index compares images of 0
and 1 on their own colour with such images on each other's. Rand and Rev are mixtures of these two groups where there
are two classes, so that they say the same; with more classes Rand has other colours too, and the two groups themselves
are used.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sims.colored_digits.accuracy import GROUPS
from sims.colored_digits.config import DigitsConfig
from sims.colored_digits.digits import Digits, Split
from sims.colored_digits.painting import paint, palette
from sims.colored_digits.result import Row
from theory.model import Caption, SpuriousModel
from theory.predictions import predict
from theory.statements.accuracy_on_the_line import probit, reliance_index
from workbench.compilation import jit
from workbench.conventions import PERCENTILES_95

# Learner to its counterpart in the theory.
COUNTERPARTS = {
    "perfect_language": "logistic",
    "infonce": "infonce_bilinear",
    "siglip": "siglip",
    "cross_entropy": "logistic",
}


def measured_model(digits: Split, config: DigitsConfig) -> SpuriousModel:
    """The synthetic model with the strengths of the two features, for two classes.

    Args:
        digits: training digits, 0 and 1.
        config: with a design of two classes.
    """
    design = config.design
    colours = palette(2)
    size = len(digits.labels)
    on_each = np.stack(
        [np.asarray(paint(jnp.asarray(digits.images), jnp.tile(colour, (size, 1)))) for colour in colours], axis=1
    ).astype(float)
    spurious = _unit(on_each[:, 1].mean(axis=0) - on_each[:, 0].mean(axis=0))
    means = [on_each[digits.labels == label].mean(axis=(0, 1)) for label in (0, 1)]
    invariant = means[1] - means[0]
    invariant = _unit(invariant - (invariant @ spurious) * spurious)
    # P(image, label, colour), each image as frequent as the others.
    weights = design.label_given_digit[digits.labels][:, :, None] * design.training_colours[None, :, :] / size
    signs = np.array([-1.0, 1.0])
    mu_inv, sigma_inv = _strength(on_each @ invariant, weights, signs[None, :, None])
    mu_spu, sigma_spu = _strength(on_each @ spurious, weights, signs[None, None, :])
    return SpuriousModel(design.spurious_ratio, mu_inv, mu_spu, sigma_inv, sigma_spu, sigma_xi=0.0)


def _unit(vector: Float[np.ndarray, " pixels"]) -> Float[np.ndarray, " pixels"]:
    return vector / np.linalg.norm(vector)


def _strength(
    along: Float[np.ndarray, "images colours"],
    weights: Float[np.ndarray, "images labels colours"],
    sign: Float[np.ndarray, "_ _ _"],
) -> tuple[float, float]:
    """Mean size of a feature and its deviation given the sign, once its mean over both signs is taken away."""
    values = np.broadcast_to(along[:, None, :], weights.shape)
    sides = [float(np.sum(values * weights * (sign == side)) / np.sum(weights * (sign == side))) for side in (-1, 1)]
    centre, mean = sum(sides) / 2, (sides[1] - sides[0]) / 2
    variance = float(np.sum(weights * (values - centre - mean * sign) ** 2))
    return mean, variance**0.5


def predict_learners(model: SpuriousModel, config: DigitsConfig) -> dict[str, dict[str, float | None]]:
    """For each learner the closed form's accuracies in % and index of reliance (None where it has none)."""
    caption = Caption("label-attribute", config.mention_inv, config.mention_spu)
    wanted = list(dict.fromkeys(COUNTERPARTS[name] for name in config.objective))
    with jax.enable_x64(True):
        rows = {row.learner: row for row in predict(model, 2, ("label",), (caption,), wanted)}
    found: dict[str, dict[str, float | None]] = {}
    for name in config.objective:
        accuracy = rows[COUNTERPARTS[name]].accuracy
        cells: dict[str, float | None] = {"aligned": None, "conflicting": None, "index": None}
        if accuracy is not None:
            aligned, conflicting = accuracy["aligned"], accuracy["conflicting"]
            cells = {"aligned": 100 * aligned, "conflicting": 100 * conflicting, "index": index(aligned, conflicting)}
        found[name] = cells
    return found


def index(aligned: float, conflicting: float) -> float | None:
    """The index of spurious reliance (S19) of one learner; None where it has none, or where a probit is infinite."""
    return indices(np.array([aligned]), np.array([conflicting]))[0]


def indices(aligned: Float[np.ndarray, " pairs"], conflicting: Float[np.ndarray, " pairs"]) -> list[float | None]:
    """The index of each pair of accuracies."""
    with jax.enable_x64(True):
        values = np.asarray(_indices(jnp.asarray(aligned), jnp.asarray(conflicting)))
    return [float(value) if np.isfinite(value) else None for value in values]


@functools.partial(jit, brief=True)
def _indices(aligned: Float[Array, " pairs"], conflicting: Float[Array, " pairs"]) -> Float[Array, " pairs"]:
    one = jnp.ones(len(aligned))  # the number of images matters to the errors alone
    return reliance_index(probit(aligned, one), probit(conflicting, one)).value


_DRAWS = 1000  # of the bootstrap
_PAIR = [GROUPS.index(group) for group in ("aligned", "conflicting")]


def reliance(row: Row, config: DigitsConfig, digits: Digits) -> dict[str, Any]:
    """Indices of all learners and, for two classes, what the theory predicts; JSON-ready.

    An index is None where the learner has none: it is right on fewer images in sum than wrong, or always right or
    wrong in a group. Its interval is 95%, by bootstrap over the runs, and None where a draw has no index.
    """
    model = measured_model(digits.train, config) if config.design.classes == 2 else None
    theory = {} if model is None else predict_learners(model, config)
    learners = []
    for name, accuracies in row.accuracies.items():
        pairs = accuracies[:, _PAIR] / 100.0
        learners.append(
            {
                "objective": name,
                "index": index(*pairs.mean(axis=0)),
                "interval": _interval(pairs, config.seed),
                "theory": theory.get(name),
            }
        )
    strengths = ("mu_inv", "sigma_inv", "mu_spu", "sigma_spu")
    return {
        "features": None if model is None else {name: float(getattr(model, name)) for name in strengths},
        "learners": learners,
    }


def _interval(pairs: np.ndarray, seed: int) -> list[float] | None:
    runs = len(pairs)
    if runs < 2:
        return None
    chosen = np.random.default_rng(seed).integers(runs, size=(_DRAWS, runs))
    drawn = indices(*pairs[chosen].mean(axis=1).T)
    known = [value for value in drawn if value is not None]
    return np.percentile(known, PERCENTILES_95).tolist() if len(known) == _DRAWS else None
