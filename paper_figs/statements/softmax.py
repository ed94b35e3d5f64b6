"""S23: reliance of softmax regression and of CLIP's loss against the shared features' size."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.softmax import MODEL, PAIRS, PROMPTS, SHARED_SIZES, SOFTMAX, infonce_name
from theory.statements.boundary import spurious_reliance
from theory.statements.many_classes import least_squares_direction
from theory.statements.softmax import infonce_class_critic, softmax_direction
from theory.statements.zero_shot import latent_prompt


def draw(evidence: Evidence) -> Figure:
    """Left the supervised learners, right InfoNCE on inner products with each prompt and latent captions."""
    figure, (left, right) = panels(2)
    sizes = np.linspace(SHARED_SIZES[0], SHARED_SIZES[-1], 9)
    supervised: dict[str, Callable[..., Array]] = {
        SOFTMAX: jax.jit(softmax_direction),
        "least squares": least_squares_direction,
    }
    for series, (name, direction) in enumerate(supervised.items()):
        # Only softmax regression is fitted; least squares is S18's.
        label = None if name in evidence["supervised"] else name
        reliance = [float(spurious_reliance(direction(MODEL, float(PAIRS), float(size)))) for size in sizes]
        line(left, series, sizes, reliance, label)
        if label is None:
            points(left, series, evidence["supervised"][name], name)
    critics = [infonce_class_critic(MODEL, float(PAIRS), jnp.asarray(size)) for size in sizes]
    for series, prompt in enumerate(PROMPTS):
        vector = latent_prompt(MODEL, prompt)
        line(right, series, sizes, [float(spurious_reliance(critic @ vector)) for critic in critics])
        points(right, series, evidence["contrastive"][infonce_name(prompt)], infonce_name(prompt))
    for axis, title in ((left, "supervised"), (right, "InfoNCE on inner products, latent captions")):
        name_axes(axis, f"{title}, m = {PAIRS}", "shared size alpha", "reliance w_spu / w_inv")
        legend(axis)
    return figure
