"""A figure of the register: what it shows, where that comes from, and what draws it."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from paper_figs.saved_result import SavedResult

if TYPE_CHECKING:  # a list of the figures is there before anything that draws
    from matplotlib.figure import Figure

    from paper_figs.context import Context


@dataclasses.dataclass(frozen=True)
class FigureSpec:
    """The entry of a figure in the register.

    Attributes:
        name: of its files.
        caption: what it shows, in a sentence without a full stop.
        source: where its numbers come from: tables of the paper, other data, or a saved result.
        intervals: what its intervals are, or why there are none.
        draw: draws it; reads and checks the saved results that it needs.
        needs: the saved results that it reads.
        message: what it says, in a few words: its title, where the drawing has none that it takes from the numbers.
    """

    name: str
    caption: str
    source: str
    intervals: str
    draw: "Callable[[Context], Figure]"
    needs: tuple[SavedResult, ...] = ()
    message: str = ""

    @property
    def small_print(self) -> str:
        """The line under the figure."""
        return f"Source: {self.source}. {self.intervals}."
