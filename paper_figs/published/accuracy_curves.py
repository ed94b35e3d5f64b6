"""S28 on the published accuracies: curves fitted to ImageNet models, and what they say of other models."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH, SMALL, name_axes
from paper_figs.published.looks import added_handles, figure_legend, mark_added
from paper_figs.published.reliance import STYLES
from realdata.reliance.alternatives import CANDIDATES
from realdata.reliance.curve_table import prediction_rows
from realdata.reliance.curve_tests import MASKED, SIGLIPS, CurveShape, read_other_models
from realdata.reliance.curves import THEORIES, curve_with, follow
from workbench.conventions import GROUPS, Z95
from workbench.palette import BLACK, GREEN, ORANGE, PURPLE, SKY_BLUE

_MAIN = {"setup": "1v1000", "averaging": "balanced"}
_COLOURS = {"sight": GREEN, "noise": ORANGE, "difficulty": PURPLE, "line": BLACK, "sight and difficulty": SKY_BLUE}
_MARKERS = {"sight": "o", "noise": "v", "difficulty": "^", "line": "x", "sight and difficulty": "D"}
_TICKS = np.array([10, 20, 30, 40, 50, 60, 70, 80, 90, 95])


def draw(context: Context) -> Figure:
    """Whole photos, photos without background, and how well each theory predicts each group of models."""
    found = context.reliance
    shapes = {
        row.theory: row
        for row in found.shapes
        if row.source == "paper" and all(row.setting[key] == value for key, value in _MAIN.items())
    }
    figure = Figure(figsize=(PRINT_WIDTH, 14.0), layout="constrained")
    axes = figure.subplots(3, height_ratios=(4.0, 3.4, 5.6))
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=SMALL)
    others = read_other_models()
    _draw_whole(axes[0], context, shapes, others[SIGLIPS][list(GROUPS)].to_numpy(float))
    _draw_masked(axes[1], shapes, others[MASKED][list(GROUPS)].to_numpy(float))
    _draw_scores(axes[2], context)
    added = [model for _, model in context.added_in("1v1000", "simple")]
    if added:
        figure_legend(figure, added_handles(added), "lower")
    figure.suptitle(
        "Models that differ in how well they see the animal have the measured slope;\n"
        "without the background they should not drop, and do",
        fontsize=10,
        weight="bold",
    )
    return figure


def _places(percent: np.ndarray) -> np.ndarray:
    return np.asarray(ndtri(np.clip(percent / 100, 1e-4, 1 - 1e-4)))


def _between(low: float, high: float) -> np.ndarray:
    """Common probits of a curve."""
    return np.linspace(float(ndtri(low)), float(ndtri(high)), 60)


def _spaced(axis: Axes, low: float, high: float, least: float, most: float) -> None:
    for ticks in (axis.set_xticks, axis.set_yticks):
        ticks(_places(_TICKS), [f"{tick}" for tick in _TICKS])
    axis.set_xlim(float(ndtri(low)), float(ndtri(high)))
    axis.set_ylim(float(ndtri(least)), float(ndtri(most)))


def _draw_whole(axis: Axes, context: Context, shapes: dict[str, CurveShape], siglips: np.ndarray) -> None:
    published = {
        family: np.array([[model.common, model.counter] for model in context.reliance.models
                          if (model.source, model.table, model.family) == ("paper", table, family)])
        for family, table in (("imagenet", "4"), ("clip", "3"))
    }  # fmt: skip
    for family, (colour, marker) in STYLES.items():
        x, y = _places(published[family]).T
        axis.plot(x, y, marker, color=colour, markersize=5, markeredgecolor="white", zorder=3)
    x, y = _places(siglips).T
    axis.plot(x, y, "D", color=SKY_BLUE, markersize=5, markeredgecolor="white", zorder=3)
    given = _between(0.5, 0.93)
    for theory in ("sight", "noise", "line"):
        style = "--" if theory == "line" else "-"
        curve = curve_with(shapes[theory].constants, CANDIDATES["1v1000"])
        axis.plot(given, follow(curve, given)[0], style, color=_COLOURS[theory], linewidth=1.6)
    axis.plot([-1, 3], [-1, 3], ":", color="0.6")
    for number, model in context.added_in("1v1000", "simple"):
        common, counter = _places(np.array(model.accuracies["balanced"]))
        mark_added(axis, float(common), float(counter), number, len(context.added))
    _spaced(axis, 0.5, 0.93, 0.22, 0.93)
    sight, noise = shapes["sight"], shapes["noise"]
    for share, words, colour in (
        (0.90, f"sight: slope {sight.slope:.2f}, {sight.verdict}", GREEN),
        (0.875, f"noise, or difficulty: slope {noise.slope:.2f}, {noise.verdict}", ORANGE),
        (0.845, f"any line: slope {shapes['line'].slope:.2f}", BLACK),
        (0.81, "squares: ImageNet models", STYLES["imagenet"][0]),
        (0.77, "circles: CLIPs", STYLES["clip"][0]),
        (0.725, "diamonds: SigLIPs", SKY_BLUE),
    ):
        axis.text(float(ndtri(0.51)), float(ndtri(share)), words, color=colour, fontsize=8.5)
    name_axes(
        axis, "whole photos: curves fitted to ImageNet models", "accuracy on common photos (%)",
        "accuracy on counter photos (%)",
    )  # fmt: skip


def _draw_masked(axis: Axes, shapes: dict[str, CurveShape], masked: np.ndarray) -> None:
    x, y = _places(masked).T
    axis.plot(x, y, "o", color=BLACK, markersize=5, markeredgecolor="white", zorder=3)
    given = _between(0.3, 0.86)
    axis.plot(given, given, color=GREEN, linewidth=1.6)
    lacking = curve_with({"difficulty": shapes["difficulty"].constants["difficulty"]}, CANDIDATES["1v1000"])
    axis.plot(given, follow(lacking, given)[0], color=PURPLE, linewidth=1.6)
    _spaced(axis, 0.3, 0.86, 0.2, 0.86)
    for common, counter, words, colour in (
        (0.33, 0.47, "sight, or noise:\nno drop is left", GREEN),
        (0.63, 0.40, "difficulty:\nall of it is left", PURPLE),
    ):
        axis.text(float(ndtri(common)), float(ndtri(counter)), words, color=colour, fontsize=8.5)
    axis.annotate(
        "measured", (float(x[2]), float(y[2])), (float(ndtri(0.74)), float(ndtri(0.5))), fontsize=8.5,
        arrowprops={"arrowstyle": "-", "shrinkB": 5},
    )  # fmt: skip
    name_axes(
        axis,
        "background masked out: the truth lies between (8 SigLIPs, 2 CLIPs)",
        "accuracy on common photos (%)",
        "accuracy on counter photos (%)",
    )


def _draw_scores(axis: Axes, context: Context) -> None:
    """A row for each group of models: log score of each theory beyond that of a line of slope 1."""
    rows = prediction_rows(context.reliance.predictions)
    labels = []
    for height, group in enumerate(reversed(rows)):
        first = group[0]
        prompt = first.setting["prompt"]
        where = f"Table {first.tables[0]}" if first.tables else first.source
        words = [where, first.setting["setup"], "" if prompt == "none" else prompt, first.setting["averaging"]]
        labels.append(f"{first.group}\n{' '.join(word for word in words if word)}")
        for row in group:
            if row.theory == "shift":
                continue
            place = height + 0.14 * (list(_COLOURS).index(row.theory) - 2)
            axis.errorbar(
                row.beyond_shift, place, xerr=Z95 * row.beyond_shift_stderr, fmt=_MARKERS[row.theory],
                color=_COLOURS[row.theory], markersize=4.5, linewidth=0.9,
                label=row.theory if row.theory in THEORIES or row.theory == "line" else None,
            )  # fmt: skip
    axis.axvline(0.0, color="0.4", linewidth=0.8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_xlim(-1.9, 1.0)
    handles, names = axis.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axis.legend(unique.values(), unique.keys(), fontsize=8, loc="lower left", framealpha=0.9)
    name_axes(axis, "held-out models: right of 0 is better\nthan a line of slope 1", "log score beyond a shift's", "")
    axis.set_ylabel("group of models, and setting")
