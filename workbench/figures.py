"""Figures as files."""

import io

import matplotlib
from matplotlib.figure import Figure


def to_png(figure: Figure) -> bytes:
    """The figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """The figure as PDF with its text as text, the same bytes for the same figure."""
    buffer = io.BytesIO()
    # Type 42: whole outlines, which can be searched and edited; Type 3 is refused by some publishers.
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(
            buffer, format="pdf", dpi=150, metadata={"CreationDate": None, "Creator": None, "Producer": None}
        )
    return buffer.getvalue()
