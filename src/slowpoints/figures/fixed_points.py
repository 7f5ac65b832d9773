"""The fixed points in the plane of the visited states' first two principal components (Fig. 2c of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm

from slowpoints.dynamics import Status
from slowpoints.figures.style import DIVERGING, VISITED, new_figure, power_of_ten

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_fixed_points(arrays: Mapping[str, np.ndarray]) -> Figure:
    """Draw fixed points coloured by what they are read out as, over the states that the network visits.

    Parameters
    ----------
    arrays
        `plane (point, 2)`, `logit (point,)`, `status (point,)`, `visited_plane (state, 2)`, `variance_explained (2,)`,
        `tolerance ()`, `slow_tolerance ()`.
    """
    figure, axes = new_figure()
    visited = arrays["visited_plane"]
    axes.scatter(
        visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True, label="visited states"
    )
    plane, logit = arrays["plane"], arrays["logit"]
    slow, fixed = arrays["status"] == Status.SLOW, arrays["status"] == Status.CONVERGED
    norm = TwoSlopeNorm(0, *_symmetric_range(logit[slow | fixed]))
    for mask, marker, size, label in (
        (slow, "s", 12, f"slow points (q < {power_of_ten(float(arrays['slow_tolerance']))})"),
        (fixed, "o", 24, f"fixed points (q < {power_of_ten(float(arrays['tolerance']))})"),
    ):
        if not mask.any():
            continue
        axes.scatter(
            plane[mask, 0],
            plane[mask, 1],
            c=logit[mask],
            cmap=DIVERGING,
            norm=norm,
            marker=marker,
            s=size,
            edgecolors="black",
            linewidths=0.4,
            label=f"{mask.sum()} {label}",
        )
    scale = ScalarMappable(norm, DIVERGING)
    figure.colorbar(scale, ax=axes, label="readout at the point (logit; above 0: positive)")
    first, second = 100 * arrays["variance_explained"]
    axes.set_xlabel(f"first principal component ({first:.0f} % of variance)")
    axes.set_ylabel(f"second principal component ({second:.0f} %)")
    axes.set_title("Fixed points under zero input")
    axes.legend(loc="best", frameon=False)
    return figure


def _symmetric_range(values: np.ndarray) -> tuple[float, float]:
    reach = float(np.abs(values).max()) if len(values) else 1.0
    return -reach or -1.0, reach or 1.0
