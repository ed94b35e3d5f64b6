"""S21: how often the rules that InfoNCE on inner products learns are right, over the size of its batches."""

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.finite_batch import CASES, MODEL, panel_name
from theory.statements.captions import Caption
from theory.statements.finite_batch import finite_batch_critic, first_correction
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.prompts import mixed_prompt, share_of

_SIZES = np.array([2.0, 4.0, 16.0, 64.0, 256.0, 1024.0])
_DRAWN = ("aligned", "conflicting")


def draw(evidence: Evidence) -> Figure:
    """A panel for each kind of captions and prompt; with `latent` ones order 1/N has no number to draw."""
    figure, axes = panels(len(evidence), height=3.4)
    place = 0
    for kind, prompts in CASES.items():
        caption = Caption(kind)
        limit, correction = infonce_critic(MODEL, caption), first_correction(MODEL, caption)
        critics = {
            "S21": [finite_batch_critic(MODEL, caption, size) for size in _SIZES],
            "to order 1/N": [limit + correction / size for size in _SIZES],
            "without end (S14)": [limit] * len(_SIZES),
        }
        for prompt in prompts:
            axis, panel = axes[place], panel_name(kind, prompt)
            place += 1
            vector = mixed_prompt(MODEL, jnp.asarray(share_of(prompt), float), caption)
            for (name, found), style in zip(critics.items(), ("-", ":", "--"), strict=True):
                accuracies = np.array([group_accuracies(MODEL, critic @ vector)[:2] for critic in found])
                for index, group in enumerate(_DRAWN):
                    line(axis, index, _SIZES, accuracies[:, index], f"{group}, {name}", style)
            for index, group in enumerate(_DRAWN):
                points(axis, index, evidence[panel][group], f"{group}, trained")
            axis.set_xscale("log", base=2)
            name_axes(axis, panel, "pairs in a batch, N", "accuracy")
    legend(axes[0])
    return figure
