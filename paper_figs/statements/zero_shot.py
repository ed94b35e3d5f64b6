"""S3: how far zero-shot rules lean on the spurious feature, against the spurious ratio."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.zero_shot import MODEL, WIDTHS
from theory.statements.boundary import spurious_reliance
from theory.statements.zero_shot import PROMPTS, zero_shot_direction


def draw(evidence: Evidence) -> Figure:
    """Reliance w_spu / w_inv for both prompts, a panel for each width of the embedding."""
    figure, axes = panels(len(WIDTHS))
    ratios = np.linspace(0.5, 1.0, 51)
    for axis, width in zip(axes, WIDTHS, strict=True):
        for series, prompt in enumerate(PROMPTS):
            models = [dataclasses.replace(MODEL, spurious_ratio=float(ratio)) for ratio in ratios]
            reliances = [float(spurious_reliance(zero_shot_direction(model, prompt, width))) for model in models]
            line(axis, series, ratios, reliances, style="-" if series == 0 else "--")
            points(axis, series, evidence[f"width {width}"][prompt], f"{prompt} prompt")
        both = " (one rule for both prompts)" if width == 1 else ""
        name_axes(axis, f"embedding of width {width}{both}", "spurious ratio p_spu", "reliance w_spu / w_inv")
        legend(axis)
    return figure
