"""S7 and S8: where Theorem 6.2's printed bound fails, and the linearised learner against supervised ones."""

import dataclasses
from functools import partial

import contourpy
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.figure import Figure

from paper_figs.looks import legend, line, name_axes, panels, points
from paper_figs.statements.curves import Curves
from sims.theorems.boundary import DEVIATIONS, MODEL, RATIOS, THEOREM62_MODEL, map_name, series_name, threshold
from sims.theorems.evidence import Evidence
from theory.names import PROMPTS
from theory.statements.boundary import critical_ratio_against_logistic, critical_squared_agreement
from theory.statements.group_accuracy import group_accuracies
from theory.statements.least_squares import least_squares_direction
from theory.statements.theorem62 import printed_bound_excess, theorem62
from theory.statements.zero_shot import zero_shot_direction
from workbench.conventions import Z95
from workbench.palette import LIGHT_GREY, VERMILION

_MEANS, _THEOREM62_RATIOS = np.linspace(0.05, 4.0, 60), np.linspace(0.5, 1.0, 60)  # of the maps
_LINE_MEANS, _LINE_RATIOS = np.linspace(0.05, 4.0, 120), np.linspace(0.5, 1.0, 100)


def theorem62_curves() -> dict[str, np.ndarray]:
    """Errors over the ratio; of each pair of deviations a map over ratio and mean, and the exact threshold."""
    ratios, means = jnp.asarray(_THEOREM62_RATIOS), jnp.asarray(_MEANS)

    def errors(ratio: Array) -> Array:
        model = dataclasses.replace(THEOREM62_MODEL, spurious_ratio=ratio)
        return jnp.stack([theorem62(model, printed).conflicting_error for printed in (False, True)])

    exact, printed = np.asarray(jax.jit(jax.vmap(errors))(ratios)).T
    found = {"ratios": _THEOREM62_RATIOS, "means": _MEANS, "line means": _LINE_MEANS}
    found |= {"exact error": exact, "printed error": printed}
    for sigma_inv, sigma_spu in DEVIATIONS:

        def excess(ratio: Array, mean: Array, sigma_inv: float = sigma_inv, sigma_spu: float = sigma_spu) -> Array:
            model = dataclasses.replace(
                THEOREM62_MODEL, spurious_ratio=ratio, mu_spu=mean, sigma_inv=sigma_inv, sigma_spu=sigma_spu
            )
            return 100.0 * printed_bound_excess(model)

        name, over_both = map_name((sigma_inv, sigma_spu)), jax.jit(jax.vmap(jax.vmap(excess, (None, 0)), (0, None)))
        found[name] = np.asarray(over_both(ratios, means))
        # The line where the bound is exact bends too sharply for the grid of the colours.
        fine = np.asarray(over_both(jnp.asarray(_LINE_RATIOS), jnp.asarray(_LINE_MEANS)))
        found[f"exact, {name}"] = _zeros(_LINE_MEANS, _LINE_RATIOS, fine)
        found[f"threshold, {name}"] = np.array([float(threshold(float(mean), sigma_inv)) for mean in _LINE_MEANS])
    return found


def _zeros(x: np.ndarray, y: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where an array over y and x is zero: points of lines, shape (points, 2), NaN between one line and the next."""
    gap = np.full((1, 2), np.nan)
    lines = contourpy.contour_generator(x, y, values, line_type=contourpy.LineType.Separate).lines(0.0)
    return np.concatenate([part for each in lines for part in (np.asarray(each), gap)])


def draw_theorem62(evidence: Evidence, curves: Curves) -> Figure:
    """First the error against p_spu at mu_spu = 2; then a map over mu_spu and p_spu for each pair of deviations."""
    figure, axes = panels(1 + len(DEVIATIONS), height=3.2)
    ratios, means, line_means = curves["ratios"], curves["means"], curves["line means"]
    line(axes[0], 0, ratios, curves["exact error"], "exact (S7)")
    line(axes[0], 5, ratios, curves["printed error"], "printed lower bound", "--")
    points(axes[0], 0, evidence["conflicting error"]["label prompt"], "fitted to samples")
    name_axes(
        axes[0],
        f"label prompt, mu_spu = {THEOREM62_MODEL.mu_spu:g}",
        "spurious ratio p_spu",
        "error on conflicting images (share)",
    )
    legend(axes[0])
    for axis, deviations in zip(axes[1:], DEVIATIONS, strict=True):
        values, exact = curves[map_name(deviations)], curves[f"threshold, {map_name(deviations)}"]
        shown = axis.pcolormesh(
            means, ratios, values, cmap="RdBu_r", vmin=-40, vmax=40, rasterized=True, shading="gouraud"
        )
        axis.plot(*curves[f"exact, {map_name(deviations)}"].T, color="black", linewidth=1.0)
        inside = exact <= 1.0
        line(axis, 2, line_means[inside], exact[inside], "half of the conflicting images wrong (exact)")
        axis.axvline(
            (deviations[0] ** 2 + 2.0) / 2.0, color="black", linestyle=":", label="printed condition on mu_spu"
        )
        name_axes(axis, f"printed bound - exact error, {map_name(deviations)}", "mu_spu", "spurious ratio p_spu")
        for side, marker in (("above", "^"), ("below", "v")):
            measured = evidence[map_name(deviations)][side]
            places = np.interp(measured.x, line_means, exact) + (0.04 if side == "above" else -0.04)
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
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


_SIGMAS, _RATIOS = np.linspace(0.05, 3.0, 60), np.linspace(0.5, 1.0, 60)  # of the maps
_LINE_SIGMAS = np.linspace(0.05, 3.0, 200)


def gain(ratio: Array, sigma_inv: Array, prompt: str) -> Array:
    """Accuracy on conflicting images of the linearised learner with a prompt minus that of least squares, in points."""
    model = dataclasses.replace(MODEL, spurious_ratio=ratio, sigma_inv=sigma_inv)
    rules = zero_shot_direction(model, prompt), least_squares_direction(model)
    contrastive, supervised = (group_accuracies(model, rule)[1] for rule in rules)
    return 100.0 * (contrastive - supervised)


def boundary_curves() -> dict[str, np.ndarray]:
    """Of each prompt a map over ratio and spread, and the boundaries against both supervised learners."""
    found = {"ratios": _RATIOS, "sigmas": _SIGMAS, "line sigmas": _LINE_SIGMAS}
    for prompt in PROMPTS:
        over_both = jax.jit(jax.vmap(jax.vmap(partial(gain, prompt=prompt), (None, 0)), (0, None)))
        found[f"gain, {prompt}"] = np.asarray(over_both(jnp.asarray(_RATIOS), jnp.asarray(_SIGMAS)))

        def squared_agreement(sigma_inv: jax.Array, prompt: str = prompt) -> jax.Array:
            return critical_squared_agreement(dataclasses.replace(MODEL, sigma_inv=sigma_inv), prompt)

        squares = np.asarray(jax.jit(jax.vmap(squared_agreement))(jnp.asarray(_LINE_SIGMAS)))
        has_boundary = (squares >= 0) & (squares <= 1)
        found[f"against least squares, {prompt}"] = np.where(
            has_boundary, (1 + np.sqrt(np.clip(squares, 0, 1))) / 2, np.nan
        )

        def against_logistic(sigma_inv: jax.Array, prompt: str = prompt) -> jax.Array:
            return critical_ratio_against_logistic(dataclasses.replace(MODEL, sigma_inv=sigma_inv), prompt)

        # Every second place of those where there is a boundary at all, the last included: each takes a dozen fits.
        places = _LINE_SIGMAS[(squares >= 0) & (squares < 1)][::-2]
        ratios = jax.jit(lambda sigmas, of=against_logistic: jax.lax.map(of, sigmas))(jnp.asarray(places))
        found[f"logistic sigmas, {prompt}"], found[f"against logistic, {prompt}"] = places, np.asarray(ratios)
    return found


def draw_boundary(evidence: Evidence, curves: Curves) -> Figure:
    """Accuracy on conflicting images, linearised minus least squares; boundaries as lines, simulation as markers."""
    figure, axes = panels(len(PROMPTS), height=4.0, share_y=True)
    for axis, prompt in zip(axes, PROMPTS, strict=True):
        values = curves[f"gain, {prompt}"]
        limit = float(np.max(np.abs(values)))
        shown = axis.pcolormesh(
            curves["sigmas"],
            curves["ratios"],
            values,
            cmap="RdBu",
            vmin=-limit,
            vmax=limit,
            rasterized=True,
            shading="gouraud",
        )
        against = curves[f"against least squares, {prompt}"]
        axis.plot(curves["line sigmas"], against, color="black", label="against least squares (S8)")
        axis.plot(
            curves[f"logistic sigmas, {prompt}"],
            curves[f"against logistic, {prompt}"],
            color="black",
            linestyle="--",
            label="against logistic regression (S8)",
        )
        for ratio in RATIOS:
            measured = evidence[prompt][series_name(ratio)]
            clear = np.abs(measured.mean) > Z95 * measured.standard_error
            sides = np.where(clear, np.sign(measured.mean), 0.0)
            for side, marker, label in ((1, "o", "contrastive"), (-1, "X", "least squares"), (0, "_", "no difference")):
                chosen = sides == side
                if not chosen.any():
                    continue
                axis.scatter(
                    measured.x[chosen],
                    np.full(int(chosen.sum()), ratio),
                    marker=marker,
                    color="black" if marker == "_" else "white",
                    edgecolors=None if marker == "_" else "black",
                    s=36,
                    label=f"simulated, more robust: {label}",
                )
        # Where Theorem 6.2's conditions on one model hold, near its limit p_spu -> 1.
        widest = np.sqrt(2.0 * float(MODEL.mu_spu) - 2.0)
        axis.plot(
            [float(MODEL.sigma_spu), widest],
            [0.995, 0.995],
            color=VERMILION,
            linewidth=4,
            label="Theorem 6.2's conditions",
        )
        axis.annotate("Xue et al.'s case", (2.95, 0.515), fontsize=8, ha="right")
        name_axes(axis, f"{prompt} prompt", "sigma_inv: spread of the invariant feature", "spurious ratio p_spu")
        figure.colorbar(shown, ax=axis, label="linearised - least squares (points)")
    entries = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    handles, labels = list(entries.values()), list(entries)
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, facecolor=LIGHT_GREY)
    return figure
