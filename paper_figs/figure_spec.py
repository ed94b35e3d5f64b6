"""A figure's entry in the register: what it shows, where that comes from, and how it is drawn."""

import dataclasses
from collections.abc import Callable

from matplotlib.figure import Figure

from paper_figs.context import Context
from paper_figs.saved_result import SavedResult


@dataclasses.dataclass(frozen=True)
class FigureSpec:
    """One figure.

    Attributes:
        name: of its files.
        caption: what it shows, in a sentence without a full stop.
        source: where its numbers come from: tables of the paper, other data, or a saved result.
        intervals: what its intervals are, or why there are none.
        draw: draws it.
        needs: the saved results that it reads.
    """

    name: str
    caption: str
    source: str
    intervals: str
    draw: Callable[[Context], Figure]
    needs: tuple[SavedResult, ...] = ()

    @property
    def small_print(self) -> str:
        """The line under the figure."""
        return f"Source: {self.source}. {self.intervals}."
