"""Activity of all units over the first tokens of two documents (Fig. 1 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import NEGATIVE, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def draw_activity(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the units of each document as an image, unit by unit, and the logit above it.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `positive_units (token, hidden)`, `positive_logit (token,)`, and the same with `negative_`.
    """
    upper_left, upper_right, lower_left, lower_right = panels(figure, 2, 2)
    reach = max(np.quantile(np.abs(arrays[f"{name}_units"]), 0.99) for name in ("positive", "negative"))
    columns = (("positive", POSITIVE, upper_left, lower_left), ("negative", NEGATIVE, upper_right, lower_right))
    for name, colour, upper, lower in columns:
        units, logit = arrays[f"{name}_units"], arrays[f"{name}_logit"]
        token = np.arange(1, len(logit) + 1)
        upper.axhline(0, color="#BBBBBB", linewidth=0.8)
        upper.plot(token, logit, color=colour, linewidth=1.5)
        upper.set(title=f"{name} document", xlim=(0.5, len(token) + 0.5), xticklabels=[])
        image = lower.imshow(
            units.T,
            aspect="auto",
            cmap="PuOr_r",
            vmin=-reach,
            vmax=reach,
            extent=(0.5, len(token) + 0.5, units.shape[1], 0),
            interpolation="nearest",
        )
        lower.set(xlabel="token")
    upper_left.set_ylabel("readout (logit)")
    lower_left.set_ylabel("hidden unit")
    figure.colorbar(image, ax=[lower_left, lower_right], label="activity")


FIGURES = {"figure_1_activity": Drawing(draw_activity, 9.0, 5.0, "1  Activity of all units", Place((0, 5), (0, 12)))}
