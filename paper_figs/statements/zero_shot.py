"""S3, S12 and S17: zero-shot rules, for several captions and prompts."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.evidence import Evidence
from sims.theorems.zero_shot import LEARNERS, MODEL, PROMPTS_MODEL, SHARES, WIDTHS, WORST
from theory.learners import contrastive_critic
from theory.model import CAPTIONS, Caption
from theory.names import PROMPTS
from theory.statements.boundary import spurious_reliance
from theory.statements.captions import caption_covariance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.least_squares import least_squares_direction
from theory.statements.prompts import best_share, mixed_prompt
from theory.statements.zero_shot import latent_prompt, zero_shot_direction

# Of InfoNCE's quadrature: enough for five digits, in half the time.
_NODES = 65


def zero_shot_curves() -> dict[str, np.ndarray]:
    """Reliance over the ratio for each width of the embedding and prompt."""
    ratios = np.linspace(0.5, 1.0, 51)

    def reliances(ratio: jax.Array) -> jax.Array:
        model = dataclasses.replace(MODEL, spurious_ratio=ratio)
        cases = [(prompt, width) for width in WIDTHS for prompt in PROMPTS]
        return jnp.stack([spurious_reliance(zero_shot_direction(model, *case)) for case in cases])

    names = [f"width {width}, {prompt}" for width in WIDTHS for prompt in PROMPTS]
    found = np.asarray(jax.jit(jax.vmap(reliances))(jnp.asarray(ratios))).T
    return {"ratios": ratios, **dict(zip(names, found, strict=True))}


def draw_zero_shot(evidence: Evidence, curves: Curves) -> Figure:
    """Reliance w_spu / w_inv for both prompts, a panel for each width of the embedding."""
    figure, axes = panels(len(WIDTHS), share_y=True)
    for axis, width in zip(axes, WIDTHS, strict=True):
        for series, prompt in enumerate(PROMPTS):
            reliances = curves[f"width {width}, {prompt}"]
            line(axis, series, curves["ratios"], reliances, style="-" if series == 0 else "--")
            points(axis, series, evidence[f"width {width}"][prompt], f"{prompt} prompt")
        both = " (one rule for both prompts)" if width == 1 else ""
        name_axes(axis, f"embedding of width {width}{both}", "spurious ratio p_spu", "reliance w_spu / w_inv")
        legend(axis)
    return figure


def captions_curves() -> dict[str, np.ndarray]:
    """Reliance over the share of captions that mention the background, for each prompt and kind of captions."""
    mentions = np.linspace(0.0, 1.0, 31)
    found = {"mentions": mentions, "least squares": np.asarray(spurious_reliance(least_squares_direction(MODEL)))}
    for prompt in PROMPTS:
        for kind in CAPTIONS:

            def reliance(mention: jax.Array, prompt: str = prompt, kind: str = kind) -> jax.Array:
                said = Caption(kind, mention_spu=mention)
                return spurious_reliance(caption_covariance(MODEL, said) @ latent_prompt(MODEL, prompt, said))

            found[f"{prompt}, {kind}"] = np.asarray(jax.jit(jax.vmap(reliance))(jnp.asarray(mentions)))
    return found


def draw_captions(evidence: Evidence, curves: Curves) -> Figure:
    """A panel for each prompt; each kind of caption is a line, and least squares beside them."""
    figure, axes = panels(len(PROMPTS), share_y=True)
    for axis, prompt in zip(axes, PROMPTS, strict=True):
        for series, kind in enumerate(CAPTIONS):
            styles = ("-", "--", ":")  # lines of two kinds may coincide
            line(axis, series, curves["mentions"], curves[f"{prompt}, {kind}"], style=styles[series])
            points(axis, series, evidence[prompt][kind], f"{kind} captions")
        axis.axhline(
            float(curves["least squares"]), color="black", linewidth=1.0, linestyle="-.", label="least squares"
        )
        name_axes(
            axis,
            f"{prompt} prompt, p_spu = {MODEL.spurious_ratio:g}",
            "P(caption mentions the background)",
            "reliance w_spu / w_inv",
        )
        legend(axis)
    return figure


def prompts_curves() -> dict[str, np.ndarray]:
    """Accuracy in the worse group over the class mean's share, of each learner; its best share and the value there."""
    shares = np.linspace(SHARES[0], SHARES[-1], 91)
    found = {"shares": shares}
    for name in LEARNERS:
        critic = contrastive_critic(name, PROMPTS_MODEL, Caption(), count=_NODES)

        def worst(share: jax.Array, critic: jax.Array = critic) -> jax.Array:
            return jnp.min(group_accuracies(PROMPTS_MODEL, critic @ mixed_prompt(PROMPTS_MODEL, share))[:2])

        found[name] = np.asarray(jax.jit(jax.vmap(worst))(jnp.asarray(shares)))
        best = best_share(PROMPTS_MODEL, critic)
        found[f"best, {name}"] = np.array([best, worst(jnp.asarray(best))])
    return found


def draw_prompts(evidence: Evidence, curves: Curves) -> Figure:
    """One panel: each learner a line, its best share marked; the dashed line is what no prompt surpasses."""
    figure, (axis,) = panels(1, height=4.0)
    figure.set_figwidth(6.4)
    for series, name in enumerate(LEARNERS):
        line(axis, series, curves["shares"], curves[name])
        points(axis, series, evidence[WORST][name], name)
        best, value = curves[f"best, {name}"].tolist()
        axis.annotate("best", (best, value), (0, 12), textcoords="offset points", ha="center")
    ceiling = norm.cdf(PROMPTS_MODEL.mu_inv / float(PROMPTS_MODEL.image_variance[0]) ** 0.5)
    axis.axhline(ceiling, color="black", linestyle="--", linewidth=1.0, label="the best prompt of all (S17)")
    axis.axvspan(0.0, 1.0, color="0.93", zorder=0)
    axis.set_ylim(top=0.9)
    name_axes(
        axis,
        "latent captions; shaded: between the label prompt (0) and the class mean (1)",
        "share of the class mean in the prompt",
        "accuracy in the worse group (share of images)",
    )
    legend(axis)
    return figure
