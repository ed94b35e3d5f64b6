"""Zero-shot repairs of trained encoders: in the synthetic model, and of small CLIPs on coloured digits."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.saved_result import DIGITS_REPAIRS, REPAIRS, SavedResult, Shape, check_shape, command
from sims.repairs.digits.figure import draw as draw_digits
from sims.repairs.digits.shares import MOMENTS, PLACES
from sims.repairs.figure import draw as draw_result
from workbench.results import read_json

_NUMBER = int | float
_GROUPS = ("aligned", "conflicting")
# What the figures read of the two results.
_SHAPE: Shape = {
    "/config/spurious_ratio": _NUMBER,
    **{f"/results/*/{name}": str for name in ("learner", "repair")},
    **{f"/results/*/{part}/{group}": _NUMBER for part in ("accuracy", "stderr", "theory?") for group in _GROUPS},
}
_DIGITS_SHAPE: Shape = {
    "/config/mention_spu": list,
    "/config/repair": list,
    "/results/*/mention_spu": _NUMBER,
    "/results/*/repair": str,
    **{f"/results/*/{part}/{place}": _NUMBER for part in ("accuracy", "change", "change_stderr") for place in PLACES},
    **{f"/results/*/predicted/{moments}/{place}": _NUMBER for moments in MOMENTS for place in PLACES},
}


def draw_repairs_trained(context: Context) -> Figure:
    """Draw the result that `python -m sims.repairs` saved.

    Raises:
        InputError: there is none, or it is of another version.
    """
    return draw_result(_load(REPAIRS, context.results, _SHAPE))


def draw_repairs_digits(context: Context) -> Figure:
    """Draw the result that `python -m sims.repairs digits` saved.

    Raises:
        InputError: there is none, or it is of another version.
    """
    return draw_digits(_load(DIGITS_REPAIRS, context.results, _DIGITS_SHAPE))


def _load(saved: SavedResult, folder: Path, shape: Shape) -> dict[str, Any]:
    file = saved.folder(folder) / saved.files[0]
    remedy = f"make it again with: {command([saved], folder)}"
    content = read_json(file, "result of repairs", remedy, ("results",))
    check_shape(content, shape, file, remedy)
    return content
