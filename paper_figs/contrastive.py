"""The main job's figure, redrawn from its saved result."""

from pathlib import Path

from matplotlib.figure import Figure

from sims.contrastive_figure import draw as draw_result
from sims.contrastive_result import load


def draw(folder: Path) -> Figure:
    """Draw the result that `python -m sims.contrastive` saved in `folder/contrastive`.

    Raises:
        InputError: there is none.
    """
    return draw_result(*load(folder / "contrastive"))
