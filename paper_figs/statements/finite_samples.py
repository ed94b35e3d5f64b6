"""S22: how much n pairs leave open, and how often intervals from one sample hold the limit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.finite_samples import CAPTION, COVERAGE, DEVIATION, MODEL, PANELS
from theory.learners import contrastive_critic
from theory.names import PROMPTS
from theory.statements.finite_samples import accuracy_deviation, critic_covariance, rule_covariance
from theory.statements.zero_shot import latent_prompt

_NODES = 33  # of the quadrature: enough for three digits


def curves() -> dict[str, np.ndarray]:
    """Deviations in points over the ratio, a row for each loss and prompt."""
    ratios = np.linspace(0.5, 0.95, 8)

    def deviations(ratio: Array) -> Array:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        found = []
        for loss in ("infonce_bilinear", "linearized"):
            critic, covariance = (
                contrastive_critic(loss, model, CAPTION),
                critic_covariance(model, CAPTION, loss, _NODES),
            )
            for prompt in PROMPTS:
                q = latent_prompt(model, prompt)
                found.append(accuracy_deviation(model, critic @ q, rule_covariance(covariance, q))[1])
        return 100.0 * jnp.stack(found)

    return {"ratios": ratios, "deviations": np.asarray(jax.lax.map(deviations, jnp.asarray(ratios))).T}


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left: deviation of the accuracy on conflicting images over the spurious ratio; right: coverage over n."""
    figure, axes = panels(2, height=4.2)
    for series, name in enumerate(PANELS[DEVIATION]):
        line(axes[0], series, curves["ratios"], curves["deviations"][series])
        points(axes[0], series, evidence[DEVIATION][name], name)
    for series, name in enumerate(PANELS[COVERAGE]):
        found = evidence[COVERAGE][name]
        line(axes[1], series, found.x, 100.0 * found.mean, style=":")
        points(
            axes[1], series, found._replace(mean=100.0 * found.mean, standard_error=100.0 * found.standard_error), name
        )
    axes[1].axhline(95.0, color="black", linewidth=1.2)
    axes[1].annotate("as stated: 95%", (50, 95.0), (0, 3), textcoords="offset points", fontsize=8)
    axes[1].set_xscale("log")
    axes[1].set_xticks([50, 100, 200, 400], ["50", "100", "200", "400"])
    axes[1].minorticks_off()
    name_axes(
        axes[0],
        "how much n pairs leave open",
        "spurious ratio p_spu",
        "n^(1/2) x deviation of the accuracy (points)",
    )
    name_axes(
        axes[1],
        "InfoNCE: intervals from one sample cover from some hundred pairs on",
        "pairs n",
        "intervals that hold the limit (%)",
    )
    for axis in axes:
        legend(axis)
    return figure
