"""Networks side by side: four rows of panels, a column for each (Fig. 6 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from slowpoints.report.style import (
    ALONG,
    EXAMPLES,
    MODES,
    NEUTRAL,
    VALENCES,
    VISITED,
    Arrays,
    growing_modes,
    new_figure,
    panels,
    place_name,
    scatter_time_constants,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN, ROW = 2.1, 2.1  # inches
ROWS = (
    ("manifold", "PC 2 of visited states"),
    ("modes", "imaginary part"),
    ("modes", "time constant (tokens)"),
    ("inputs", "words"),
)


def draw_comparison(networks: Mapping[str, Mapping[str, Arrays]]) -> Figure:
    """Draw where each network is slow, its eigenvalues, its time constants, and what words do to it.

    Parameters
    ----------
    networks
        By name: by analysis the arrays of `manifold`, `modes` and `inputs`, as far as a network has them.
    """
    figure = new_figure(COLUMN * len(networks) + 0.8, ROW * len(ROWS) + 0.4)
    axes = np.array(panels(figure, len(ROWS), len(networks))).reshape(len(ROWS), -1)
    draw = (_draw_points, _draw_eigenvalues, _draw_time_constants, _draw_projections)
    for column, (name, arrays) in enumerate(networks.items()):
        axes[0, column].set_title(name, fontweight="bold", parse_math=False)
        for row, (analysis, _) in enumerate(ROWS):
            panel: Axes = axes[row, column]
            panel.tick_params(which="both", labelsize="x-small")
            if analysis in arrays:
                draw[row](panel, arrays[analysis])
            else:
                panel.text(0.5, 0.5, "no answer", ha="center", color=NEUTRAL, transform=panel.transAxes)
    for row, (_, label) in enumerate(ROWS):
        axes[row, 0].set_ylabel(label, fontsize="small")
    _align(axes[2])
    _add_legend(axes[3], loc="upper left")
    _add_legend(axes[2], markerscale=3)
    return figure


def _align(row: np.ndarray) -> None:
    """Give panels with content the same vertical scale, so that heights can be compared across columns."""
    drawn = [panel for panel in row if panel.collections]
    for panel in drawn[1:]:
        panel.sharey(drawn[0])
    if drawn:
        drawn[0].autoscale(axis="y")


def _add_legend(row: np.ndarray, **where: Any) -> None:
    """Explain the colours in the first panel that has something to explain."""
    for panel in row:
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False, fontsize="x-small", **where)
            return


def _draw_points(axes: Axes, arrays: Arrays) -> None:
    visited, plane = arrays["visited_plane"], arrays["plane"]
    axes.scatter(visited[:, 0], visited[:, 1], s=1, color=VISITED, linewidths=0, rasterized=True)
    axes.scatter(plane[:, 0], plane[:, 1], c=arrays["place"], cmap=ALONG, s=5, linewidths=0, rasterized=True)
    axes.set_xlabel("PC 1", fontsize="x-small")


def _draw_eigenvalues(axes: Axes, arrays: Arrays) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color="#BBBBBB", linewidth=0.8)
    for values, colour in zip(arrays["example_spectra"], EXAMPLES, strict=True):
        axes.plot(values.real, values.imag, ".", color=colour, ms=2.5, alpha=0.7, rasterized=True)
    axes.set_aspect("equal")
    axes.set_xlabel("real part", fontsize="x-small")


def _draw_time_constants(axes: Axes, arrays: Arrays) -> None:
    grows = growing_modes(arrays)
    for mode in range(arrays["tau"].shape[1] - 1, -1, -1):
        tau, name = arrays["tau"][:, mode], f"mode {mode + 1}"
        scatter_time_constants(axes, arrays["place"], tau, grows[:, mode], MODES[mode], name, 3)
    axes.set_yscale("log")
    axes.set_xlabel(f"position {place_name(arrays)}", fontsize="x-small")


def _draw_projections(axes: Axes, arrays: Arrays) -> None:
    averaged = arrays["projections"].mean(axis=0)
    bins = np.linspace(averaged.min(), averaged.max(), 30)
    for value, (name, colour) in VALENCES.items():
        heights = np.histogram(averaged[arrays["classes"] == value], bins)[0]
        axes.stairs(heights, bins, color=colour, label=name, linewidth=1.4, linestyle="-" if value else "--")
    axes.margins(y=0.3)  # for the legend
    axes.set_xlabel(r"$\ell_1 \cdot J_{inp}\,x$ (words)", fontsize="x-small")
