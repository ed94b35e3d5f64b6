"""S20: how often the rules that CLIP's and SigLIP's own losses learn are right, over the spurious ratio."""

import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.unit_length import BATCH, MODEL, RATIOS, panel_name
from theory.names import PROMPTS
from theory.statements.group_accuracy import group_accuracies
from theory.statements.unit_length import LOSSES, optimum
from theory.statements.zero_shot import latent_prompt

# Of the quadrature: within 0.3 points, in a third of the time.
_NODES = (20, 32)


_SPACES = {"S20": True, "width 2": False}  # whether embeddings leave the plane of the signal


def curves() -> dict[str, np.ndarray]:
    """Accuracies of each loss, with width to spare and without, shape (ratios, prompts, groups)."""
    return {
        f"{loss}, {name}": np.array([_accuracies(loss, ratio, off_plane) for ratio in RATIOS])
        for loss in LOSSES
        for name, off_plane in _SPACES.items()
    }


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """A row for each loss, a column for each prompt."""
    figure, axes = panels(len(LOSSES) * len(PROMPTS), height=2.8, share_x=True, share_y=True)
    for row, loss in enumerate(LOSSES):
        wide, narrow = (curves[f"{loss}, {name}"] for name in _SPACES)
        for column, prompt in enumerate(PROMPTS):
            axis, panel = axes[row * len(PROMPTS) + column], panel_name(loss, prompt)
            for index, group in enumerate(("aligned", "conflicting")):
                line(axis, index, np.asarray(RATIOS), wide[:, column, index], f"{group}, S20")
                line(axis, index, np.asarray(RATIOS), narrow[:, column, index], f"{group}, embedding of width 2", ":")
                points(axis, index, evidence[panel][group], f"{group}, trained, width 8")
            name_axes(axis, panel, "spurious ratio p_spu", "accuracy")
    for axis in axes[-len(PROMPTS) :]:
        legend(axis)
    return figure


def _accuracies(loss: str, ratio: float, off_plane: bool) -> np.ndarray:
    """Accuracies by prompt and group, shape (2, 2); NaN where no optimum is found."""
    model = MODEL.replace(spurious_ratio=ratio)
    found = optimum(model, loss, BATCH, off_plane, _NODES)
    if found is None:
        return np.full((len(PROMPTS), 2), np.nan)
    critic = found.encoders.critic
    return np.array([group_accuracies(model, critic @ latent_prompt(model, prompt))[:2] for prompt in PROMPTS])
