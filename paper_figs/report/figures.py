"""The figures of the page, and where each stands."""

import base64
import dataclasses
import struct
from collections.abc import Sequence
from fnmatch import fnmatchcase

from sims.theorems.table import STATEMENTS

# Section to the names of its figures, as patterns; a figure stands in the first section that has it.
SECTIONS = {
    "added": ("added*",),
    "audit": ("audit*",),
    "C1": ("common_counter*", "photo_counts*", "class_drops*"),
    "C2": ("effective_robustness*", "forest*"),
    "C3": ("model_size*", "same_data*", "backbones*"),
    "C4": ("data_size*", "same_backbone*"),
    "C5": ("filtered*",),
    "C6": ("lvlm*",),
    "C7": ("theorem62", "printed_bound*", "boundary", "phase_diagram*", "convergence*", "captions_prompts*"),
    "C8": ("colored_*", "multicolored_*"),
    "C9": ("other_shifts*",),
    "reliance": ("reliance*", "digits_reliance*"),
    "synthetic": ("contrastive*",),
}
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclasses.dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Attributes:
        name: as `python -m paper_figs --list` gives it.
        caption: what it shows, in a sentence.
        source: the files or tables that it is drawn from.
        png: the image.
        alt: what a reader who cannot see it should know.
    """

    name: str
    caption: str
    source: str
    png: bytes
    alt: str

    @property
    def uri(self) -> str:
        """The image as a data: URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the image's header.

        Raises:
            ValueError: the image is no PNG.
        """
        if not self.png.startswith(_PNG) or len(self.png) < 24:
            raise ValueError(f"figure {self.name}: is no PNG")
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


def arrange(figures: Sequence[PageFigure]) -> dict[str, list[PageFigure]]:
    """Sort figures into the sections of the page, in their order.

    `statements` has those of statements that no section has, `further` the others that none has; `elsewhere` names
    again the figures of statements that stand in a section.
    """
    places: dict[str, list[PageFigure]] = {name: [] for name in (*SECTIONS, "statements", "further", "elsewhere")}
    for figure in figures:
        section = _section(figure.name)
        places[section].append(figure)
        if figure.name in STATEMENTS and section != "statements":
            places["elsewhere"].append(figure)
    return places


def _section(name: str) -> str:
    for section, patterns in SECTIONS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return section
    return "statements" if name in STATEMENTS else "further"
