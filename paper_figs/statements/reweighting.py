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
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.reweighting import DEVIATION, MODEL, RELIANCE, series_name
from theory.learners import contrastive_critic
from theory.model import Caption
from theory.statements.boundary import spurious_reliance
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


def reweighting_curves() -> dict[str, np.ndarray]:
    """Reliance over the mass of aligned images; levels of contrastive rules, with equal shares; deviations."""
    shares, ratios = np.linspace(0.02, 0.99, 98), np.linspace(0.5, 0.97, 80)
    found = {"shares": shares, "ratios": ratios}
    for learner in LEARNERS:

        def reliance(share: Array, learner: str = learner) -> Array:
            return spurious_reliance(reweighted_direction(MODEL, learner, share))

        found[f"reliance, {learner}"] = np.asarray(jax.jit(jax.vmap(reliance))(jnp.asarray(shares)))
    caption = Caption()
    critics = {loss: contrastive_critic(loss, MODEL, caption) for loss in dict.fromkeys(loss for loss, *_ in RULES)}
    shares_of = jax.jit(lambda level: jnp.stack([equal_share(MODEL, level, learner) for learner in LEARNERS]))
    levels = [spurious_reliance(critics[loss] @ mixed_prompt(MODEL, share, caption)) for loss, share, _ in RULES]
    found |= {"levels": np.array(levels), "equal shares": np.array([shares_of(level) for level in levels])}
    models = jax.vmap(lambda ratio: dataclasses.replace(MODEL, spurious_ratio=ratio))(jnp.asarray(ratios))
    for learner, training in itertools.product(LEARNERS, TRAININGS):
        deviation = partial(reliance_deviation, learner=learner, training=training)
        found[f"deviation, {series_name(learner, training)}"] = np.asarray(jax.jit(jax.vmap(deviation))(models))
    found["deviation, best prompt"] = np.asarray(jax.jit(jax.vmap(prompt_deviation))(models))
    return found


def draw_reweighting(evidence: Evidence, curves: Curves) -> Figure:
    """Left: reliance over the mass of aligned images, and equal shares of contrastive rules; right: deviations."""
    figure, axes = panels(2, height=3.8)
    for series, learner in enumerate(LEARNERS):
        line(axes[0], series, curves["shares"], curves[f"reliance, {learner}"])
        points(axes[0], series, evidence[RELIANCE][learner], learner.replace("_", " "))
    for place, (_, _, name) in enumerate(RULES):
        level = float(curves["levels"][place])
        axes[0].plot(
            curves["equal shares"][place],
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
    for series, (learner, training) in enumerate(itertools.product(LEARNERS, TRAININGS)):
        name = series_name(learner, training)
        line(axes[1], series, curves["ratios"], curves[f"deviation, {name}"])
        points(axes[1], series, evidence[DEVIATION][name], name)
    line(axes[1], 5, curves["ratios"], curves["deviation, best prompt"], "linearised, best prompt, as known", "--")
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
