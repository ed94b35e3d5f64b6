"""S7: the printed bound of Theorem 6.2 against the exact error, and a map of where it fails and by how much."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.panels import legend, line, name_axes, panels, points
from sims.theorems.evidence import Evidence
from sims.theorems.theorem62 import DEVIATIONS, MODEL, map_name, threshold
from theory.statements.theorem62 import printed_bound_excess, theorem62

_MEANS = np.linspace(0.05, 4.0, 120)
_RATIOS = np.linspace(0.5, 1.0, 100)


def draw(evidence: Evidence) -> Figure:
    """First the error against p_spu at mu_spu = 2; then a map over mu_spu and p_spu for each pair of deviations."""
    figure, axes = panels(1 + len(DEVIATIONS), height=4.0, columns=2)
    models = [dataclasses.replace(MODEL, spurious_ratio=float(ratio)) for ratio in _RATIOS]
    for series, (printed, label) in enumerate(((False, "exact (S7)"), (True, "printed lower bound"))):
        errors = [float(theorem62(model, printed).conflicting_error) for model in models]
        line(axes[0], 5 * series, _RATIOS, errors, label, "--" if printed else "-")
    points(axes[0], 0, evidence["conflicting error"]["label prompt"], "fitted to samples")
    name_axes(
        axes[0],
        f"label prompt, mu_spu = {MODEL.mu_spu:g}",
        "spurious ratio p_spu",
        "error on conflicting images (share)",
    )
    legend(axes[0])
    for axis, deviations in zip(axes[1:], DEVIATIONS, strict=True):
        sigma_inv, sigma_spu = deviations

        def excess(ratio: Array, mean: Array, sigma_inv: float = sigma_inv, sigma_spu: float = sigma_spu) -> Array:
            model = dataclasses.replace(
                MODEL, spurious_ratio=ratio, mu_spu=mean, sigma_inv=sigma_inv, sigma_spu=sigma_spu
            )
            return 100.0 * printed_bound_excess(model)

        over_means = jax.vmap(excess, (None, 0))
        values = np.asarray(jax.jit(jax.vmap(over_means, (0, None)))(jnp.asarray(_RATIOS), jnp.asarray(_MEANS)))
        shown = axis.pcolormesh(_MEANS, _RATIOS, values, cmap="RdBu_r", vmin=-40, vmax=40, rasterized=True)
        axis.contour(_MEANS, _RATIOS, values, [0.0], colors="black", linewidths=1.0)
        exact = np.array([float(threshold(float(mean), sigma_inv)) for mean in _MEANS])
        inside = exact <= 1.0
        line(axis, 2, _MEANS[inside], exact[inside], "half of the conflicting images wrong (exact)")
        axis.axvline((sigma_inv**2 + 2.0) / 2.0, color="black", linestyle=":", label="printed condition on mu_spu")
        name_axes(axis, f"printed bound - exact error, {map_name(deviations)}", "mu_spu", "spurious ratio p_spu")
        for side, marker in (("above", "^"), ("below", "v")):
            measured = evidence[map_name(deviations)][side]
            places = np.interp(measured.x, _MEANS, exact) + (0.04 if side == "above" else -0.04)
            axis.scatter(
                measured.x,
                places,
                c=["black" if error > 0.5 else "white" for error in measured.mean],
                marker=marker,
                edgecolors="black",
                s=30,
                label="simulated 4 points off it: black most wrong, white most right" if side == "above" else None,
                zorder=4,
            )
        axis.set_ylim(0.5, 1.02)
        figure.colorbar(shown, ax=axis, label="points; above 0 the bound fails", extend="both")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure
