"""What `python -m theory` answers, as JSON-ready dictionaries: a point, the map of verdicts, the boundary."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import CONTRASTIVE, LEARNERS, PROMPTS, share_of
from theory.predictions import Prediction, compile_once, predict
from theory.statements.boundary import critical_ratio_against_logistic, critical_squared_agreement
from theory.statements.population import latent_covariance
from theory.statements.theorem62 import conditions, theorem62
from workbench.conventions import ROUNDING
from workbench.errors import ParameterError

ALL_CAPTIONS = tuple(Caption(kind) for kind in CAPTIONS)


def _constants(model: SpuriousModel) -> tuple[Any, Any, Any]:
    """Theorem 6.2's constants, printed and derived, and the latent covariance."""
    return theorem62(model, True), theorem62(model, False), latent_covariance(model)


def report(
    model: SpuriousModel,
    embed_dim: int = 2,
    prompts: Sequence[str] = PROMPTS,
    captions: Sequence[Caption] = (Caption(),),
    learners: Sequence[str] = LEARNERS,
    batch_size: int | None = None,
) -> dict[str, Any]:
    """What `python -m theory` prints, as a JSON-ready dictionary.

    Keys: `model`, `embed_dim`, `batch_size` (None is without end), `mention_inv` and `mention_spu`,
    `latent_covariance`, `predictions` (see `Prediction`), `printed` and `derived` (the constants of Theorem 6.2;
    numbers that do not exist are None) and `conditions`.

    Raises:
        ParameterError: as `predict`.
    """
    predictions = predict(model, embed_dim, prompts, captions, learners, batch_size)
    with jax.enable_x64(True):
        printed, derived, covariance = jax.tree.map(np.asarray, compile_once(_constants, quick=True)(model))
    checked = conditions(model)
    return {
        "model": dataclasses.asdict(model),
        "embed_dim": embed_dim,
        "batch_size": batch_size,
        "mention_inv": captions[0].mention_inv,
        "mention_spu": captions[0].mention_spu,
        "latent_covariance": covariance.tolist(),
        "predictions": [dataclasses.asdict(row) for row in predictions],
        "printed": {
            "latent_covariance": printed.latent_covariance.tolist(),
            "kappa_1": number_or_none(printed.kappa_1),
            "kappa_2": number_or_none(printed.kappa_2),
            "conflicting_error_bound": number_or_none(printed.conflicting_error),
            "aligned_accuracy_bound": number_or_none(printed.aligned_accuracy),
            "conditions_hold": all(checked.values()),
        },
        "derived": {
            "latent_covariance": derived.latent_covariance.tolist(),
            "kappa_1": number_or_none(derived.kappa_1),
            "kappa_2": number_or_none(derived.kappa_2),
            "conflicting_error": number_or_none(derived.conflicting_error),
            "aligned_accuracy": number_or_none(derived.aligned_accuracy),
        },
        "conditions": checked,
    }


def number_or_none(value: np.ndarray) -> float | None:
    """A number for JSON, which has no infinity and no NaN."""
    return float(value) if np.isfinite(value) else None


def verdict_map(
    model: SpuriousModel,
    prompts: Sequence[str] = PROMPTS,
    captions: Sequence[Caption] = ALL_CAPTIONS,
    learners: Sequence[str] = CONTRASTIVE,
) -> dict[str, Any]:
    """Each contrastive learner, caption and prompt: is it more robust than logistic regression on the same images?

    The answer of `python -m theory map`, JSON-ready: `model`, `reference` (logistic regression's prediction), `group`,
    and in `map` a row for each triple with its `conflicting` and `aligned` accuracy, `difference` (of the conflicting
    accuracy to the reference's), `verdict` (`more robust`, `as robust`, `less robust`, or None with a `note`), and
    `fails` (wrong on most conflicting images, the conclusion of Theorem 6.2).

    Raises:
        ParameterError: as `predict`.
    """
    rows = predict(model, 2, prompts, captions, [*learners, "logistic"])
    (reference,) = (row for row in rows if row.learner == "logistic")
    return {
        "model": dataclasses.asdict(model),
        "mention_inv": captions[0].mention_inv,
        "mention_spu": captions[0].mention_spu,
        "reference": dataclasses.asdict(reference),
        "group": "conflicting",
        "map": [verdict(row, reference) for row in rows if row is not reference],
    }


def over_corrects(row: Mapping[str, Any]) -> bool:
    """Whether an entry of the map is less often right where the background agrees with the label."""
    return row["conflicting"] is not None and row["aligned"] < row["conflicting"] - ROUNDING


def verdict(row: Prediction, reference: Prediction) -> dict[str, Any]:
    """A row of the map: the prediction against the reference's, on `conflicting`."""
    entry: dict[str, Any] = {"learner": row.learner, "caption": row.caption, "prompt": row.prompt}
    if row.accuracy is None:
        unknown = {"verdict": None, "conflicting": None, "aligned": None, "difference": None, "fails": None}
        return entry | unknown | {"note": row.note}
    groups = {name: row.accuracy[name] for name in ("conflicting", "aligned")}
    fails = groups["conflicting"] < 0.5
    if reference.accuracy is None:
        return entry | {"verdict": None} | groups | {"difference": None, "fails": fails, "note": reference.note}
    difference = groups["conflicting"] - reference.accuracy["conflicting"]
    sides = "as robust" if abs(difference) <= ROUNDING else "more robust" if difference > 0 else "less robust"
    return entry | {"verdict": sides} | groups | {"difference": difference, "fails": fails, "note": None}


def boundary(
    model: SpuriousModel, prompts: Sequence[str] = PROMPTS, captions: Sequence[Caption] = (Caption(),)
) -> dict[str, Any]:
    """Where the linearised learner turns from less to more robust than supervised ones on `conflicting` (S8).

    The answer of `python -m theory boundary`, JSON-ready: `model`, `reference` (least squares), and for each caption
    and prompt in `boundaries` the `critical_ratio` (None if there is none) and where the learner is `more_robust`, and
    its `critical_ratio_against_logistic`, logistic regression (None if there is none, or if its quadrature does not
    reach). The model's own spurious ratio is not read; the embedding is at least 2 wide.

    Raises:
        ParameterError: classes that are not equally frequent, captions that never name the class, or a prompt that is
            no mixture of label and class mean.
    """
    if model.class_prior != 0.5:
        raise ParameterError("class_prior", "0.5 for the boundary", model.class_prior)
    rows = []
    for caption in captions:
        if caption.mention_inv == 0:
            raise ParameterError("mention_inv", "above 0 for the boundary", caption.mention_inv)
        for prompt in prompts:
            share_of(prompt)
            squared = against_logistic = None
            if model.mu_spu > 0:
                with jax.enable_x64(True):
                    squared = float(critical_squared_agreement(model, prompt, caption))
                    against = compile_once(critical_ratio_against_logistic, 1, 2, long=True)
                    against_logistic = number_or_none(np.asarray(against(model, prompt, caption)))
            where, critical = critical_ratio(squared)
            rows.append(
                {
                    "learner": "linearized",
                    "caption": caption.kind,
                    "prompt": prompt,
                    "critical_ratio": critical,
                    "critical_ratio_against_logistic": against_logistic,
                    "more_robust": where,
                }
            )
    parameters = dataclasses.asdict(model)
    del parameters["spurious_ratio"]
    return {"model": parameters, "reference": "least_squares", "group": "conflicting", "boundaries": rows}


def critical_ratio(squared: float | None) -> tuple[str, float | None]:
    """Where a squared agreement is exceeded, in words, and the ratio p_spu, if there is one.

    Args:
        squared: the squared agreement; None if the spurious feature has mean 0.
    """
    if squared is None:
        return "at no ratio: the spurious feature says nothing, and both ignore it", None
    if squared >= 1:
        return "at no ratio", None
    if squared < 0:
        return "at every ratio above 1/2", None
    return "above the critical ratio", (1 + squared**0.5) / 2
