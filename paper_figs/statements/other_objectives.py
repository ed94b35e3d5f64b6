"""S26: SupCon and nCLIP, by their accuracy on conflicting images."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.other_objectives import CLUSTERINGS, MODEL, NCLIP, PANELS, SUPCON
from theory.model import Caption, SpuriousModel
from theory.names import PROMPTS
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.least_squares import least_squares_direction
from theory.statements.logistic import logistic_direction
from theory.statements.other_objectives import nclip_critic, supcon_critic
from theory.statements.zero_shot import latent_prompt

_NODES = 65  # of the quadrature: enough for five digits


def _at(ratio: Array) -> SpuriousModel:
    return dataclasses.replace(MODEL, spurious_ratio=ratio)


_SUPERVISED = ("least squares", "logistic regression")


def curves() -> dict[str, np.ndarray]:
    """Accuracies in % over the ratio: SupCon's and InfoNCE's with each prompt, supervised ones, two clusters'."""
    ratios = np.linspace(0.52, 0.97, 10)  # at 0.5 two clusters have nothing to do with the label
    caption = Caption()

    def rules(ratio: Array) -> Array:
        model = _at(ratio)
        critics = supcon_critic(model, caption, 0.5, _NODES), infonce_critic(model, caption, 0.5, _NODES)
        found = [critic @ latent_prompt(model, prompt) for critic in critics for prompt in PROMPTS]
        found += [least_squares_direction(model), logistic_direction(model)]
        return 100.0 * jnp.stack([group_accuracies(model, rule)[1] for rule in found])

    names = [*(f"{loss}, {prompt}" for loss in ("SupCon", "InfoNCE") for prompt in PROMPTS), *_SUPERVISED]
    found = dict(zip(names, np.asarray(jax.lax.map(rules, jnp.asarray(ratios))).T, strict=True))

    def clusters(ratio: Array, of: Caption) -> Array:
        model = _at(ratio)
        rule = nclip_critic(model, of) @ latent_prompt(model, "label")
        return 100.0 * group_accuracies(model, rule)[1]

    for name, (count, kind, _) in CLUSTERINGS.items():
        if count == 2:
            of = Caption(kind)
            found[name] = np.array([clusters(jnp.asarray(ratio), of) for ratio in ratios])
    return {"ratios": ratios, **found}


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Left: SupCon beside the supervised learners and InfoNCE; right: nCLIP with two and with eight clusters."""
    figure, axes = panels(2, height=4.2)
    ratios = curves["ratios"]
    for series, (name, prompt) in enumerate(zip(PANELS[SUPCON], PROMPTS, strict=True)):
        line(axes[0], series, ratios, curves[f"SupCon, {prompt}"])
        points(axes[0], series, evidence[SUPCON][name], f"SupCon, {name}")
        line(axes[0], series, ratios, curves[f"InfoNCE, {prompt}"], f"InfoNCE, {name}", ":")
    for place, (name, style) in enumerate(zip(_SUPERVISED, ("--", "-."), strict=True)):
        line(axes[0], 5 + place, ratios, curves[name], name, style)
    for series, (name, (count, _, _)) in enumerate(CLUSTERINGS.items()):
        if count == 2:
            line(axes[1], series, ratios, curves[name])
        points(axes[1], series, evidence[NCLIP][name], name)
    line(axes[1], 6, ratios, curves[_SUPERVISED[1]], _SUPERVISED[1], "-.")
    name_axes(axes[0], "SupCon, latent captions: supervised with either prompt", "spurious ratio p_spu", "")
    name_axes(axes[1], "nCLIP: two clusters are the two backgrounds", "spurious ratio p_spu", "")
    for axis in axes:
        axis.set_ylabel("accuracy on conflicting images (%)")
        axis.set_ylim(-3, 103)
        legend(axis)
    return figure
