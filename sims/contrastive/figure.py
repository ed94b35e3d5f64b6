"""The main job's figure: accuracy in each group, simulation against theory, and what each loss learns first."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from theory.names import GROUPS
from workbench import palette
from workbench.conventions import Z95
from workbench.palette import TEXT_SIZES

# Okabe and Ito's colours, told apart with every kind of colour vision.
_GROUP_COLOURS = {
    "aligned": palette.GREEN,
    "conflicting": palette.VERMILION,
    "in_distribution": palette.SKY_BLUE,
    "uniform": palette.GREY,
}
_LEARNER_COLOURS = {
    "linearized": palette.BLACK,
    "infonce": palette.BLUE,
    "infonce_bilinear": palette.ORANGE,
    "siglip": palette.PURPLE,
    "least_squares": palette.OCHRE,
    "logistic": palette.INDIGO,
    "infonce_image_to_text": palette.SKY_BLUE,
    "infonce_text_to_image": palette.GREEN,
    "supcon": palette.WINE,
    "supcon_bilinear": palette.MAGENTA,
    "nclip": palette.FOREST,
    "xclip": palette.TEAL,
}
_FURTHER_COLOURS = (palette.WINE, palette.TEAL, palette.MAGENTA, palette.FOREST)  # of objectives of one's own, in turn


@rc_context(TEXT_SIZES)
def draw(content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Figure:
    """Draw a result.

    Args:
        content: as `result.json` holds it.
        arrays: as `arrays.npz` holds them.
    """
    prompts = list(content["config"]["prompt"])
    rows = content["results"]
    height = 0.24 * len(rows) + 1.5
    figure = Figure(figsize=(7.1, height + 3.6), layout="constrained")  # the width of a page of A4 within its margins
    grid = figure.add_gridspec(2, len(prompts), height_ratios=(height, 3.3))
    axes = [figure.add_subplot(grid[0, :]), *(figure.add_subplot(grid[1, column]) for column in range(len(prompts)))]
    _draw_groups(axes[0], rows)
    contrastive = any(row["prompt"] for row in rows)
    for axis, prompt in zip(axes[1:], prompts, strict=True):
        _draw_trajectories(axis, prompt, prompts, rows, arrays, content["config"]["spurious_ratio"])
        axis.sharey(axes[1])
    # The panels share their lines' colours, so one legend serves both.
    learners = {str(line.get_label()): line for axis in axes[1:] for line in axis.get_lines()}
    shown = [line for label, line in learners.items() if not label.startswith("_")]
    title = "weights at each step; the panel above averages them"
    figure.legend(
        handles=shown, loc="outside lower center", ncols=4, fontsize=8, frameon=False, title=title, title_fontsize=8
    )
    axes[1].set_ylabel("accuracy on conflicting images (%)")
    config = content["config"]
    figure.suptitle(
        f"Spurious ratio {config['spurious_ratio']:g}: what each objective does with a spurious feature"
        if contrastive
        else f"Spurious ratio {config['spurious_ratio']:g}: supervised learners and a spurious feature",
        fontsize=10,
        weight="bold",
    )
    return figure


def _draw_groups(axis: Axes, rows: list[dict[str, Any]]) -> None:
    for position, row in enumerate(rows):
        ends = [100 * row["accuracy"][group] for group in ("conflicting", "aligned")]
        axis.plot(ends, [position, position], color="0.85", lw=1, zorder=1)
        for group in GROUPS:
            colour = _GROUP_COLOURS[group]
            mean, stderr = 100 * row["accuracy"][group], 100 * row["stderr"][group]
            if row["theory"] is not None:
                axis.plot(100 * row["theory"][group], position, "D", ms=10, mfc="none", mec=colour, mew=1.2)
            axis.errorbar(mean, position, xerr=Z95 * stderr, fmt="o", ms=4.5, color=colour, capsize=2)
    labels = [row["learner"] + (f", {row['prompt']}" if row["prompt"] else "") for row in rows]
    labels = [label if row["converged"] else f"{label} *" for label, row in zip(labels, rows, strict=True)]
    axis.set_yticks(range(len(rows)), labels)
    axis.invert_yaxis()
    axis.axvline(50, color="0.75", lw=0.8, zorder=0)
    axis.set_xlim(-2, 102)
    axis.set_xlabel("accuracy (%)")
    axis.set_ylabel("objective, prompt")
    axis.set_title(
        "After training: each group's mean and 95% interval"
        + ("" if all(row["converged"] for row in rows) else " (* not converged)")
    )
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    handles = [
        Line2D([], [], marker="o", ls="", color=colour, label=group.replace("_", " "))
        for group, colour in _GROUP_COLOURS.items()
    ]
    handles.append(Line2D([], [], marker="D", ls="", mfc="none", color="0.3", ms=8, label="closed form"))
    _legend_below(axis, handles)


def _legend_below(axis: Axes, handles: list[Any], title: str | None = None) -> None:
    """A legend below the axis, out of the data's way."""
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.4, -0.2),
        ncols=5,
        fontsize=8,
        frameon=False,
        title=title,
        title_fontsize=8,
    )


def _draw_trajectories(
    axis: Axes,
    prompt: str,
    prompts: list[str],
    rows: list[dict[str, Any]],
    arrays: Mapping[str, np.ndarray],
    spurious_ratio: float,
) -> None:
    further = [name for name in dict.fromkeys(row["learner"] for row in rows) if name not in _LEARNER_COLOURS]
    for row in rows:
        if row["prompt"] not in (None, prompt):
            continue
        name = row["learner"]
        colour = _LEARNER_COLOURS.get(name) or _FURTHER_COLOURS[further.index(name) % len(_FURTHER_COLOURS)]
        index = 0 if row["prompt"] is None else prompts.index(prompt)
        conflicting = 100 * arrays[f"{name}.trajectory"][:, :, index, 1]
        steps = arrays[f"{name}.trajectory_steps"]
        mean = conflicting.mean(axis=1)
        style = "--" if row["prompt"] is None else "-"
        axis.plot(steps, mean, style, color=colour, lw=1.6, label=name)
        if conflicting.shape[1] > 1:
            error = Z95 * conflicting.std(axis=1, ddof=1) / np.sqrt(conflicting.shape[1])
            axis.fill_between(steps, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
        if row["theory"] is not None:
            theory = 100 * row["theory"]["conflicting"]
            axis.plot(
                [1.0],
                [theory],
                "D",
                ms=8,
                mfc="none",
                mec=colour,
                transform=axis.get_yaxis_transform(),
                clip_on=False,
            )
    axis.axhline(50, color="0.75", lw=0.8, zorder=0)
    axis.set_xscale("log")
    axis.set_ylim(-2, 102)
    axis.set_xlabel("step")
    axis.set_title(f"On the way: {prompt} prompt")
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
