"""How a figure of the register is drawn and signed, and its files."""

import textwrap

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from paper_figs.context import Context
from paper_figs.spec import FigureSpec
from workbench.palette import TEXT_SIZES
from workbench.results import to_pdf, to_png

_SIZE = 8.0  # points
_CHARACTER = 0.545 * _SIZE  # mean width, points
_TITLE = 10.0  # points
_LINE = 1.3 * _SIZE


def draw_figure(spec: FigureSpec, context: Context) -> Figure:
    """Draw a figure with its title and its small print.

    Raises:
        InputError: a saved result that it needs is broken or of another version, or a published table is wrong.
    """
    with matplotlib.rc_context(TEXT_SIZES):
        figure = spec.draw(context)
    if spec.message and not figure.get_suptitle():
        width = int(72 * figure.get_figwidth() / (0.62 * _TITLE))
        figure.suptitle(textwrap.fill(spec.message, width), fontsize=_TITLE, weight="bold")
    _sign(figure, spec.small_print)
    return figure


def files(figure: Figure, name: str) -> dict[str, bytes]:
    """The PNG and the PDF file of a figure, by their names."""
    return {f"{name}.png": to_png(figure), f"{name}.pdf": to_pdf(figure)}


def _sign(figure: Figure, words: str) -> None:
    """Add a strip with the words below the figure, which keeps its own size."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(words, int(72 * (width - 0.2) / _CHARACTER))
    strip = (_LINE * len(lines) + 6) / 72
    share = strip / (height + strip)
    figure.set_size_inches(width, height + strip)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, share, 1, 1 - share))
        # Here, not in every drawing; a legend outside the panels is given room only while it has no anchor. The second
        # time labels that stand beside a panel have the size that the first one left them.
        for _ in range(2):
            engine.execute(figure)
        figure.set_layout_engine(None)
    else:
        for axis in figure.axes:
            place = axis.get_position()
            axis.set_position((place.x0, share + place.y0 * (1 - share), place.width, place.height * (1 - share)))
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, share, 1, 1 - share), transform=figure.transFigure)
    figure.text(
        0.1 / width,
        4 / 72 / (height + strip),
        "\n".join(lines),
        fontsize=_SIZE,
        color="0.35",
        va="bottom",
        gid="source",
    )
