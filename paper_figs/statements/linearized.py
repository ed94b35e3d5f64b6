"""S1: gradient descent reaches the closed-form minimiser, for every width of the embedding."""

import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.linearized import WIDTHS


def draw(evidence: Evidence) -> Figure:
    """Singular values of the trained product on those of the sample's cross-covariance, cut to the width; distances."""
    figure, axes = panels(2)
    values = evidence["singular values"]
    full = values["cross-covariance"]
    for series, width in enumerate(WIDTHS):
        kept = np.where(full.x <= width, full.mean, 0.0)
        shift = 0.08 * (series - 1.5)  # side by side, not on top of each other
        line(axes[0], series, full.x + shift, kept)
        measured = values[f"width {width}"]
        points(axes[0], series, measured._replace(x=measured.x + shift), f"width {width}")
        distance = evidence["distance"][f"width {width}"]
        points(axes[1], series, distance._replace(x=distance.x + 1.0), f"width {width}")
    name_axes(axes[0], "after training (lines: closed form)", "rank of the singular value", "singular value")
    axes[0].set_xticks(full.x)
    name_axes(axes[1], "on the way there", "gradient steps, plus 1", "distance to the closed form (share)")
    axes[1].set_xscale("log")
    axes[1].set_yscale("log")
    for axis in axes:
        legend(axis)
    return figure
