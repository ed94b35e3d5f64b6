"""S23: reliance of softmax regression and of CLIP's loss against the shared features' size."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.softmax import MODEL, PAIRS, PROMPTS, SHARED_SIZES, SOFTMAX, infonce_name
from theory.statements.boundary import spurious_reliance
from theory.statements.many_classes import least_squares_direction
from theory.statements.softmax import infonce_class_critic, softmax_direction
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit


def curves() -> dict[str, np.ndarray]:
    """Reliance over the shared size, of supervised learners and of InfoNCE with each prompt."""
    sizes = np.linspace(SHARED_SIZES[0], SHARED_SIZES[-1], 9)
    supervised: dict[str, Callable[..., Array]] = {
        SOFTMAX: jax.jit(softmax_direction),
        "least squares": least_squares_direction,
    }
    found = {
        name: np.array([spurious_reliance(direction(MODEL, float(PAIRS), float(size))) for size in sizes])
        for name, direction in supervised.items()
    }
    critic_of = jit(infonce_class_critic, long=True)
    critics = [critic_of(MODEL, float(PAIRS), jnp.asarray(size)) for size in sizes]
    for prompt in PROMPTS:
        vector = latent_prompt(MODEL, prompt)
        found[infonce_name(prompt)] = np.array([spurious_reliance(critic @ vector) for critic in critics])
    return {"sizes": sizes, **found}


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left the supervised learners, right InfoNCE on inner products with each prompt and latent captions."""
    figure, (left, right) = panels(2)
    for series, name in enumerate((SOFTMAX, "least squares")):
        # Only softmax regression is fitted; least squares is S18's.
        label = None if name in evidence["supervised"] else name
        line(left, series, curves["sizes"], curves[name], label)
        if label is None:
            points(left, series, evidence["supervised"][name], name)
    for series, prompt in enumerate(PROMPTS):
        line(right, series, curves["sizes"], curves[infonce_name(prompt)])
        points(right, series, evidence["contrastive"][infonce_name(prompt)], infonce_name(prompt))
    for axis, title in ((left, "supervised"), (right, "InfoNCE on inner products, latent captions")):
        name_axes(axis, f"{title}, m = {PAIRS}", "shared size alpha", "reliance w_spu / w_inv")
        legend(axis)
    return figure
