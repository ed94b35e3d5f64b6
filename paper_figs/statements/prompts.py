"""S17: accuracy in the worse group against the class mean's share in the prompt."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.prompts import LEARNERS, MODEL, SHARES, WORST
from theory.learners import contrastive_critic
from theory.statements.captions import Caption
from theory.statements.group_accuracy import group_accuracies
from theory.statements.prompts import best_share, mixed_prompt


def draw(evidence: Evidence) -> Figure:
    """One panel: each learner a line, its best share marked; the dashed line is what no prompt surpasses."""
    figure, (axis,) = panels(1, height=4.2)
    figure.set_figwidth(6.4)
    shares = np.linspace(SHARES[0], SHARES[-1], 91)
    for series, name in enumerate(LEARNERS):
        critic = contrastive_critic(name, MODEL, Caption())

        def worst(share: jax.Array, critic: jax.Array = critic) -> jax.Array:
            return jnp.min(group_accuracies(MODEL, critic @ mixed_prompt(MODEL, share))[:2])

        line(axis, series, shares, jax.jit(jax.vmap(worst))(jnp.asarray(shares)))
        points(axis, series, evidence[WORST][name], name)
        best = float(best_share(MODEL, critic))
        axis.annotate("best", (best, float(worst(jnp.asarray(best)))), (0, 12), textcoords="offset points", ha="center")
    ceiling = norm.cdf(MODEL.mu_inv / float(MODEL.image_variance[0]) ** 0.5)
    axis.axhline(ceiling, color="black", linestyle="--", linewidth=1.0, label="the best prompt of all (S17)")
    axis.axvspan(0.0, 1.0, color="0.93", zorder=0)
    axis.set_ylim(top=0.9)
    name_axes(
        axis,
        "latent captions; shaded: between the label prompt (0) and the class mean (1)",
        "share of the class mean in the prompt",
        "accuracy in the worse group (share of images)",
    )
    legend(axis)
    return figure
