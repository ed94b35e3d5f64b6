"""S18: accuracy on conflicting images and reliance against the number of pairs of classes."""

import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from paper_figs.looks import line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.many_classes import LEARNERS, MODEL, PAIRS, SHARED_SIZES, accuracy_panel, reliance_panel
from theory.model import Caption
from theory.statements.boundary import spurious_reliance
from theory.statements.many_classes import class_accuracies, contrastive_direction, least_squares_direction


def _direction(learner: str, pairs: int, shared_size: float) -> Float[Array, "2"]:
    directions = (
        lambda: contrastive_direction(MODEL, pairs, shared_size, "label"),
        lambda: contrastive_direction(MODEL, pairs, shared_size, "class-mean"),
        lambda: contrastive_direction(MODEL, pairs, shared_size, "label", Caption("label")),
        lambda: least_squares_direction(MODEL, pairs, shared_size),
    )
    return dict(zip(LEARNERS, directions, strict=True))[learner]()


def curves() -> dict[str, np.ndarray]:
    """Accuracy on conflicting images and reliance over the pairs of classes, for each size and learner."""
    pairs = np.arange(PAIRS[0], PAIRS[-1] + 1)
    found = {"pairs": pairs}
    for size in SHARED_SIZES:
        for learner in LEARNERS:
            rules = [_direction(learner, int(m), size) for m in pairs]
            found[f"{accuracy_panel(size)}, {learner}"] = np.array(
                [class_accuracies(MODEL, rule, int(m), size)[1] for rule, m in zip(rules, pairs, strict=True)]
            )
            found[f"{reliance_panel(size)}, {learner}"] = np.array([spurious_reliance(rule) for rule in rules])
    return found


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """A column without sharing and one with it; above the accuracy on conflicting images, below the reliance."""
    figure, axes = panels(2 * len(SHARED_SIZES), height=2.7, columns=len(SHARED_SIZES), share_x=True, share_y=True)
    for column, size in enumerate(SHARED_SIZES):
        above, below = axes[column], axes[len(SHARED_SIZES) + column]
        for series, learner in enumerate(LEARNERS):
            for axis, panel in ((above, accuracy_panel(size)), (below, reliance_panel(size))):
                line(axis, series, curves["pairs"], curves[f"{panel}, {learner}"])
                points(axis, series, evidence[panel][learner], learner)
        shared = f"features shared between classes, alpha = {size:g}" if size else "nothing shared, alpha = 0"
        name_axes(above, shared, "pairs of classes m", "accuracy on conflicting images (share)")
        name_axes(below, shared, "pairs of classes m", "reliance w_spu / w_inv")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure
