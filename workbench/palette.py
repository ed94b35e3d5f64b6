"""The colours of all figures, and the sizes of their text.

The first eight are those of Okabe and Ito, *Color Universal Design* (2008), which readers with every kind of colour
vision can tell apart.
"""

from typing import Any

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

# For series in turn: light and dark alternate, for print.
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILION, BLACK)

# Further colours, if eight are too few.
BROWN = "#8B4513"
OCHRE = "#A6761D"
INDIGO = "#5E3C99"
WINE = "#882255"
TEAL = "#44AA99"
MAGENTA = "#AA4499"
FOREST = "#117733"
PALE_GREEN = "#CFE8DE"
DARK_GREY = "#555555"
GREY = "#999999"
LIGHT_GREY = "#CCCCCC"

# Points, of text for which a drawing names none; `matplotlib.rc_context(TEXT_SIZES)` draws with them.
TEXT_SIZES: Any = {
    "font.size": 8.5,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
}
