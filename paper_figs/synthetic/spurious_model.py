"""The paper's synthetic model: the main job's figure, and the map of losses, captions and prompts."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.looks import PRINT_WIDTH
from paper_figs.saved_result import MAIN_JOB, VERDICT_MAP, Shape, check_shape, command
from sims.contrastive.figure import draw as draw_result
from sims.contrastive.result import load
from theory.names import GROUPS
from theory.report import over_corrects
from workbench.errors import InputError
from workbench.results import read_json


def draw_contrastive(context: Context) -> Figure:
    """Draw the result that `python -m sims.contrastive` saved in `contrastive` under the folder of results.

    Raises:
        InputError: there is none, or it is of another version.
    """
    folder = MAIN_JOB.folder(context.results)
    content, arrays = load(folder / "contrastive")
    file = folder / MAIN_JOB.files[0]
    remedy = f"make it again with: {command([MAIN_JOB], context.results)}"
    check_shape(content, _JOB_SHAPE, file, remedy)
    names = [f"{row['learner']}.{part}" for row in content["results"] for part in ("trajectory", "trajectory_steps")]
    for name in names:
        if name not in arrays:
            raise InputError(f"{folder / MAIN_JOB.files[1]}: is of another version, it lacks {name!r}; {remedy}")
    return draw_result(content, arrays)


_NUMBER = int | float
# What the figures read of the two results.
_JOB_SHAPE: Shape = {
    "/config/prompt": list,
    "/config/spurious_ratio": _NUMBER,
    "/results/*/learner": str,
    "/results/*/prompt": str | None,
    "/results/*/converged": bool,
    **{f"/results/*/{part}/{group}": _NUMBER for part in ("accuracy", "stderr", "theory?") for group in GROUPS},
}
_MAP_SHAPE: Shape = {
    **{f"/map/*/{key}": str for key in ("learner", "caption", "prompt")},
    "/map/*/verdict": str | None,
    **{f"/map/*/{key}": _NUMBER | None for key in ("conflicting", "aligned", "difference")},
    "/reference/accuracy/conflicting": _NUMBER,
}
_LOSSES = {
    "linearized": "the paper's linearised loss",
    "infonce_bilinear": "InfoNCE, inner products",
    "infonce_image_to_text": "its half image to text",
    "infonce_text_to_image": "its half text to image",
    "siglip": "the sigmoid loss",
    "supcon_bilinear": "SupCon",
    "nclip": "nCLIP, two clusters",
}
_CAPTIONS = {
    "latent": "captions share\nthe image's features",
    "label": "captions name\nthe class",
    "label-attribute": "captions name class\nand background",
}
_SIGNS = {"more robust": "+", "as robust": "=", "less robust": "−", None: "?"}
_LIMIT = 50.0  # points


def draw_captions_prompts(context: Context) -> Figure:
    """A panel for each prompt, a row for each loss, a column for each kind of caption.

    Raises:
        InputError: the saved map is no such map.
    """
    content = _load(context.results)
    rows = content["map"]
    prompts = list(dict.fromkeys(row["prompt"] for row in rows))
    losses = list(dict.fromkeys(row["learner"] for row in rows))
    captions = list(dict.fromkeys(row["caption"] for row in rows))
    cells = {(row["prompt"], row["learner"], row["caption"]): row for row in rows}
    figure = Figure(figsize=(PRINT_WIDTH, 1.0 + (0.7 + 0.45 * len(losses)) * len(prompts)), layout="constrained")
    axes = figure.subplots(len(prompts), 1, sharex=True, squeeze=False)[:, 0]
    norm = TwoSlopeNorm(0.0, -_LIMIT, _LIMIT)
    for axis, prompt in zip(axes, prompts, strict=True):
        values = [[_difference(cells[prompt, loss, caption]) for caption in captions] for loss in losses]
        shown = axis.pcolormesh(values, cmap="PuOr", norm=norm, edgecolor="white", lw=2)
        for (line, loss), (column, caption) in itertools.product(enumerate(losses), enumerate(captions)):
            _write(axis, column + 0.5, line + 0.5, cells[prompt, loss, caption])
        axis.set_xticks([place + 0.5 for place in range(len(captions))], [_CAPTIONS.get(c, c) for c in captions])
        axis.set_yticks([place + 0.5 for place in range(len(losses))], [_LOSSES.get(name, name) for name in losses])
        axis.tick_params(length=0, labelsize=8)
        axis.set_ylim(len(losses), 0)
        axis.set_ylabel("contrastive loss")
        axis.set_title(f"{prompt} prompt", fontsize=9)
        axis.spines[:].set_visible(False)
    axes[-1].set_xlabel("captions in training")
    reference = 100 * content["reference"]["accuracy"]["conflicting"]
    figure.colorbar(shown, ax=axes, label=f"points against logistic regression ({reference:.1f}%)", extend="both")
    return figure


def _difference(row: Mapping[str, Any]) -> float:
    return float("nan") if row["difference"] is None else 100 * row["difference"]


def _write(axis: Axes, x: float, y: float, row: Mapping[str, Any]) -> None:
    if row["conflicting"] is None or row["difference"] is None:
        axis.text(x, y, "no closed form", ha="center", va="center", fontsize=8)
        return
    dark = abs(100 * row["difference"]) > 0.6 * _LIMIT
    over = "*" if over_corrects(row) else ""
    axis.text(
        x,
        y,
        f"{_SIGNS[row['verdict']]} {abs(100 * row['difference']):.1f}\n{100 * row['conflicting']:.1f}%{over}",
        ha="center",
        va="center",
        fontsize=8,
        color="white" if dark else "black",
    )


def _load(folder: Path) -> dict[str, Any]:
    file = VERDICT_MAP.folder(folder) / VERDICT_MAP.files[0]
    remedy = f"make it with: {command([VERDICT_MAP], folder)}"
    content = read_json(file, "map of losses, captions and prompts", remedy, ("map",))
    check_shape(content, _MAP_SHAPE, file, remedy)
    return content
