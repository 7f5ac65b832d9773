"""Slow and fixed points in the plane of the visited states' first two principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from slowpoints.dynamics import Status
from slowpoints.report.style import DIVERGING, VISITED, Arrays, Drawing, label_plane, panels, power_of_ten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

PANELS = {"slow_": "slow points", "": "fixed points"}


def draw_fixed_points(figure: FigureBase, arrays: Arrays) -> None:
    """Draw slow points and fixed points, coloured by what they are read out as, over the states that are visited.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `visited_plane (state, 2)`, `variance_explained (2,)`; of the fixed points `plane (point, 2)`, `logit (point,)`,
        `status (point,)`, `outside (point,)` and `tolerance ()`, and the same of the slow points, `slow_plane` and so
        on. Where `outside` is missing, as in older records, their status alone says which are found.
    """
    axes_of = dict(zip(PANELS, panels(figure, 1, 2, shared=True), strict=True))
    found = {prefix: _found(arrays, prefix) for prefix in PANELS}
    reach = max((np.abs(arrays[f"{prefix}logit"][mask]).max(initial=0.1) for prefix, mask in found.items()))
    scale = ScalarMappable(Normalize(-reach, reach), DIVERGING)
    for prefix, axes in axes_of.items():
        _draw_panel(axes, arrays, prefix, found[prefix], scale)
        tolerance = power_of_ten(float(arrays[f"{prefix}tolerance"]))
        axes.set_title(f"{found[prefix].sum()} {PANELS[prefix]} (q < {tolerance})")
        label_plane(axes, arrays["variance_explained"], left=axes is axes_of["slow_"])
    figure.colorbar(scale, ax=list(axes_of.values()), label="readout at the point (logit; above 0: positive)")
    first = axes_of["slow_"]
    first.scatter([], [], s=12, color=VISITED, label="visited states")  # a larger dot for the legend
    first.legend(loc="best", frameon=False)


def _found(arrays: Arrays, prefix: str) -> np.ndarray:
    converged: np.ndarray = arrays[f"{prefix}status"] == Status.CONVERGED
    outside = arrays[f"{prefix}outside"] if f"{prefix}outside" in arrays else np.zeros_like(converged)
    return converged & ~outside


def _draw_panel(axes: Axes, arrays: Arrays, prefix: str, mask: np.ndarray, scale: ScalarMappable) -> None:
    visited, plane = arrays["visited_plane"], arrays[f"{prefix}plane"][mask]
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    colours = scale.to_rgba(arrays[f"{prefix}logit"][mask])
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=18, edgecolors="black", linewidths=0.4)


FIGURES = {"fixed_points": Drawing(draw_fixed_points, 9.5, 4.4, "Slow points and fixed points")}
