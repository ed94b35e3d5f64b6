"""The optima that have no formula, as Chebyshev series over all models at once, quick to evaluate anywhere.

A bilinear critic x^T B t, and logistic regression's direction, follow any change of scale of a coordinate. So of a
model whose images and captions have the same noise five numbers matter, in units of the image's deviation within a
group, v^(1/2) = (sigma^2 + noise)^(1/2):

    p_spu,    d = mu / v^(1/2) of each feature,    rho = sigma^2 / v of each feature,

and rho, the share of the image's variation that a `latent` caption repeats, for those captions alone. With S =
diag(v^(1/2)), and T = S for `latent` captions and 1 for words, B' = S B T is the critic in these units, S w the
direction. Each series is of ratios of entries of B' to B'_11, which are all that decides.

The axes are artanh(2 p_spu - 1), log d_inv, arsinh d_spu and log(1 - rho), over which the ratios vary evenly; each
between the ends of `RANGES`, outside of which a series says nothing. It interpolates between Chebyshev-Lobatto nodes;
terms below `_LEAST` are left out.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial.chebyshev import chebvander

from theory.learners import contrastive_critic
from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.statements.logistic import logistic_direction

# Least and largest value of each parameter, and the noise's deviation in each coordinate, from which the ranges follow.
PARAMETERS = {
    "spurious_ratio": (0.5, 0.98),
    "mu_inv": (0.5, 2.0),
    "mu_spu": (0.0, 2.5),
    "sigma_inv": (0.4, 1.5),
    "sigma_spu": (0.4, 1.5),
}
NOISE = 0.25
# The narrowest and the widest deviation of an image within a group.
_NARROWEST, _WIDEST = ((deviation**2 + NOISE**2) ** 0.5 for deviation in PARAMETERS["sigma_inv"])
_SHARES = (1.0 - (NOISE / _NARROWEST) ** 2, 1.0 - (NOISE / _WIDEST) ** 2)
# Of p_spu, d_inv, d_spu, rho_inv, rho_spu; both features have the same deviations.
RANGES = (
    PARAMETERS["spurious_ratio"],
    *((PARAMETERS[size][0] / _WIDEST, PARAMETERS[size][1] / _NARROWEST) for size in ("mu_inv", "mu_spu")),
    _SHARES,
    _SHARES,
)
AXES = ("spurious_ratio", "invariant_distance", "spurious_distance", "invariant_share", "spurious_share")
# Nodes on each axis: of `latent` captions, and of words, whose ratios do not depend on the shares.
_NODES, _WORD_NODES = (10, 9, 10, 4, 4), (10, 10, 12)
_LEAST = 1e-4
# Nodes of InfoNCE's quadrature, on each axis; the second where the first does not resolve an optimum to six digits.
_QUADRATURES = (25, 65)

# Caption to the entries of B' whose ratio to B'_11 a series gives, counted from 1. B' is symmetric for `latent`
# captions; `label` captions have one column.
ENTRIES = {"latent": ("12", "22"), "label": ("21",), "label-attribute": ("12", "21", "22")}
# SupCon's critic of words is InfoNCE's of `label` captions (S26).
LEARNERS = (
    *itertools.product(("infonce_bilinear", "siglip", "supcon_bilinear"), CAPTIONS[:1]),
    *itertools.product(("infonce_bilinear", "siglip"), CAPTIONS[1:]),
    ("logistic", None),
)


# From a number of `RANGES` to its place on the axis, and back.
_Map = Callable[[np.ndarray], np.ndarray]
_SHARE_MAPS: tuple[_Map, _Map] = (lambda share: np.log1p(-share), lambda place: -np.expm1(place))
_MAPS: tuple[tuple[_Map, _Map], ...] = (
    (lambda ratio: np.arctanh(2.0 * ratio - 1.0), lambda place: (1.0 + np.tanh(place)) / 2.0),
    (np.log, np.exp),
    (np.arcsinh, np.sinh),
    _SHARE_MAPS,
    _SHARE_MAPS,
)


def _mapped(values: np.ndarray, back: bool) -> np.ndarray:
    """Places of the numbers in the last axis of an array, or the numbers of places."""
    columns = np.moveaxis(values, -1, 0)
    both = zip(_MAPS, columns, strict=False)  # words need the first three
    return np.stack([(to_number if back else to_place)(column) for (to_place, to_number), column in both], axis=-1)


def _ends(axes: int) -> np.ndarray:
    """First and last place on each axis, shape (2, axes); log(1 - rho) falls."""
    return _mapped(np.array(RANGES).T[:, :axes], back=False)


def _ratios(
    numbers: Float[Array, " axes"], learner: str, caption: str | None, quadrature: int
) -> Float[Array, " entries"]:
    """What a series gives, at the numbers of `RANGES`."""
    ratio, distances = numbers[0], numbers[1:3]
    # The scale is free: the noise of `RANGES` for latent captions, and an image of deviation 1 for words.
    words = caption != "latent"
    deviations = jnp.full(2, (1.0 - NOISE**2) ** 0.5) if words else NOISE * jnp.sqrt(numbers[3:] / (1.0 - numbers[3:]))
    scale = jnp.sqrt(deviations**2 + NOISE**2)
    dim = 16
    (mu_inv, mu_spu), (sigma_inv, sigma_spu) = distances * scale, deviations
    model = SpuriousModel(ratio, mu_inv, mu_spu, sigma_inv, sigma_spu, (NOISE**2 * dim) ** 0.5, dim, dim)
    if caption is None:
        direction = logistic_direction(model) * scale
        return direction[1:] / direction[0]
    critic = contrastive_critic(learner, model, Caption(caption), count=quadrature) * scale[:, None]
    critic = critic if words else critic * scale[None, :]
    rows, columns = np.array([[int(digit) - 1 for digit in entry] for entry in ENTRIES[caption]]).T
    return critic[rows, columns] / critic[0, 0]


def _series(learner: str, caption: str | None) -> dict[str, Any]:
    shape = _NODES if caption == "latent" else _WORD_NODES
    ends = _ends(len(shape))
    nodes = [-np.cos(np.pi * np.arange(count) / (count - 1)) for count in shape]
    unit = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    numbers = _mapped(ends[0] + (unit + 1.0) / 2.0 * (ends[1] - ends[0]), back=True)
    numbers = np.clip(numbers, *np.array(RANGES).T[:, : len(shape)])  # rounding
    at = jax.jit(_ratios, static_argnums=(1, 2, 3))
    found = np.array([at(place, learner, caption, _QUADRATURES[0]) for place in numbers])
    for place in np.flatnonzero(~np.isfinite(found).all(axis=1)):
        found[place] = at(numbers[place], learner, caption, _QUADRATURES[1])
    if not np.isfinite(found).all():
        raise FloatingPointError(f"no optimum of {learner} with {caption} captions at a node")
    coefficients = found.reshape(*shape, -1)
    for axis, places in enumerate(nodes):
        inverse = np.linalg.inv(chebvander(places, len(places) - 1))
        coefficients = np.moveaxis(np.tensordot(inverse, coefficients, axes=(1, axis)), 0, axis)
    kept = np.argwhere(np.abs(coefficients).max(axis=-1) >= _LEAST)
    degrees = ["".join(np.base_repr(degree, 36) for degree in term) for term in kept]
    return {
        "learner": learner,
        "caption": caption,
        "entries": ENTRIES.get(caption or "", ("2",)),
        "degrees": " ".join(degrees).lower(),
        "coefficients": np.round(coefficients[tuple(kept.T)], 5).T.tolist(),
    }


def compute_series() -> Iterator[dict[str, Any]]:
    """The series of each of `LEARNERS`, one after the other; about five minutes in all.

    Each has its `learner`, its `caption`, the `entries` whose ratios it gives, the `degrees` of its terms (a word a
    term, a digit of base 36 an axis), and for each entry the terms' `coefficients`.

    Raises:
        FloatingPointError: an optimum was not found.
    """
    with jax.enable_x64(True):
        for learner, caption in LEARNERS:
            yield _series(learner, caption)


def series_content(series: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of `explorer.json`: each parameter's ends and default, the ranges of the axes, and all series."""
    defaults = SpuriousModel()
    return {
        "noise": NOISE,
        "sliders": {name: [*ends, getattr(defaults, name)] for name, ends in PARAMETERS.items()},
        "ranges": dict(zip(AXES, map(list, RANGES), strict=True)),
        "series": list(series),
    }
