"""All objectives by name, where a new one is added; and objectives of one's own.

An objective of one's own is a function of embeddings, an `Objective`, or `module:function` on a command line. The
function takes the embeddings of a batch of images and of their texts, each of shape (pairs, embed_dim) and each row of
unit length as CLIP's, and returns a scalar loss. By their names it may also take

    labels: the classes of the pairs, -1 or +1, shape (pairs,)
    scale: a trained factor for the similarities, as CLIP's; it starts at 1 / 0.07 and ends at 100

    def triplet(images, texts, labels):
        scores = images @ texts.T
        other = labels[:, None] != labels[None, :]
        gaps = 0.2 + scores - jnp.diagonal(scores)[:, None]
        return jnp.mean(jnp.where(other, jax.nn.relu(gaps), 0.0))

It is evaluated like every contrastive objective: zero-shot, by the prompts' embeddings. A loss that needs another
model, or no texts, is an `Objective` with its own `create` and `loss`.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.models import CosineDualEncoder
from sims.objectives.infonce import (
    INFONCE,
    INFONCE_BILINEAR,
    INFONCE_IMAGE_TO_TEXT,
    INFONCE_TEXT_TO_IMAGE,
    create_cosine,
    scale_of,
)
from sims.objectives.linearized import LINEARIZED
from sims.objectives.nclip import NCLIP, XCLIP
from sims.objectives.objective import Objective
from sims.objectives.siglip import SIGLIP
from sims.objectives.supcon import SUPCON, SUPCON_BILINEAR
from sims.objectives.supervised import LEAST_SQUARES, LOGISTIC
from sims.synthetic.sampler import Batch
from workbench.errors import ParameterError

OBJECTIVES = {
    objective.name: objective
    for objective in (
        *(LINEARIZED, INFONCE, INFONCE_BILINEAR, INFONCE_IMAGE_TO_TEXT, INFONCE_TEXT_TO_IMAGE, SIGLIP),
        *(SUPCON, SUPCON_BILINEAR, NCLIP, XCLIP),
        *(LEAST_SQUARES, LOGISTIC),
    )
}

AnyObjective = str | Objective | Callable[..., Any]
_MAY_TAKE = ("labels", "scale")


def find_objective(objective: AnyObjective) -> Objective:
    """The objective that is meant.

    Args:
        objective: a name of `OBJECTIVES`, an `Objective`, a function as described above, or `module:function`, which
            is imported from where Python finds modules, the current folder among them.

    Raises:
        ParameterError: there is none such, it raises an error, or it cannot be an objective; the message says why.
    """
    if isinstance(objective, str) and objective in OBJECTIVES:
        return OBJECTIVES[objective]
    given = _import(objective) if isinstance(objective, str) else objective
    found = given if isinstance(given, Objective) else _from_function(given)
    if found.name in OBJECTIVES and found != OBJECTIVES[found.name]:
        raise ParameterError("objective", "called by a name of its own", f"a second {found.name}")
    return found


def source_of(objective: Objective) -> str:
    """What tells an objective of one's own from another of the same name: its function's source, where it can be read.

    A training that was stopped goes on only with the same objective.
    """
    function = objective.loss.keywords["function"] if isinstance(objective.loss, functools.partial) else objective.loss
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # typed into an interpreter
        return repr(function)


def _import(word: str) -> Any:
    module, _, name = word.partition(":")
    if not name:
        raise ParameterError("objective", f"among {', '.join(OBJECTIVES)}, or module:function", word or "nothing")
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.append(here)  # as `python -m` has it first; a program installed by its name does not
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise ParameterError("objective", "module:function that can be imported", f"{word} ({error})") from error
    if not callable(found) and not isinstance(found, Objective):
        raise ParameterError("objective", f"the name of a function or an Objective of {module}", name)
    return found


def _from_function(function: Callable[..., Any]) -> Objective:
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise ParameterError("objective", "a function with a name (def), or an Objective", function)
    parameters = inspect.signature(function).parameters
    positional = [each for each in parameters.values() if each.default is each.empty and each.name not in _MAY_TAKE]
    if len(positional) != 2:
        raise ParameterError(
            "objective",
            f"a function of image and text embeddings, and of {' and '.join(_MAY_TAKE)} if it likes",
            f"{name}({', '.join(parameters)})",
        )
    taken = tuple(each for each in _MAY_TAKE if each in parameters)
    pairs = jax.ShapeDtypeStruct((4, 3), jnp.result_type(float))
    numbers = {"labels": jax.ShapeDtypeStruct((4,), pairs.dtype), "scale": jax.ShapeDtypeStruct((), pairs.dtype)}
    try:
        loss = jax.eval_shape(function, pairs, pairs, **{each: numbers[each] for each in taken})
    except Exception as error:  # whatever code of one's own may raise
        said = f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"
        raise ParameterError(
            "objective",
            "a function that JAX can trace, on arrays of shape (size, width)",
            f"{name}, which raises {said}",
        ) from error
    if getattr(loss, "shape", None) != ():
        raise ParameterError("objective", "a function that returns a scalar", f"{name}, which returns {loss}")
    return Objective(name, True, create_cosine, functools.partial(_loss, function=function, taken=taken))


def _loss(
    model: CosineDualEncoder, batch: Batch, *, function: Callable[..., Any], taken: tuple[str, ...]
) -> Float[Array, ""]:
    known = {"labels": batch.labels, "scale": scale_of(model)}
    arguments = {name: known[name] for name in taken}
    return function(model.embed_images(batch.images), model.embed_texts(batch.texts), **arguments)
