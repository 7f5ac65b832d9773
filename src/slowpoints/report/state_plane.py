"""Visited states by label, in the plane of their first two principal components (Fig. 2b of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb

from slowpoints.report.style import NEGATIVE, POSITIVE, Arrays, Drawing, Place, label_plane, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

CLASSES = {"positive": POSITIVE, "negative": NEGATIVE}


def draw_state_plane(figure: FigureBase, arrays: Arrays) -> None:
    """Draw densities, trajectories, the initial state and the readout; beside it the same network before training.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `density_positive` and `density_negative (bin, bin)`, `edges_1`, `edges_2`, `trajectory_positive_0 (token, 2)`
        and so on, `initial (2,)`, `explained (component,)`, `readout_slope (2,)` and `readout_offset ()`: the logit is
        offset + slope . position; and all but the readout with `untrained_`.
    """
    axes, untrained = panels(figure, 1, 2)
    _draw_density(axes, arrays, "")
    for name, colour in CLASSES.items():
        number = 0
        while f"trajectory_{name}_{number}" in arrays:
            path = np.vstack([arrays["initial"], arrays[f"trajectory_{name}_{number}"]])
            axes.plot(*path.T, color=colour, linewidth=0.8, alpha=0.8)
            axes.plot(*path[-1], "o", color=colour, ms=5, markeredgecolor="white")
            number += 1
        axes.plot([], [], "o-", color=colour, ms=5, label=f"{name} documents")
    axes.plot(*arrays["initial"], "k*", ms=10, label="initial state")
    _draw_readout(axes, arrays)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, frameon=False, fontsize="small")
    label_plane(axes, arrays["explained"])
    _draw_density(untrained, arrays, "untrained_")
    untrained.plot(*arrays["untrained_initial"], "k*", ms=10)
    untrained.set_title("before training", fontsize="medium")
    label_plane(untrained, arrays["untrained_explained"])


def _draw_density(axes: Axes, arrays: Arrays, prefix: str) -> None:
    """Draw both classes in one image: the colour tells their ratio, the strength how often a place is visited."""
    densities = np.stack([arrays[f"{prefix}density_{name}"].T for name in CLASSES])
    densities = densities / densities.sum(axis=(1, 2), keepdims=True).clip(min=1)
    total = densities.sum(axis=0)
    colours = np.array([to_rgb(colour) for colour in CLASSES.values()])
    mixed = np.tensordot(densities / np.where(total > 0, total, 1), colours, axes=(0, 0))
    strength = np.sqrt(total / total.max())[..., None]
    first, second = arrays[f"{prefix}edges_1"], arrays[f"{prefix}edges_2"]
    axes.imshow(
        1 - strength * (1 - mixed),
        origin="lower",
        extent=(first[0], first[-1], second[0], second[-1]),
        aspect="auto",
        interpolation="nearest",
    )


def _draw_readout(axes: Axes, arrays: Arrays) -> None:
    """Draw the readout's direction, and the line on which the logit is zero."""
    slope, offset = arrays["readout_slope"], float(arrays["readout_offset"])
    squared = float(slope @ slope)
    if squared == 0:
        return
    foot = -offset * slope / squared
    along = np.array([-slope[1], slope[0]]) / squared**0.5
    limits = axes.get_xlim(), axes.get_ylim()
    reach = 2 * max(np.ptp(limits[0]), np.ptp(limits[1]))
    axes.plot(*np.stack([foot - reach * along, foot + reach * along]).T, "k--", linewidth=1, label="readout = 0")
    tip = foot + 0.2 * np.ptp(limits[0]) * slope / squared**0.5
    axes.annotate("", (tip[0], tip[1]), (foot[0], foot[1]), arrowprops={"arrowstyle": "->", "linewidth": 1.5})
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.annotate("readout", (tip[0], tip[1]), xytext=(4, 4), textcoords="offset points", fontsize="small", bbox=box)
    axes.set(xlim=limits[0], ylim=limits[1])


FIGURES = {"figure_2b_states": Drawing(draw_state_plane, 9.0, 4.6, "2b  Visited states", Place((5, 10), (0, 12)))}
