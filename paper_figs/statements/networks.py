"""S27: conflicting accuracy of learners on random features, over their kernel's length, and of trained networks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.networks import (
    COSINES,
    LENGTH,
    LENGTHS,
    LOGISTIC,
    MODEL,
    OVER_LENGTHS,
    OVER_WIDTHS,
    RELU,
    RULES,
    TRAINED,
    TRAINED_RULES,
    TRAINED_WIDTHS,
    WIDTHS,
)
from theory.statements.bayes import bayes_accuracies
from theory.statements.captions import Caption
from theory.statements.group_accuracy import group_accuracies
from theory.statements.networks import kernel_accuracies
from theory.statements.silent_captions import unrestricted_accuracies
from theory.statements.zero_shot import PROMPTS, zero_shot_direction
from workbench.palette import BLACK


def draw(evidence: Evidence) -> Figure:
    """Left over the length of the Gaussian kernel, in the middle over random features, right over trained widths."""
    figure, (left, middle, right) = panels(3, height=4.4)
    lengths = jnp.asarray(np.geomspace(LENGTHS[0], LENGTHS[-1], 25))
    for series, (name, (kind, share)) in enumerate(RULES.items()):
        of_length = partial(_kernel_accuracy, Caption(kind), PROMPTS[int(share)])
        line(left, series, lengths, jax.jit(jax.vmap(of_length))(lengths))
        points(left, series, evidence[OVER_LENGTHS][name], name)
    left.set_xscale("log")
    ticks = (0.7, 1.0, 2.0, 5.0)
    left.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    bayes = float(bayes_accuracies(MODEL)[1])
    left.axhline(bayes, color=BLACK, linestyle=":", linewidth=1.0)
    left.annotate("Bayes classifier", (2.2, bayes), (0, -9), textcoords="offset points", fontsize=8)
    name_axes(left, "linearised loss, random cosines", "length of the kernel", "conflicting accuracy")
    levels = {
        COSINES: float(_kernel_accuracy(Caption(), "label", jnp.asarray(LENGTH))),
        RELU: float(group_accuracies(MODEL, zero_shot_direction(MODEL, "label"))[1]),
    }
    for series, (name, level) in enumerate(levels.items()):
        line(middle, series, [WIDTHS[0], WIDTHS[-1]], [level, level])
        points(middle, series, evidence[OVER_WIDTHS][name], name)
    middle.set_xscale("log", base=2)
    middle.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
    name_axes(middle, "linearised loss, latent captions, label prompt", "random features", "conflicting accuracy")
    for series, (name, (caption, share)) in enumerate(TRAINED_RULES.items()):
        level = float(unrestricted_accuracies(MODEL, caption, PROMPTS[int(share)])[1])
        # The last two and logistic regression have one limit.
        line(right, series, [TRAINED_WIDTHS[0], TRAINED_WIDTHS[-1]], [level, level], style="--")
        points(right, series, evidence[TRAINED][name], f"InfoNCE, {name}")
    points(right, len(TRAINED_RULES), evidence[TRAINED][LOGISTIC], LOGISTIC)
    right.set_xscale("log", base=2)
    right.set_xticks(TRAINED_WIDTHS, [str(width) for width in TRAINED_WIDTHS])
    right.set_ylim(0.0, 1.25)
    name_axes(right, "one trained hidden layer; dashed: any function", "hidden units", "conflicting accuracy")
    for axis in (left, middle, right):
        legend(axis)
    return figure


def _kernel_accuracy(caption: Caption, prompt: str, length: jax.Array) -> jax.Array:
    return kernel_accuracies(MODEL, caption, prompt, length, length)[1]
