"""S16: the phases of training on the linearised loss, and where InfoNCE leaves it."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.dynamics import (
    INFONCE_STEPS,
    LEAVING,
    MODEL,
    MODES,
    RATE,
    RELIANCE,
    RHO,
    SAMPLE,
    SIZE,
    STEPS,
    setting,
)
from sims.theorems.evidence import Evidence
from theory.names import PROMPTS
from theory.statements.boundary import spurious_reliance
from theory.statements.dynamics import gradient_slope_bound, gram, leading_reliance
from theory.statements.population import cross_covariance, latent_covariance
from theory.statements.zero_shot import latent_prompt, zero_shot_direction


def curves() -> dict[str, np.ndarray]:
    """Singular values and reliances over the time of training, their ends, and the bound on InfoNCE's distance."""
    times = np.linspace(0.0, STEPS * RATE, 91)
    dim = int(MODEL.image_dim)
    bases, start = setting()
    covariance = cross_covariance(MODEL, bases.image, bases.text)

    def at(time: jax.Array) -> tuple[jax.Array, jax.Array]:
        product = bases.image.T @ gram(covariance, start, time, RHO)[:dim, dim:] @ bases.text
        rules = [product @ latent_prompt(MODEL, prompt) for prompt in PROMPTS]
        return jnp.linalg.svd(product, compute_uv=False), jnp.stack([spurious_reliance(rule) for rule in rules])

    sizes, reliances = jax.lax.map(at, jnp.asarray(times))
    early = np.linspace(0.05, INFONCE_STEPS * RATE, 80)
    top = float(jnp.linalg.eigvalsh(latent_covariance(MODEL))[-1])
    scale = float(gradient_slope_bound(MODEL) * jnp.sum(start**2)) / (4.0 * top)
    return {
        "times": times,
        "sizes": np.asarray(sizes),
        "reliances": np.asarray(reliances),
        "ends": np.array([spurious_reliance(zero_shot_direction(MODEL, prompt)) for prompt in PROMPTS]),
        "leading": np.asarray(leading_reliance(MODEL)),
        "early times": early,
        "bound": scale * np.expm1(2.0 * top * early),
    }


def draw(evidence: Evidence, curves: Curves) -> Figure:
    """Growth of the singular directions; reliance of each prompt; InfoNCE's distance from the linear flow."""
    figure, axes = panels(3, height=3.1)
    for series, mode in enumerate(MODES):
        line(axes[0], series, curves["times"], curves["sizes"][:, series])
        points(axes[0], series, evidence[SIZE][mode], f"{mode} direction")
    for series, prompt in enumerate(PROMPTS):
        line(axes[1], series, curves["times"], curves["reliances"][:, series])
        points(axes[1], series, evidence[RELIANCE][prompt], f"{prompt} prompt")
        axes[1].axhline(float(curves["ends"][series]), color="black", linestyle=":", linewidth=1.0)
    axes[1].axhline(float(curves["leading"]), color="black", linestyle="--", linewidth=1.0, label="leading eigenvector")
    axes[1].set_ylim(0.0, 1.6)
    line(axes[2], 5, curves["early times"], curves["bound"], "bound (S16)", "--")
    points(axes[2], 0, evidence[LEAVING]["infonce"], f"InfoNCE on {SAMPLE} pairs")
    axes[2].set_yscale("log")
    name_axes(axes[0], "linearised loss: growth", "time (steps x learning rate)", "singular value of W_I^T W_T")
    name_axes(axes[1], "linearised loss: phases", "time (steps x learning rate)", "reliance w_spu / w_inv")
    name_axes(axes[2], "InfoNCE leaves the linear flow", "time (steps x learning rate)", "distance / (z_0 e^(c_1 t))")
    for axis in axes:
        legend(axis)
    return figure
