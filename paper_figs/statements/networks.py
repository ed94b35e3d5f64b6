"""S27: conflicting accuracy of learners on random features, over their kernel's length, and of trained networks."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
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
from theory.model import Caption
from theory.names import PROMPTS
from theory.statements.bayes import bayes_accuracies
from theory.statements.group_accuracy import group_accuracies
from theory.statements.networks import kernel_accuracies
from theory.statements.silent_captions import unrestricted_accuracies
from theory.statements.zero_shot import zero_shot_direction
from workbench.palette import BLACK


def curves() -> dict[str, np.ndarray]:
    """Accuracies over the kernel's length, a row for each rule, and the levels at which the other panels end."""
    lengths = jnp.asarray(np.geomspace(LENGTHS[0], LENGTHS[-1], 25))

    def of_length(length: jax.Array) -> jax.Array:
        cases = [(Caption(kind), PROMPTS[int(share)]) for kind, share in RULES.values()]
        return jnp.stack([_kernel_accuracy(caption, prompt, length) for caption, prompt in cases])

    @jax.jit
    def levels() -> tuple[Array, Array, Array]:
        """Of the Bayes classifier, of random features without end, and of trained networks of any width."""
        rules = [(caption, PROMPTS[int(share)]) for caption, share in TRAINED_RULES.values()]
        cosines = _kernel_accuracy(Caption(), "label", jnp.asarray(LENGTH))
        linear = group_accuracies(MODEL, zero_shot_direction(MODEL, "label"))[1]
        any_function = jnp.stack([unrestricted_accuracies(MODEL, caption, prompt)[1] for caption, prompt in rules])
        return bayes_accuracies(MODEL)[1], jnp.stack([cosines, linear]), any_function

    bayes, features, any_function = map(np.asarray, levels())
    return {
        "lengths": np.asarray(lengths),
        "over lengths": np.asarray(jax.jit(jax.vmap(of_length))(lengths)).T,
        "bayes": bayes,
        "random features": features,
        "any function": any_function,
    }


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left over the length of the Gaussian kernel, in the middle over random features, right over trained widths."""
    figure, (left, middle, right) = panels(3, height=4.4)
    for series, name in enumerate(RULES):
        line(left, series, curves["lengths"], curves["over lengths"][series])
        points(left, series, evidence[OVER_LENGTHS][name], name)
    left.set_xscale("log")
    ticks = (0.7, 1.0, 2.0, 5.0)
    left.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    bayes = float(curves["bayes"])
    left.axhline(bayes, color=BLACK, linestyle=":", linewidth=1.0)
    left.annotate("Bayes classifier", (2.2, bayes), (0, -9), textcoords="offset points", fontsize=8)
    name_axes(left, "linearised loss, random cosines", "length of the kernel", "conflicting accuracy")
    for series, (name, level) in enumerate(zip((COSINES, RELU), curves["random features"].tolist(), strict=True)):
        line(middle, series, [WIDTHS[0], WIDTHS[-1]], [level, level])
        points(middle, series, evidence[OVER_WIDTHS][name], name)
    middle.set_xscale("log", base=2)
    middle.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
    name_axes(middle, "linearised loss, latent captions, label prompt", "random features", "conflicting accuracy")
    for series, (name, level) in enumerate(zip(TRAINED_RULES, curves["any function"].tolist(), strict=True)):
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
