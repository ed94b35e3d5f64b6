"""The main job's figure, redrawn from its saved result."""

from matplotlib.figure import Figure

from paper_figs.context import Context
from sims.contrastive.figure import draw as draw_result
from sims.contrastive.result import load


def draw(context: Context) -> Figure:
    """Draw the result that `python -m sims.contrastive` saved in `contrastive` under the folder of results.

    Raises:
        InputError: there is none.
    """
    return draw_result(*load(context.results / "contrastive"))
