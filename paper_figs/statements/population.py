"""S2: the population's covariance of the features against the spurious ratio, and Lemma D.3's."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.population import ENTRIES, MODEL
from theory.statements.population import latent_covariance
from theory.statements.theorem62 import printed_latent_covariance


def draw(evidence: Evidence) -> Figure:
    """Each entry: derived (line), printed (dashed), estimated from samples (points)."""
    figure, axes = panels(len(ENTRIES))
    ratios = np.linspace(0.5, 1.0, 26)
    models = [dataclasses.replace(MODEL, spurious_ratio=float(ratio)) for ratio in ratios]
    derived = np.array([latent_covariance(model) for model in models])
    printed = np.array([printed_latent_covariance(model) for model in models])
    for axis, (entry, (row, column)) in zip(axes, ENTRIES.items(), strict=True):
        line(axis, 0, ratios, derived[:, row, column], "derived (S2)")
        line(axis, 5, ratios, printed[:, row, column], "printed (Lemma D.3)", "--")
        points(axis, 0, evidence[entry]["sample"], "samples")
        name_axes(axis, entry, "spurious ratio p_spu", "entry of the covariance")
        legend(axis)
    return figure
