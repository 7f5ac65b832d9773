"""Dimensions of the visited states, before and after training (Fig. 2a of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import NEUTRAL, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

SHOWN = 50  # components
INSET = 10


def draw_dimensions(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the cumulative share of variance by number of components; the inset has each component's own share.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `explained (component,)` and `untrained_explained (component,)`.
    """
    (axes,) = panels(figure)
    inset = axes.inset_axes((0.5, 0.14, 0.46, 0.4))
    for prefix, label, colour, style in (("", "trained", POSITIVE, "-"), ("untrained_", "untrained", NEUTRAL, "--")):
        share = 100 * arrays[f"{prefix}explained"]
        number = np.arange(1, len(share) + 1)
        axes.plot(number[:SHOWN], share.cumsum()[:SHOWN], style, marker="o", ms=3, color=colour, label=label)
        inset.plot(number[:INSET], share[:INSET], style, marker="o", ms=3, color=colour)
    axes.axhline(90, color="#BBBBBB", linewidth=0.8, zorder=0)
    axes.set(xlabel="number of principal components", ylabel="variance explained (%)", ylim=(0, 102))
    axes.legend(loc="lower left", frameon=False)
    inset.set_xlabel("component", fontsize="x-small")
    inset.set_title("its own share (%)", fontsize="x-small")
    inset.tick_params(labelsize="x-small")


FIGURES = {"figure_2a_dimensions": Drawing(draw_dimensions, 5.0, 4.0, "2a  Dimensions", Place((0, 5), (12, 18)))}
