"""The synthetic multimodal model, simulated: samplers, encoders, objectives, training, sweeps, and what they show.

`train` and `sweep` are what the programs `sims.contrastive` and `sims.sweep` call.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sims.sweep  # noqa: F401  # the package, now, so that no later import takes the function's place
from theory.names import PROMPTS

if TYPE_CHECKING:
    from sims.contrastive.result import ContrastiveResult
    from sims.objectives import OBJECTIVES, Objective
    from sims.sweep.result import SweepResult
    from theory.model import SpuriousModel

__all__ = ["OBJECTIVES", "Objective", "sweep", "train"]


def train(
    model: "SpuriousModel | None" = None,
    objectives: "Sequence[str | Objective | Callable[..., Any]] | None" = None,
    *,
    prompts: Sequence[str] = PROMPTS,
    out: Path | str | None = None,
    **settings: Any,
) -> "ContrastiveResult":
    """Train encoders with each objective, and supervised classifiers on the same images; compare where they are right.

    Args:
        model: parameters of the synthetic model; the defaults of `theory.SpuriousModel` unless given.
        objectives: names of `sims.OBJECTIVES`, functions of image and text embeddings (`sims.objectives.table`), or
            `sims.Objective`s; the main job's unless given. The supervised ones are trained in any case.
        prompts: zero-shot prompts to evaluate with.
        out: a folder for the results and the checkpoints of a long run, from which the same call goes on if it was
            stopped; nothing is written unless it is given.
        settings: further fields of `sims.training.config.ContrastiveConfig`: `seeds`, `steps`, `batch_size`,
            `samples`, `embed_dim`, `learning_rate`, `image_encoder`, `text_encoder`, `seed`.

    Raises:
        ParameterError: a parameter outside its domain, or an objective that is none.
        InputError: it needs more memory than is free, or the folder cannot be written.
        RunError: training diverged.
    """
    from sims.contrastive.run import run
    from sims.training.config import ContrastiveConfig
    from theory.model import SpuriousModel

    asked = None if objectives is None else _as_tuple(objectives)
    config = ContrastiveConfig(model or SpuriousModel(), asked, _as_tuple(prompts), **settings)
    return run(config, None if out is None else Path(out))


def sweep(
    model: "SpuriousModel | None" = None,
    axes: Mapping[str, Any] | None = None,
    *,
    objectives: "Sequence[str | Objective | Callable[..., Any]]" = ("infonce",),
    prompts: Sequence[str] = PROMPTS,
    seeds: int = 8,
    seed: int = 0,
    out: Path | str | None = None,
) -> "SweepResult":
    """Train every combination of parameters, many runs at once.

    Args:
        model: parameters of the synthetic model that are no axis; the defaults of `theory.SpuriousModel` unless given.
        axes: name to value or values: any parameter of the model; `caption`, `mention_inv`, `mention_spu`, `curation`,
            `image_encoder`, `text_encoder`, `embed_dim`, `batch_size`, `steps` or `learning_rate`.
        objectives: as in `train`.
        prompts: zero-shot prompts to evaluate with.
        seeds: independent runs of each combination.
        seed: of all random numbers.
        out: a folder for the results, where a stopped sweep goes on; nothing is written unless it is given.

    Raises:
        ParameterError: an unknown axis, or a value outside its domain.
        InputError: it does not fit in memory, or the folder cannot be written or holds another sweep.
    """
    from sims.sweep.run import run_sweep

    every = {"objective": _as_tuple(objectives)} | dict(axes or {})
    return run_sweep(every, _as_tuple(prompts), seeds, seed, None if out is None else Path(out), model)


def _as_tuple(values: Any) -> tuple[Any, ...]:
    """One value as well as several."""
    return tuple(values) if hasattr(values, "__iter__") and not isinstance(values, str) else (values,)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in ("OBJECTIVES", "Objective"):  # loaded when they are asked for, with flax and all encoders
        import sims.objectives

        return getattr(sims.objectives, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
