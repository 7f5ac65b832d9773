"""One look for every figure: legible, consistent, and readable by colour-blind people."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with every common colour blindness.
POSITIVE, NEGATIVE, NEUTRAL = "#0072B2", "#D55E00", "#8C8C8C"
DIVERGING = LinearSegmentedColormap.from_list("valence", [NEGATIVE, "#F2F2F2", POSITIVE])
VISITED = "#D9D9D9"


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of this size in inches with panels that share their axes; it needs no display."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, columns, sharex=True, sharey=True, squeeze=False)[0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def power_of_ten(value: float) -> str:
    """Return a number such as 1e-8 as it is typeset."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"$10^{{{int(exponent)}}}$" if mantissa == "1" else f"${mantissa} \\times 10^{{{int(exponent)}}}$"
