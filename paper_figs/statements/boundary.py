"""S8: the phase diagram of the linearised learner against supervised ones, for each prompt."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from paper_figs.panels import name_axes, panels
from sims.theorems.boundary import MODEL, RATIOS, series_name
from sims.theorems.evidence import Evidence
from theory.statements.boundary import critical_ratio_against_logistic, critical_squared_agreement
from theory.statements.group_accuracy import group_accuracies
from theory.statements.least_squares import least_squares_direction
from theory.statements.zero_shot import PROMPTS, zero_shot_direction

_SIGMAS = np.linspace(0.05, 3.0, 200)
_RATIOS = np.linspace(0.5, 1.0, 200)


def draw(evidence: Evidence) -> Figure:
    """Accuracy on conflicting images, linearised minus least squares; boundaries as lines, simulation as markers."""
    figure, axes = panels(len(PROMPTS), height=4.4)
    for axis, prompt in zip(axes, PROMPTS, strict=True):

        def gain(ratio: jax.Array, sigma_inv: jax.Array, prompt: str = prompt) -> jax.Array:
            model = dataclasses.replace(MODEL, spurious_ratio=ratio, sigma_inv=sigma_inv)
            rules = zero_shot_direction(model, prompt), least_squares_direction(model)
            contrastive, supervised = (group_accuracies(model, rule)[1] for rule in rules)
            return 100.0 * (contrastive - supervised)

        values = jax.jit(jax.vmap(jax.vmap(gain, (None, 0)), (0, None)))(jnp.asarray(_RATIOS), jnp.asarray(_SIGMAS))
        limit = float(np.max(np.abs(values)))
        shown = axis.pcolormesh(
            _SIGMAS, _RATIOS, np.asarray(values), cmap="RdBu", vmin=-limit, vmax=limit, rasterized=True
        )
        squares = np.array(
            [
                float(critical_squared_agreement(dataclasses.replace(MODEL, sigma_inv=float(sigma)), prompt))
                for sigma in _SIGMAS
            ]
        )
        critical = np.where((squares >= 0) & (squares <= 1), (1 + np.sqrt(np.clip(squares, 0, 1))) / 2, np.nan)
        axis.plot(_SIGMAS, critical, color="black", label="against least squares (S8)")

        def against_logistic(sigma_inv: jax.Array, prompt: str = prompt) -> jax.Array:
            return critical_ratio_against_logistic(dataclasses.replace(MODEL, sigma_inv=sigma_inv), prompt)

        # Every second place of those where there is a boundary at all, the last included: each takes a bisection.
        places = _SIGMAS[(squares >= 0) & (squares < 1)][::-2]
        ratios = jax.jit(lambda sigmas, of=against_logistic: jax.lax.map(of, sigmas))(jnp.asarray(places))
        axis.plot(places, np.asarray(ratios), color="black", linestyle="--", label="against logistic regression (S8)")
        for ratio in RATIOS:
            measured = evidence[prompt][series_name(ratio)]
            clear = np.abs(measured.mean) > 1.96 * measured.standard_error
            sides = np.where(clear, np.sign(measured.mean), 0.0)
            for side, marker, label in ((1, "o", "contrastive"), (-1, "X", "least squares"), (0, "_", "no difference")):
                chosen = sides == side
                axis.scatter(
                    measured.x[chosen],
                    np.full(int(chosen.sum()), ratio),
                    marker=marker,
                    color="white",
                    edgecolors="black" if marker != "_" else None,
                    s=36,
                    label=f"simulated, more robust: {label}" if ratio == RATIOS[0] else None,
                )
        # Where Theorem 6.2's conditions on one model hold, near its limit p_spu -> 1.
        widest = np.sqrt(2.0 * float(MODEL.mu_spu) - 2.0)
        axis.plot(
            [float(MODEL.sigma_spu), widest],
            [0.995, 0.995],
            color="#D55E00",
            linewidth=4,
            label="Theorem 6.2's conditions",
        )
        axis.annotate("Xue et al.:\nhigh variance\nwithin a class", (2.6, 0.53), fontsize=8, ha="center")
        name_axes(axis, f"{prompt} prompt", "sigma_inv: spread of the invariant feature", "spurious ratio p_spu")
        figure.colorbar(shown, ax=axis, label="linearised - least squares (points)")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, facecolor="#cccccc")
    return figure
