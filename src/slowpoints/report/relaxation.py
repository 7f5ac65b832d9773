"""How the network comes to rest without input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def draw_relaxation(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the relative change of the state within a token, by token.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `quantiles (3, token)`: 10, 50 and 90 % over states.
    """
    (axes,) = panels(figure)
    low, median, high = 100 * arrays["quantiles"]
    token = np.arange(1, len(median) + 1)
    axes.fill_between(token, low, high, color=POSITIVE, alpha=0.25, linewidth=0, label="10 to 90 % of states")
    axes.plot(token, median, color=POSITIVE, label="median")
    axes.set(xlabel="tokens without input", ylabel="change of the state per token (% of its norm)", yscale="log")
    axes.legend(frameon=False)


FIGURES = {"relaxation": Drawing(draw_relaxation, 4.6, 3.8, "Relaxation without input", Place((0, 5), (18, 24)))}
