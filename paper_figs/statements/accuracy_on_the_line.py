"""S19: rays of one reliance and the ellipse of one quality, on probit axes."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.accuracy_on_the_line import MODEL, PROBITS, RELIANCES, series_name
from sims.theorems.evidence import Evidence
from theory.statements.accuracy_on_the_line import line_slope, probits


def draw(evidence: Evidence) -> Figure:
    """One panel; its axes are labelled in accuracy, spaced as probits."""
    figure, (axis,) = panels(1, height=5.4)
    figure.set_figwidth(6.4)
    reliances = jnp.linspace(0.0, RELIANCES[-1] * 1.1, 80)
    ellipse = np.asarray(jax.vmap(lambda reliance: probits(MODEL, reliance))(reliances))
    furthest = float(ellipse[:, 0].max()) * 1.05
    for series, reliance in enumerate(RELIANCES):
        tau = reliance * MODEL.mu_spu / MODEL.mu_inv
        ends = np.array([0.0, furthest])
        line(axis, series, ends, ends * float(line_slope(MODEL, reliance)))
        points(axis, series, evidence[PROBITS][series_name(reliance)], f"{series_name(reliance)}: index {tau:.2f}")
    line(axis, 6, ellipse[:, 0], ellipse[:, 1], "no further noise: an ellipse (S19)", "--")
    for ticks, name in ((axis.set_xticks, "aligned"), (axis.set_yticks, "conflicting")):
        shares = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95] if name == "aligned" else [0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        ticks(np.asarray(jax.scipy.special.ndtri(shares)), [f"{100 * share:g}%" for share in shares])
    name_axes(
        axis,
        "rays: rules of one reliance t, the noisier the nearer to 50%",
        "accuracy on aligned images (share, probit scale)",
        "accuracy on conflicting images (share, probit scale)",
    )
    legend(axis)
    return figure
