"""What the theory says of every learner: `accuracy`, a pure function to map, and `predict`, a table of one point."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.learners import contrastive_critic
from theory.mixtures import joint_mixture, pairs_of
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import DIRECTIONS, GROUPS, INFINITE_ONLY, LEARNERS, NCLIP_WIDTH, PROMPTS, SUPERVISED, share_of
from theory.statements import finite_batch, infonce, other_objectives, siglip
from theory.statements.bayes import bayes_accuracies
from theory.statements.captions import caption_covariance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import NODES
from theory.statements.least_squares import least_squares_direction
from theory.statements.logistic import MAX_MARGIN_DEVIATION, logistic_direction
from theory.statements.prompts import best_prompt, mixed_prompt
from workbench.compilation import jit
from workbench.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd


class GroupAccuracies(NamedTuple):
    """Accuracies in the groups of `theory.GROUPS`, each in [0, 1], or NaN."""

    aligned: Float[Array, ""]
    conflicting: Float[Array, ""]
    in_distribution: Float[Array, ""]
    uniform: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the theory says of one learner, with one kind of caption and one prompt.

    Attributes:
        learner: one of `theory.LEARNERS`.
        caption: one of `theory.CAPTIONS`, or None for a supervised learner.
        prompt: `label`, `class-mean`, `mixture:SHARE` or `best`, or None for a supervised learner.
        direction: latent weights (w_inv, w_spu); None where no optimum exists, and for the Bayes classifier.
        accuracy: group to accuracy in [0, 1]; None where the learner decides nothing.
        note: why something is None.
    """

    learner: str
    caption: str | None
    prompt: str | None
    direction: list[float] | None
    accuracy: dict[str, float] | None
    note: str | None = None


class Predictions(tuple[Prediction, ...]):
    """What `predict` returns: a tuple of `Prediction`."""

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each prediction and one number in each cell.

        Columns: `learner`, `caption`, `prompt`, the direction's `w_inv` and `w_spu`, an accuracy in [0, 1] for each
        group of `theory.GROUPS`, and `note`; NaN or None where there is none.
        """
        import pandas as pd  # here, since it takes as long to import as all predictions

        nan = float("nan")
        rows = []
        for row in self:
            weights = dict(zip(("w_inv", "w_spu"), row.direction or (nan, nan), strict=True))
            accuracy = row.accuracy or dict.fromkeys(GROUPS, nan)
            of = {"learner": row.learner, "caption": row.caption, "prompt": row.prompt}
            rows.append(of | weights | accuracy | {"note": row.note})
        return pd.DataFrame(rows)


# What training on finite batches must reach as well, since these optima are those of any batch.
BATCH_FREE = ("linearized", "least_squares", "logistic")
# Below this share of the largest possible length, a direction is zero but for rounding.
_ROUNDING = 1e-12
_FINE_NODES = 257
_NO_OPTIMUM = "no finite optimum, or one too far out: captions tell images apart without error, or almost"
_NO_BATCH_OPTIMUM = "no finite optimum, or one too sharp to be computed to six digits"
LARGEST_BATCH = 1e8  # beyond it double precision does not resolve what a batch changes


def accuracy(
    model: SpuriousModel,
    learner: str,
    *,
    caption: Caption | str = "latent",
    prompt: str = "label",
    embed_dim: int = 2,
    batch_size: Scalar | None = None,
) -> GroupAccuracies:
    """A learner's accuracy in each group with infinite data, as a function of the model's parameters.

    It is pure: it works under `jax.jit`, `jax.vmap` and `jax.grad`, in single and in double precision. In single
    precision it has four digits or more. It is NaN where no optimum exists or none is found, and where the learner
    decides nothing; `predict` says which of them it is.

    Args:
        model: parameters of the synthetic model: numbers or arrays of shape ().
        learner: one of `theory.LEARNERS`.
        caption: what captions say: a kind of `theory.CAPTIONS`, each feature mentioned always, or a `Caption`. A
            supervised learner reads none.
        prompt: `label`, `class-mean`, `mixture:SHARE` or `best`. A supervised learner needs none.
        embed_dim: width of the embedding; for a width of 1 only the linearised learner is known, and nCLIP for one of 2
            alone.
        batch_size: pairs in a batch, at least 2; None is without end. It matters to InfoNCE (S21); the learners of
            `INFINITE_ONLY` are known for None only.

    Raises:
        ParameterError: an unknown learner, caption or prompt, or a width or batch that the learner is not known for.
    """
    share = share_of(prompt)
    caption = Caption(caption) if isinstance(caption, str) else caption
    _check_learner(learner)
    _check_width(embed_dim)
    _check_batch(batch_size)
    if learner in INFINITE_ONLY and batch_size is not None:
        raise ParameterError("batch_size", f"None for {learner}", batch_size)
    if embed_dim < 2 and learner not in ("linearized", *SUPERVISED):
        raise ParameterError("embed_dim", f"at least 2 for {learner}", embed_dim)
    if learner == "nclip" and embed_dim != NCLIP_WIDTH:
        raise ParameterError("embed_dim", f"{NCLIP_WIDTH} for {learner}", embed_dim)
    if learner == "bayes":
        return GroupAccuracies(*bayes_accuracies(model))
    if learner in SUPERVISED:
        direction, found = _linear(model, learner)
        decided = jnp.linalg.norm(direction) <= 1.0 / jnp.finfo(direction.dtype).eps
        return GroupAccuracies(*jnp.where(decided, found, jnp.nan))
    width = min(int(embed_dim), 2)
    critic = contrastive_critic(learner, model, caption, width, batch_size=batch_size)
    return _of_critic(model, caption, critic, share, width)


@functools.partial(jax.jit, static_argnames="width")
def _of_critic(
    model: SpuriousModel, caption: Caption, critic: Float[Array, "2 2"], share: Scalar | None, width: int
) -> GroupAccuracies:
    """With the prompt of this share of the class mean, or with the best one, None."""
    direction = critic @ (best_prompt(critic) if share is None else mixed_prompt(model, share, caption))
    size = jax.lax.stop_gradient(jnp.linalg.norm(critic))
    rounding = 64.0 * jnp.finfo(size.dtype).eps
    decided = jax.lax.stop_gradient(jnp.linalg.norm(direction)) > rounding * size
    if width == 1:
        first, second = jnp.linalg.svd(jax.lax.stop_gradient(caption_covariance(model, caption)), compute_uv=False)
        decided &= first - second > rounding * first  # else the direction that is kept is not unique
    return GroupAccuracies(*jnp.where(decided, group_accuracies(model, direction), jnp.nan))


def _check_learner(learner: str) -> None:
    if learner not in LEARNERS:
        raise ParameterError("learner", f"one of {', '.join(LEARNERS)}", repr(learner))


def _check_width(embed_dim: int) -> None:
    if isinstance(embed_dim, bool) or int(embed_dim) != embed_dim or embed_dim < 1:
        raise ParameterError("embed_dim", "a whole number of at least 1", embed_dim)


def _check_batch(batch_size: Scalar | None) -> None:
    if isinstance(batch_size, bool) or (isinstance(batch_size, Real) and not 2 <= float(batch_size) <= LARGEST_BATCH):
        raise ParameterError("batch_size", f"at least 2, and at most {LARGEST_BATCH:g}", batch_size)


def predict(
    model: SpuriousModel,
    embed_dim: int = 2,
    prompts: Sequence[str] = PROMPTS,
    captions: Sequence[Caption] = (Caption(),),
    learners: Sequence[str] = LEARNERS,
    batch_size: int | None = None,
) -> Predictions:
    """The direction and the group accuracies of every learner with infinite data, computed in float64.

    It takes numbers; `accuracy` is the function to trace, map or differentiate.

    Args:
        model: parameters of the synthetic model, as numbers.
        embed_dim: width of the embedding; for a width of 1 only the linearised learner is known, and nCLIP for one of 2
            alone.
        prompts: the zero-shot prompts to evaluate.
        captions: the captions to train the contrastive learners with.
        learners: which learners, from `theory.LEARNERS`.
        batch_size: pairs in a batch, at least 2; None is without end.

    Raises:
        ParameterError: an `embed_dim` below 1, a `batch_size` below 2, or an unknown prompt or learner.
        TypeError: parameters that are being traced, as under `jax.vmap`.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((model, captions))):
        raise TypeError("theory.predict takes numbers; under jit, vmap or grad use theory.accuracy")
    _check_width(embed_dim)
    _check_batch(batch_size)
    for name, asked in (("prompt", prompts), ("caption", captions), ("learner", learners)):
        if not asked:
            raise ParameterError(name, "at least one", "none")
    for learner in learners:
        _check_learner(learner)
    for prompt in prompts:
        share_of(prompt)
    asked = [learner for learner in LEARNERS if learner in learners]

    def rows_of(learner: str) -> dict[str | None, list[Prediction]]:
        with jax.enable_x64(True):  # of this thread
            if learner in SUPERVISED:
                return {None: [_supervised_row(learner, model)]}
            critic_for = functools.partial(critic_of, learner, model, embed_dim=int(embed_dim), batch_size=batch_size)
            rows_for = functools.partial(_contrastive_rows, learner, model, prompts=prompts, embed_dim=int(embed_dim))
            return {caption.kind: rows_for(caption, *critic_for(caption)) for caption in captions}

    # Side by side, since most of the time is compilation.
    with ThreadPoolExecutor(4) as pool:
        by_learner = list(pool.map(rows_of, asked))
    kinds = [*(caption.kind for caption in captions), None]
    return Predictions(row for kind in kinds for rows in by_learner for row in rows.get(kind, []))


@functools.cache
def compile_once(
    function: Callable[..., Any], *static: int, long: bool = False, quick: bool = False
) -> Callable[..., Any]:
    """The function jitted, the same one for each caller; `static` are the places of its static arguments."""
    return jit(function, brief=True, long=long, quick=quick, static_argnums=static)


def critic_of(
    learner: str, model: SpuriousModel, caption: Caption, embed_dim: int = 2, batch_size: int | None = None
) -> tuple[np.ndarray, str | None]:
    """The critic of a contrastive learner, from numbers, and a note on why it is not finite; arguments as `predict`."""
    # A wider embedding than the rank of 2 changes nothing but for nCLIP, so it shares the compiled function.
    width = min(embed_dim, 2)
    if learner == "linearized":
        return np.asarray(compile_once(contrastive_critic, 0, 3, quick=True)(learner, model, caption, width)), None
    if width < 2:
        return np.full((2, 2), np.nan), "known for an embedding of width 2 or more only"
    if batch_size is not None and learner in INFINITE_ONLY:
        return np.full((2, 2), np.nan), "known for infinite batches only"
    known = Caption(caption.kind, float(caption.mention_inv), float(caption.mention_spu))
    if batch_size is not None:
        of_batch = compile_once(_batch_pairs, 1, 2, quick=True)(model, known, float(model.class_prior))
        solve = compile_once(finite_batch.critic_of_pairs, long=True)
        critic = np.asarray(solve(of_batch, float(batch_size), DIRECTIONS[learner]))
        return critic, None if np.isfinite(critic).all() else _NO_BATCH_OPTIMUM
    if learner == "nclip":
        if embed_dim != NCLIP_WIDTH:
            why = f"known for an embedding of width {NCLIP_WIDTH} only: wider ones are not convex, with many minima"
            return np.full((2, 2), np.nan), why
        joint = compile_once(joint_mixture, 1, quick=True)(model, known)
        critic = np.asarray(compile_once(other_objectives.nclip_critic_of_pairs, quick=True)(joint))
        return critic, None if np.isfinite(critic).all() else _NO_OPTIMUM
    of_learner = other_objectives.supcon_pairs if learner == "supcon_bilinear" else pairs_of
    pairs, share = compile_once(of_learner, 1, quick=True)(model, known), DIRECTIONS.get(learner, 0.5)
    if learner == "siglip":
        critic = np.asarray(compile_once(siglip.critic_of_pairs, quick=True)(pairs))
        return critic, None if np.isfinite(critic).all() else _NO_OPTIMUM
    for count in (NODES, _FINE_NODES):
        critic = np.asarray(compile_once(infonce.critic_of_pairs, 2, long=True)(pairs, share, count))
        if np.isfinite(critic).all():
            return critic, None
        if np.isinf(critic).any():
            return critic, _NO_OPTIMUM
    return critic, "too sharp an optimum to be computed to six digits"


def _batch_pairs(model: SpuriousModel, caption: Caption, prior: float) -> finite_batch.BatchPairs:
    # The prior is a number here, which says whether classes are equally frequent.
    return finite_batch.batch_pairs(model.replace(class_prior=prior), caption)


def _accuracies(
    model: SpuriousModel, critic: Float[Array, "2 2"], prompts: Float[Array, "prompts 2"]
) -> tuple[Float[Array, "prompts 2"], Float[Array, "prompts 4"]]:
    directions = prompts @ critic.T
    return directions, jax.vmap(functools.partial(group_accuracies, model))(directions)


def _prompt_vectors(
    model: SpuriousModel, caption: Caption, critic: Float[Array, "2 2"], shares: Float[Array, " prompts"]
) -> Float[Array, "prompts 2"]:
    """Latent prompts; NaN as a share asks for the best one."""
    best = best_prompt(critic)
    mixed = jax.vmap(lambda share: mixed_prompt(model, share, caption))(shares)
    return jnp.where(jnp.isnan(shares)[:, None], best[None, :], mixed)


def _rows_of_critic(
    model: SpuriousModel, caption: Caption, critic: Float[Array, "2 2"], shares: Float[Array, " prompts"]
) -> tuple[Float[Array, "prompts 2"], Float[Array, "prompts 4"], Float[Array, "2"], Float[Array, "2"]]:
    directions, accuracies = _accuracies(model, critic, _prompt_vectors(model, caption, critic, shares))
    covariance = caption_covariance(model, caption)
    # The directions that the critic and the full covariance keep, by their singular values.
    kept, singular = (jnp.linalg.svd(matrix, compute_uv=False) for matrix in (critic, covariance))
    return directions, accuracies, kept, singular


def _contrastive_rows(
    learner: str,
    model: SpuriousModel,
    caption: Caption,
    critic: np.ndarray,
    note: str | None,
    prompts: Sequence[str],
    embed_dim: int,
) -> list[Prediction]:
    if note:
        return [Prediction(learner, caption.kind, prompt, None, None, note) for prompt in prompts]
    shares = np.array([share_of(prompt) for prompt in prompts], float)  # None becomes NaN
    directions, accuracies, kept, singular = jax.tree.map(
        np.asarray, compile_once(_rows_of_critic, quick=True)(model, caption, critic, shares)
    )
    rows = []
    for prompt, direction, accuracy in zip(prompts, directions, accuracies, strict=True):
        row = functools.partial(Prediction, learner, caption.kind, prompt)
        if embed_dim == 1 and singular[0] - singular[1] <= _ROUNDING * singular[0]:
            why = "not unique: both features have the same covariance and the embedding keeps only one"
            rows.append(row(None, None, why))
        elif prompt == "best" and kept[1] <= _ROUNDING * kept[0]:
            rows.append(row(None, None, "no prompt changes the rule: the critic has one direction only"))
        elif np.linalg.norm(direction) <= _ROUNDING * max(kept[0], _ROUNDING):
            rows.append(row([0.0, 0.0], None, "undecided: what was learned says nothing of what the prompt names"))
        else:
            rows.append(row(direction.tolist(), dict(zip(GROUPS, accuracy.tolist(), strict=True))))
    return rows


def _linear(model: SpuriousModel, learner: str) -> tuple[Float[Array, "2"], Float[Array, "4"]]:
    direction = (least_squares_direction if learner == "least_squares" else logistic_direction)(model)
    return direction, group_accuracies(model, direction)


def _supervised_row(learner: str, model: SpuriousModel) -> Prediction:
    if learner == "bayes":
        accuracy = np.asarray(compile_once(bayes_accuracies, quick=True)(model))
        named = dict(zip(GROUPS, accuracy.tolist(), strict=True))
        return Prediction(learner, None, None, None, named, "not linear, so it has no direction")
    direction, accuracy = jax.tree.map(np.asarray, compile_once(_linear, 1, quick=True)(model, learner))
    if not np.all(np.isfinite(direction)) or np.linalg.norm(direction) > 1 / _ROUNDING:
        note = (
            "not unique: one feature is always 0, or the two features are one"
            if learner == "least_squares"
            else "no finite or no unique optimum: the classes are separable, or so nearly that the margin's standard "
            f"deviation exceeds {MAX_MARGIN_DEVIATION:g}, or a feature is always 0"
        )
        return Prediction(learner, None, None, None, None, note)
    return Prediction(learner, None, None, direction.tolist(), dict(zip(GROUPS, accuracy.tolist(), strict=True)))
