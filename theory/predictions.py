"""Every closed form at one point: what each learner does in each group, as plain numbers in double precision."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from theory.boundary import critical_squared_agreement
from theory.group_accuracy import GROUPS, group_accuracies
from theory.least_squares import least_squares_direction
from theory.logistic import MAX_MARGIN_DEVIATION, logistic_direction
from theory.model import SpuriousModel
from theory.population import latent_covariance
from theory.theorem62 import conditions, theorem62
from theory.zero_shot import PROMPTS, zero_shot_direction
from workbench.compilation import jit
from workbench.errors import ParameterError


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the theory says of one learner with one prompt.

    Attributes:
        learner: `linearized`, `least_squares` or `logistic`.
        prompt: one of `theory.PROMPTS`, or None for a supervised learner.
        direction: latent weights (w_inv, w_spu); None where no optimum exists.
        accuracy: group to accuracy in [0, 1]; None where the learner decides nothing.
        note: why something is None.
    """

    learner: str
    prompt: str | None
    direction: list[float] | None
    accuracy: dict[str, float] | None
    note: str | None = None


def _closed_forms(model: SpuriousModel, embed_dim: int, prompts: tuple[str, ...]) -> dict[str, Any]:
    """All closed forms at once, to be compiled as one function."""
    directions: dict[tuple[str, str | None], Array] = {
        ("linearized", prompt): zero_shot_direction(model, prompt, embed_dim) for prompt in prompts
    }
    directions[("least_squares", None)] = least_squares_direction(model)
    directions[("logistic", None)] = logistic_direction(model)
    keys = tuple(directions)
    stacked = jnp.stack([directions[key] for key in keys])
    return {
        "directions": stacked,
        "accuracies": jax.vmap(functools.partial(group_accuracies, model))(stacked),
        "latent_covariance": latent_covariance(model),
        "eigenvalues": jnp.linalg.eigvalsh(latent_covariance(model)),
        "printed": theorem62(model, printed=True),
        "derived": theorem62(model, printed=False),
    }


def _evaluate(model: SpuriousModel, embed_dim: int, prompts: Sequence[str]) -> dict[str, Any]:
    if isinstance(embed_dim, bool) or int(embed_dim) != embed_dim or embed_dim < 1:
        raise ParameterError("embed_dim", "a whole number of at least 1", embed_dim)
    if not prompts:
        raise ParameterError("prompt", f"one of {', '.join(PROMPTS)}", "none")
    for prompt in prompts:
        if prompt not in PROMPTS:
            raise ParameterError("prompt", f"one of {', '.join(PROMPTS)}", repr(prompt))
    # A wider embedding than the rank of 2 changes nothing, so it shares the compiled function.
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, _compiled()(model, min(int(embed_dim), 2), tuple(prompts)))


@functools.cache
def _compiled() -> Callable[..., dict[str, Any]]:
    return jit(_closed_forms, static_argnums=(1, 2))


def predict(model: SpuriousModel, embed_dim: int = 2, prompts: Sequence[str] = PROMPTS) -> list[Prediction]:
    """The closed-form direction and group accuracies of every learner, computed in float64.

    Args:
        model: parameters of the synthetic model, as numbers.
        embed_dim: width of the embedding; only 1 limits the linearised learner.
        prompts: the zero-shot prompts to evaluate.

    Raises:
        ParameterError: an `embed_dim` below 1, or an unknown prompt.
    """
    return _predictions(_evaluate(model, embed_dim, prompts), embed_dim, prompts)


def _predictions(values: dict[str, Any], embed_dim: int, prompts: Sequence[str]) -> list[Prediction]:
    learners = [("linearized", prompt) for prompt in prompts] + [("least_squares", None), ("logistic", None)]
    rows = zip(learners, values["directions"], values["accuracies"], strict=True)
    return [
        _prediction(learner, prompt, direction, accuracy, values["eigenvalues"], embed_dim)
        for (learner, prompt), direction, accuracy in rows
    ]


# Below this share of the largest possible length, a direction is zero but for rounding.
_ROUNDING = 1e-12


def _prediction(
    learner: str,
    prompt: str | None,
    direction: np.ndarray,
    accuracy: np.ndarray,
    eigenvalues: np.ndarray,
    embed_dim: int,
) -> Prediction:
    if learner == "linearized" and embed_dim == 1:
        if eigenvalues[1] - eigenvalues[0] <= _ROUNDING * eigenvalues[1]:
            note = "not unique: both features have the same covariance and the embedding keeps only one"
            return Prediction(learner, prompt, None, None, note)
        if np.linalg.norm(direction) <= _ROUNDING * eigenvalues[1]:
            note = "undecided: the embedding keeps one direction, and the prompt says nothing of it"
            return Prediction(learner, prompt, [0.0, 0.0], None, note)
    if not np.all(np.isfinite(direction)) or np.linalg.norm(direction) > 1 / _ROUNDING:
        note = (
            "not unique: one feature is always 0, or the two features are one"
            if learner == "least_squares"
            else "no finite or no unique optimum: the classes are separable, or so nearly that the margin's standard "
            f"deviation exceeds {MAX_MARGIN_DEVIATION:g}, or a feature is always 0"
        )
        return Prediction(learner, prompt, None, None, note)
    named = {group: float(value) for group, value in zip(GROUPS, accuracy, strict=True)}
    return Prediction(learner, prompt, [float(weight) for weight in direction], named)


def report(model: SpuriousModel, embed_dim: int = 2, prompts: Sequence[str] = PROMPTS) -> dict[str, Any]:
    """What `python -m theory` prints, as a JSON-ready dictionary.

    Keys: `model`, `embed_dim`, `latent_covariance`, `predictions` (see `Prediction`), `printed` and `derived` (the
    constants of Theorem 6.2; numbers that do not exist are None) and `conditions`.

    Raises:
        ParameterError: an `embed_dim` below 1, or an unknown prompt.
    """
    values = _evaluate(model, embed_dim, prompts)
    checked = conditions(model)
    printed, derived = values["printed"], values["derived"]
    return {
        "model": dataclasses.asdict(model),
        "embed_dim": embed_dim,
        "latent_covariance": values["latent_covariance"].tolist(),
        "predictions": [dataclasses.asdict(row) for row in _predictions(values, embed_dim, prompts)],
        "printed": {
            "latent_covariance": printed.latent_covariance.tolist(),
            "kappa_1": _number(printed.kappa_1),
            "kappa_2": _number(printed.kappa_2),
            "conflicting_error_bound": _number(printed.conflicting_error),
            "aligned_accuracy_bound": _number(printed.aligned_accuracy),
            "conditions_hold": all(checked.values()),
        },
        "derived": {
            "latent_covariance": derived.latent_covariance.tolist(),
            "kappa_1": _number(derived.kappa_1),
            "kappa_2": _number(derived.kappa_2),
            "conflicting_error": _number(derived.conflicting_error),
            "aligned_accuracy": _number(derived.aligned_accuracy),
        },
        "conditions": checked,
    }


def _number(value: np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


def boundary(model: SpuriousModel) -> dict[str, Any]:
    """Where the linearised learner turns from less to more robust than least squares on `conflicting` (S8).

    The answer of `python -m theory boundary`, JSON-ready: `model`, `reference`, and for each prompt in `boundaries`
    the `critical_ratio` (None if there is none) and where the learner is `more_robust`. The model's own spurious ratio
    is not read; the embedding is at least 2 wide.
    """
    with jax.enable_x64(True):
        squares = {prompt: float(critical_squared_agreement(model, prompt)) for prompt in PROMPTS if model.mu_spu > 0}
    rows = []
    for prompt in PROMPTS:
        critical = None
        if prompt not in squares:
            where = "at no ratio: the spurious feature says nothing, and both ignore it"
        elif squares[prompt] >= 1:
            where = "at no ratio"
        elif squares[prompt] < 0:
            where = "at every ratio above 1/2"
        else:
            where, critical = "above the critical ratio", (1 + squares[prompt] ** 0.5) / 2
        rows.append({"learner": "linearized", "prompt": prompt, "critical_ratio": critical, "more_robust": where})
    parameters = dataclasses.asdict(model)
    del parameters["spurious_ratio"]
    return {"model": parameters, "reference": "least_squares", "group": "conflicting", "boundaries": rows}
