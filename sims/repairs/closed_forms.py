"""What S30 says of each row of the table, or why it says nothing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sims.repairs.config import UNIT_LENGTH, RepairConfig
from sims.repairs.scores import PLAIN
from theory.model import Caption
from theory.names import DIRECTIONS, PROBES
from theory.predictions import critic_of
from theory.repaired import accuracies_of, probe_accuracies
from theory.statements.group_accuracy import group_accuracies
from theory.statements.repairs import balanced_gram
from theory.statements.unit_length import optimum
from workbench.compilation import jit

# S20 is tested for embeddings of this width, and images and texts of more dimensions.
_SHOWN_WIDTH = 8
# On embeddings of unit length TIE's rule is no pair of half-spaces, captions' covariance and the probes' rule are open.
_NOT_ON_A_SPHERE = "none is known on embeddings of unit length"
_PLANE_ALONE = ("tie", "whitened", *PROBES)
# Where captions never name the background, its prompt's embedding is what chance and training leave of it.
_OF_BACKGROUND = ("projection", "calibrated", "roboshot", "tie", "whitened", "subtract")
_NEVER_NAMED = "captions never name the background, so that training says nothing of its prompt's direction"
_ONE_DIRECTION = "captions never name the background, so that training asks one direction alone of the images"

# Accuracies of each repair and probe in the groups of `GROUPS`, shape (runs, 4), or None and why there are none.
Predicted = dict[str, tuple[np.ndarray | None, str | None]]


class Plane(NamedTuple):
    """What one run's text encoder makes of the prompts: their inner products Q, of class and background."""

    gram: np.ndarray


def predictions(config: RepairConfig, name: str, planes: Sequence[Plane]) -> Predicted:
    """What the theory says of each repair and probe in each run.

    On inner products the critic is the loss's optimum and Q that of each run's encoders, which the loss leaves open. On
    embeddings of unit length both are the optimum's (S20).
    """
    repairs, runs = (PLAIN, *config.repair, *PROBES), len(planes)
    found: Predicted = {}
    with jax.enable_x64(True):
        probes = dict(zip(PROBES, np.asarray(_of_probes(config.model)), strict=True))
        if name in UNIT_LENGTH:
            critic, gram, note = _unit_length(config, name)
            grams = [gram] * runs
        else:
            size = config.batch_size if name in DIRECTIONS else None
            critic, note = critic_of(name, config.model, config.said, 2, size)
            grams = [plane.gram for plane in planes]
        silent = float(config.said.mentions[1]) == 0.0
        for repair in repairs:
            why = note
            if name in UNIT_LENGTH and repair in _PLANE_ALONE:
                why = why or _NOT_ON_A_SPHERE
            elif silent and repair in (*_OF_BACKGROUND, *PROBES):
                why = why or (_ONE_DIRECTION if repair in PROBES else _NEVER_NAMED)
            if why:
                found[repair] = (None, why)
                continue
            if repair in PROBES:
                found[repair] = (np.tile(probes[repair], (runs, 1)), None)
                continue
            each = [_accuracies(config, repair, critic, gram, name in UNIT_LENGTH) for gram in grams]
            found[repair] = (np.stack(each), None)
    return found


def _accuracies(config: RepairConfig, repair: str, critic: Any, gram: Any, unit_length: bool) -> np.ndarray:
    if repair == PLAIN:
        return np.asarray(_plain(config.model, jnp.asarray(critic)))
    arrays = jnp.asarray(critic), jnp.asarray(gram)
    return np.asarray(_repaired(config.model, *arrays, config.said, repair, config.constant(repair), unit_length))


_repaired = jit(accuracies_of, brief=True, static_argnums=(4, 6))
_of_probes = jit(probe_accuracies, brief=True)
_plain = jit(lambda model, critic: group_accuracies(model, critic[:, 0]), brief=True)


def _unit_length(config: RepairConfig, name: str) -> tuple[Any, Any, str | None]:
    model = config.model
    if min(config.embed_dim, int(model.image_dim), int(model.text_dim)) < _SHOWN_WIDTH:
        return None, None, f"known for an embedding, images and texts of {_SHOWN_WIDTH} dimensions or more"
    if float(model.class_prior) != 0.5:
        return None, None, "known for equally frequent classes"
    if config.said != Caption():
        return None, None, "known on embeddings of unit length for captions that share all of the image's features"
    found = optimum(model, name, config.batch_size)
    if found is None:
        return None, None, "no minimum was found, or captions tell images apart too well for the quadrature"
    return found.encoders.critic, found.encoders.caption_shape, None


def balanced_weight(config: RepairConfig, name: str, planes: Sequence[Plane]) -> dict[str, float | None]:
    """The weight beta that projection takes out: over the runs, and of balanced encoders (inner products alone).

    Keys: `trained`, its standard error `stderr`, and `balanced`, None for embeddings of unit length, and where captions
    never name the background.
    """
    weights = np.array([plane.gram[0, 1] / plane.gram[1, 1] for plane in planes])
    content: dict[str, float | None] = {
        "trained": float(weights.mean()),
        "stderr": float(weights.std(ddof=1) / np.sqrt(len(weights))),
        "balanced": None,
    }
    if name not in UNIT_LENGTH:
        with jax.enable_x64(True):
            size = config.batch_size if name in DIRECTIONS else None
            critic, note = critic_of(name, config.model, config.said, 2, size)
            if note is None and float(config.said.mentions[1]) > 0.0:
                gram = np.asarray(balanced_gram(jnp.asarray(critic)))
                content["balanced"] = float(gram[0, 1] / gram[1, 1])
    return content
