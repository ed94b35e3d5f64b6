"""S25: supervised learners on weighted groups, the contrastive rules that they equal, and what a sample costs them."""

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.reweighting import DEVIATION, MODEL, RELIANCE, series_name
from theory.learners import contrastive_critic
from theory.statements.boundary import spurious_reliance
from theory.statements.captions import Caption
from theory.statements.prompts import mixed_prompt
from theory.statements.reweighting import (
    LEARNERS,
    TRAININGS,
    equal_share,
    prompt_deviation,
    reliance_deviation,
    reweighted_direction,
)

# Latent captions: the loss, the class mean's share in the prompt, and how both are named.
RULES = (
    ("linearized", 0.0, "linearised, label"),
    ("linearized", 1.0, "linearised, class mean"),
    ("infonce_bilinear", 0.0, "InfoNCE, label"),
    ("infonce_bilinear", 1.0, "InfoNCE, class mean"),
)


def draw_reweighting(evidence: Evidence) -> Figure:
    """Left: reliance over the mass of aligned images, and equal shares of contrastive rules; right: deviations."""
    figure, axes = panels(2, height=3.8)
    shares = np.linspace(0.02, 0.99, 98)
    for series, learner in enumerate(LEARNERS):

        def reliance(share: Array, learner: str = learner) -> Array:
            return spurious_reliance(reweighted_direction(MODEL, learner, share))

        line(axes[0], series, shares, jax.vmap(reliance)(jnp.asarray(shares)))
        points(axes[0], series, evidence[RELIANCE][learner], learner.replace("_", " "))
    caption = Caption()
    critics = {loss: contrastive_critic(loss, MODEL, caption) for loss in dict.fromkeys(loss for loss, *_ in RULES)}
    shares_of = jax.jit(lambda level: jnp.stack([equal_share(MODEL, level, learner) for learner in LEARNERS]))
    for place, (loss, prompt, name) in enumerate(RULES):
        level = float(spurious_reliance(critics[loss] @ mixed_prompt(MODEL, prompt, caption)))
        ends = shares_of(level).tolist()
        axes[0].plot(
            ends,
            [level, level],
            "D",
            color="black",
            markersize=4.5,
            label=None if place else "equal shares of contrastive rules",
        )
        axes[0].axhline(level, color="black", linestyle=":", linewidth=0.8)
        axes[0].annotate(name, (0.03, level), (0, 2), textcoords="offset points", fontsize=8)
    axes[0].axvline(0.5, color="black", linestyle="--", linewidth=0.8)
    axes[0].set_ylim(-1.1, 2.1)
    ratios = np.linspace(0.5, 0.97, 80)
    models = jax.vmap(lambda ratio: dataclasses.replace(MODEL, spurious_ratio=ratio))(jnp.asarray(ratios))
    for series, (learner, training) in enumerate(itertools.product(LEARNERS, TRAININGS)):
        deviation = partial(reliance_deviation, learner=learner, training=training)
        line(axes[1], series, ratios, jax.vmap(deviation)(models))
        name = series_name(learner, training)
        points(axes[1], series, evidence[DEVIATION][name], name)
    line(axes[1], 5, ratios, jax.vmap(prompt_deviation)(models), "linearised, best prompt, as known", "--")
    name_axes(
        axes[0],
        "weighted groups; latent captions at p_spu = 0.9",
        "mass of aligned images in the loss",
        "reliance w_spu / w_inv",
    )
    name_axes(
        axes[1], "what a sample of n costs", "spurious ratio p_spu", "n^(1/2) x standard deviation of the reliance"
    )
    for axis in axes:
        legend(axis)
    return figure
