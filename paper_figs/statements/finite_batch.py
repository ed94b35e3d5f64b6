"""S21: how often the rules that InfoNCE on inner products learns are right, over the size of its batches."""

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.finite_batch import CASES, MODEL, PANELS, panel_name
from theory.model import Caption
from theory.names import share_of
from theory.statements.finite_batch import batch_pairs, critic_of_pairs, first_correction
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.prompts import mixed_prompt
from workbench.compilation import jit

_SIZES = np.array([2.0, 4.0, 16.0, 64.0, 256.0, 1024.0])
_DRAWN = ("aligned", "conflicting")


_SERIES = {"S21": "-", "to order 1/N": ":", "without end (S14)": "--"}


def curves() -> dict[str, np.ndarray]:
    """Accuracies over the size of a batch, shape (sizes, groups), for each panel and way to compute them."""
    found = {"sizes": _SIZES}
    critic_of = jit(critic_of_pairs, long=True)
    for kind, prompts in CASES.items():
        caption = Caption(kind)
        limit, correction = infonce_critic(MODEL, caption), first_correction(MODEL, caption)
        critics = (
            [critic_of(batch_pairs(MODEL, caption), size, 0.5) for size in _SIZES],
            [limit + correction / size for size in _SIZES],
            [limit] * len(_SIZES),
        )
        for prompt in prompts:
            vector = mixed_prompt(MODEL, jnp.asarray(share_of(prompt), float), caption)
            for name, of_size in zip(_SERIES, critics, strict=True):
                rows = [group_accuracies(MODEL, critic @ vector)[:2] for critic in of_size]
                found[f"{panel_name(kind, prompt)}, {name}"] = np.array(rows)
    return found


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """A panel for each kind of captions and prompt; with `latent` ones order 1/N has no number to draw."""
    figure, axes = panels(len(evidence), height=3.4)
    for axis, panel in zip(axes, PANELS, strict=True):
        for name, style in _SERIES.items():
            for index, group in enumerate(_DRAWN):
                accuracies = curves[f"{panel}, {name}"][:, index]
                line(axis, index, curves["sizes"], accuracies, f"{group}, {name}", style)
        for index, group in enumerate(_DRAWN):
            points(axis, index, evidence[panel][group], f"{group}, trained")
        axis.set_xscale("log", base=2)
        name_axes(axis, panel, "pairs in a batch, N", "accuracy")
    legend(axes[0])
    return figure
