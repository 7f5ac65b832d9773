"""Slow and fixed points in the plane of the visited states' first two principal components (Fig. 2c of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from slowpoints.dynamics import Status
from slowpoints.figures.style import DIVERGING, VISITED, new_figure, power_of_ten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"slow_": "slow points", "": "fixed points"}


def draw_fixed_points(arrays: Mapping[str, np.ndarray]) -> Figure:
    """Draw slow points and fixed points, coloured by what they are read out as, over the states that are visited.

    Parameters
    ----------
    arrays
        `visited_plane (state, 2)`, `variance_explained (2,)`; of the fixed points `plane (point, 2)`, `logit (point,)`,
        `status (point,)` and `tolerance ()`, and the same of the slow points, `slow_plane` and so on.
    """
    figure, panels = new_figure(9.5, 4.4, columns=2)
    found = {prefix: arrays[f"{prefix}status"] == Status.CONVERGED for prefix in PANELS}
    reach = max((np.abs(arrays[f"{prefix}logit"][mask]).max(initial=0.1) for prefix, mask in found.items()))
    scale = ScalarMappable(Normalize(-reach, reach), DIVERGING)
    for axes, (prefix, name) in zip(panels, PANELS.items(), strict=True):
        _draw_panel(axes, arrays, prefix, found[prefix], scale)
        tolerance = power_of_ten(float(arrays[f"{prefix}tolerance"]))
        axes.set_title(f"{found[prefix].sum()} {name} (q < {tolerance})")
    figure.colorbar(scale, ax=panels, label="readout at the point (logit; above 0: positive)")
    first, second = 100 * arrays["variance_explained"]
    panels[0].set_ylabel(f"second principal component ({second:.0f} %)")
    for axes in panels:
        axes.set_xlabel(f"first principal component ({first:.0f} % of variance)")
    panels[0].scatter([], [], s=12, color=VISITED, label="visited states")  # a larger dot for the legend
    panels[0].legend(loc="best", frameon=False)
    return figure


def _draw_panel(
    axes: Axes, arrays: Mapping[str, np.ndarray], prefix: str, mask: np.ndarray, scale: ScalarMappable
) -> None:
    visited, plane = arrays["visited_plane"], arrays[f"{prefix}plane"][mask]
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    colours = scale.to_rgba(arrays[f"{prefix}logit"][mask])
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=18, edgecolors="black", linewidths=0.4)
