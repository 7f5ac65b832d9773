"""One look for every figure: legible, consistent, and readable by colour-blind people."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with every common colour blindness.
POSITIVE, NEGATIVE, NEUTRAL = "#0072B2", "#D55E00", "#8C8C8C"
DIVERGING = "PuOr_r"  # orange negative, white, purple positive
VISITED = "#D9D9D9"


def new_figure(width: float = 6.0, height: float = 4.5) -> tuple[Figure, Axes]:
    """Return a figure of this size in inches with one pair of axes; it needs no display."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
