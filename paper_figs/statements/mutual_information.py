"""S13: pointwise mutual information of an image and a caption, along the background."""

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.mutual_information import CAPTION_SET, INVARIANT, MODEL, SAYINGS
from theory.statements.mutual_information import pointwise_mutual_information


def draw(evidence: Evidence) -> Figure:
    """A panel for captions of the class alone, and one for captions that name the background too."""
    figure, axes = panels(len(SAYINGS), height=3.9)
    spurious = np.linspace(-2.7, 2.7, 109)
    images = jnp.stack([jnp.full(len(spurious), INVARIANT), jnp.asarray(spurious)], axis=1)
    for axis, (kind, sayings) in zip(axes, SAYINGS.items(), strict=True):
        for series, (name, place) in enumerate(sayings.items()):
            captions = jnp.broadcast_to(jnp.array(place), images.shape)
            line(axis, series, spurious, pointwise_mutual_information(MODEL, CAPTION_SET[kind], images, captions))
            points(axis, series, evidence[kind][name], name)
        name_axes(axis, f"{kind} captions, images with u_inv = {INVARIANT:g}", "background u_spu", "PMI (nats)")
        axis.margins(y=0.2)
        legend(axis)
    return figure
