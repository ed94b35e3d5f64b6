"""S12: reliance of the linearised learner against how often captions mention the background."""

import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.zero_shot import MODEL
from theory.statements.boundary import spurious_reliance
from theory.statements.captions import CAPTIONS, Caption, caption_covariance
from theory.statements.least_squares import least_squares_direction
from theory.statements.zero_shot import PROMPTS, latent_prompt


def draw(evidence: Evidence) -> Figure:
    """A panel for each prompt; each kind of caption is a line, and least squares beside them."""
    figure, axes = panels(len(PROMPTS))
    mentions = np.linspace(0.0, 1.0, 31)
    supervised = float(spurious_reliance(least_squares_direction(MODEL)))
    for axis, prompt in zip(axes, PROMPTS, strict=True):
        for series, kind in enumerate(CAPTIONS):
            captions = [Caption(kind, mention_spu=float(mention)) for mention in mentions]
            rules = [caption_covariance(MODEL, said) @ latent_prompt(MODEL, prompt, said) for said in captions]
            styles = ("-", "--", ":")  # lines of two kinds may coincide
            line(axis, series, mentions, [float(spurious_reliance(rule)) for rule in rules], style=styles[series])
            points(axis, series, evidence[prompt][kind], f"{kind} captions")
        axis.axhline(supervised, color="black", linewidth=1.0, linestyle="-.", label="least squares")
        name_axes(
            axis,
            f"{prompt} prompt, p_spu = {MODEL.spurious_ratio:g}",
            "P(caption mentions the background)",
            "reliance w_spu / w_inv",
        )
        axis.margins(y=0.35)  # room for the legend
        legend(axis)
    return figure
