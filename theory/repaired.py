"""What a repair does to a learner's accuracy (S30): `repair`, a pure function to map, and `repair_map`, a table."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.learners import contrastive_critic
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import GROUPS, MAP_CAPTIONS, MAP_LEARNERS, PROBES, REPAIRED, REPAIRS
from theory.predictions import GroupAccuracies, compile_once, critic_of
from theory.report import number_or_none
from theory.statements.group_accuracy import group_accuracies
from theory.statements.logistic import logistic_direction
from theory.statements.repairs import balanced_gram, best_weight, constant_of, repaired_prompt, tie_accuracies
from workbench.conventions import ROUNDING
from workbench.errors import ParameterError

_MAPPED = tuple(Caption(kind) for kind in MAP_CAPTIONS)
_ONE_COLUMN = "captions never name the background, so the text encoder maps it to 0"


def repair(
    model: SpuriousModel,
    learner: str,
    repair: str,
    *,
    caption: Caption | str = "latent",
    constant: Scalar | None = None,
    unit_length: bool = False,
    gram: Float[Array, "2 2"] | None = None,
    batch_size: Scalar | None = None,
) -> GroupAccuracies:
    """A learner's accuracy in each group with the label prompt and a repair, as a function of the model's parameters.

    It is pure: it works under `jax.jit`, `jax.vmap` and `jax.grad`, in single and in double precision. It is NaN where
    no optimum exists, and where the text says nothing of the background but the repair asks it to.

    Args:
        model: parameters of the synthetic model: numbers or arrays of shape ().
        learner: one of `REPAIRED`, a loss on inner products.
        repair: one of `theory.REPAIRS`; or a baseline that reads labels: `probe`, logistic regression of the class on
            embeddings, and `balanced_probe`, the same on groups of equal mass (DFR).
        caption: what captions say: a kind of `theory.CAPTIONS`, each feature mentioned always, or a `Caption`.
        constant: lambda of `calibrated`, weight of `subtract`, share of `mixture`, power of `whitened`; that of
            `theory.REPAIRS` unless given.
        unit_length: whether prompts are divided by their length before the repair, as CLIP's are.
        gram: Q, inner products of what the text encoder makes of class and background, shape (2, 2); of balanced
            encoders unless given, since the loss leaves it open.
        batch_size: pairs in a batch, at least 2; None is without end, as for `theory.accuracy`.

    Raises:
        ParameterError: an unknown learner, repair or caption, or a constant for a repair that has none.
    """
    _check(learner, repair, constant)
    caption = Caption(caption) if isinstance(caption, str) else caption
    if repair in PROBES:
        return GroupAccuracies(*group_accuracies(model, _probe_direction(model, repair)))
    critic = contrastive_critic(learner, model, caption, batch_size=batch_size)
    own, value = balanced_gram(critic) if gram is None else gram, constant_of(repair, constant)
    return GroupAccuracies(*accuracies_of(model, critic, own, caption, repair, value, unit_length))


def _check(learner: str, repair: str, constant: Any) -> None:
    if learner not in REPAIRED:
        raise ParameterError("learner", f"one of {', '.join(REPAIRED)}", repr(learner))
    if repair not in (*REPAIRS, *PROBES):
        raise ParameterError("repair", f"one of {', '.join((*REPAIRS, *PROBES))}", repr(repair))
    if constant is not None and REPAIRS.get(repair) is None:
        raise ParameterError("constant", f"left out for {repair}, which has none", constant)


def accuracies_of(
    model: SpuriousModel,
    critic: Float[Array, "2 2"],
    gram: Float[Array, "2 2"],
    caption: Caption,
    repair: str,
    constant: Scalar,
    unit_length: bool,
) -> Float[Array, "4"]:
    """Accuracies in the order of `GROUPS` of one of `REPAIRS`, for a critic and the inner products of its prompts."""
    if repair == "tie":
        return tie_accuracies(model, critic, gram)
    prompt = repaired_prompt(model, gram, repair, constant, caption, unit_length)
    return group_accuracies(model, critic @ prompt)


def _of_critic(
    model: SpuriousModel, critic: Float[Array, "2 2"], caption: Caption, unit_length: bool
) -> tuple[Float[Array, "repairs 4"], Float[Array, "4"], Float[Array, ""]]:
    """Accuracies of every repair, those of the plain label prompt, and the weight that removes the reliance."""
    of_repair = functools.partial(accuracies_of, model, critic, balanced_gram(critic), caption)
    found = [of_repair(name, constant_of(name), unit_length) for name in REPAIRS]
    return jnp.stack(found), group_accuracies(model, critic[:, 0]), best_weight(critic)


def _probe_direction(model: SpuriousModel, probe: str) -> Float[Array, "2"]:
    """Logistic regression (S6); on groups of equal mass, the invariant feature alone (S25)."""
    return logistic_direction(model) if probe == "probe" else jnp.array([1.0, 0.0])


def probe_accuracies(model: SpuriousModel) -> Float[Array, "2 4"]:
    """Accuracies of each of `PROBES`, in the order of `GROUPS`."""
    return jnp.stack([group_accuracies(model, _probe_direction(model, probe)) for probe in PROBES])


def repair_map(
    model: SpuriousModel,
    captions: Sequence[Caption] = _MAPPED,
    learners: Sequence[str] = MAP_LEARNERS,
    unit_length: bool = False,
) -> dict[str, Any]:
    """Each repair, learner and caption: how far it moves the worse group's accuracy from that of the label prompt.

    The answer of `python -m theory repairs`, JSON-ready: `model`, `unit_length`, `constants`, `ceiling` (the worse
    group's accuracy with the best prompt), `plain` (a row for each learner and caption: `accuracy` by group, or None
    with a `note`, and `best_weight`), and in `map` a row for each learner, caption and repair with its `accuracy`, the
    `change` of the worse group's, and `harms` (whether the other group loses).

    Raises:
        ParameterError: an unknown learner.
    """
    for learner in learners:
        _check(learner, "projection", None)
    plain, rows = [], []
    with jax.enable_x64(True):
        probes = np.asarray(compile_once(probe_accuracies)(model))
        ceiling = float(probes[1, 1])
        for learner in learners:
            for caption in captions:
                critic, note = critic_of(learner, model, caption)
                known = Caption(caption.kind, float(caption.mention_inv), float(caption.mention_spu))
                found, before, weight = map(np.asarray, compile_once(_of_critic, 3)(model, critic, known, unit_length))
                mute = float(np.abs(critic[:, 1]).max()) <= ROUNDING * float(np.abs(critic).max())
                row: dict[str, Any] = {"learner": learner, "caption": caption.kind}
                named = None if note else _named(before)
                plain.append(row | {"accuracy": named, "best_weight": number_or_none(weight), "note": note})
                every = [*zip(REPAIRS, found, strict=True), *zip(PROBES, probes, strict=True)]
                for name, after in every:
                    silent = mute and name in ("projection", "roboshot", "calibrated", "tie", "whitened")
                    why = note or (_ONE_COLUMN if silent else None)
                    rows.append(row | {"repair": name} | _change(before, after, why))
    constants = {name: value for name, value in REPAIRS.items() if value is not None}
    return {
        "model": dataclasses.asdict(model),
        "mention_inv": captions[0].mention_inv,
        "mention_spu": captions[0].mention_spu,
        "unit_length": unit_length,
        "constants": constants,
        "ceiling": ceiling,
        "plain": plain,
        "map": rows,
    }


def _named(accuracies: np.ndarray) -> dict[str, float]:
    return dict(zip(GROUPS, accuracies.tolist(), strict=True))


def _change(before: np.ndarray, after: np.ndarray, note: str | None) -> dict[str, Any]:
    """The worse group's change, and whether the group that was not the worse one loses by the repair."""
    if note is None and not np.isfinite(after).all():
        note = "undecided: nothing is left of the prompt, or the optimum does not exist"
    if note:
        return {"accuracy": None, "change": None, "harms": None, "note": note}
    change = float(after[:2].min() - before[:2].min())
    better = int(np.argmax(before[:2]))
    harms = bool(after[better] < before[better] - ROUNDING)
    return {"accuracy": _named(after), "change": change, "harms": harms, "note": None}
