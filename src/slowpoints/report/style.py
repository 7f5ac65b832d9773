"""One look for every figure: legible, consistent, and readable by colour-blind people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase

from slowpoints.report.marks import NEGATIVE as NEGATIVE
from slowpoints.report.marks import NEUTRAL as NEUTRAL
from slowpoints.report.marks import POSITIVE as POSITIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALENCES = {1: ("positive", POSITIVE), -1: ("negative", NEGATIVE), 0: ("neutral", NEUTRAL)}
EXAMPLES = ("#D55E00", "#000000", "#0072B2")  # three places along a manifold: negative end, middle, positive end
MODES = ("#0072B2", "#009E73", "#CC79A7")  # first, second, third
DIVERGING = LinearSegmentedColormap.from_list("valence", [NEGATIVE, "#F2F2F2", POSITIVE])
ALONG = "cividis"  # position along a manifold
VISITED = "#D9D9D9"

Arrays = Mapping[str, "np.ndarray"]


def place_name(arrays: Arrays) -> str:
    """Return the symbol of places on a manifold: theta, or m where they are positions on its main axis."""
    return r"$\theta$" if arrays["by_theta"] else "m"


def place_label(arrays: Arrays) -> str:
    """Return what places on a manifold are, for an axis."""
    return r"position along the manifold, $\theta$" if arrays["by_theta"] else "position along the main axis m, scaled"


def stretch_of(place: np.ndarray, count: int) -> np.ndarray:
    """Return in which of so many equal stretches of a manifold, numbered from its negative end, each place lies."""
    numbers: np.ndarray = np.clip(((place + 1) / 2 * count).astype(int), 0, count - 1)
    return numbers


@dataclass(frozen=True)
class Place:
    """Where a figure stands on a network's page.

    Attributes
    ----------
    rows, columns
        The first, and the one after the last; rows are an inch high, and there are 24 columns.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn from saved arrays alone.

    Attributes
    ----------
    draw
        Draws onto an empty figure, or onto a part of one.
    width, height
        Size of the figure on its own, in inches.
    title, place
        On the network's page: by default the question's name, and below the figures that have a place.
    """

    draw: Callable[[FigureBase, Arrays], None]
    width: float = 5.0
    height: float = 4.0
    title: str = ""
    place: Place | None = None

    def figure(self, arrays: Arrays) -> Figure:
        """Return the figure on its own; it needs no display."""
        figure = new_figure(self.width, self.height)
        self.draw(figure, arrays)
        return figure


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches; it needs no display."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panels(figure: FigureBase, rows: int = 1, columns: int = 1, *, shared: bool = False) -> list[Axes]:
    """Return axes in a grid, row by row, that share their scales where `shared`."""
    grid = figure.subplots(rows, columns, sharex=shared, sharey=shared, squeeze=False)
    axes: list[Axes] = list(grid.ravel())
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    return axes


def growing_modes(arrays: Arrays) -> np.ndarray:
    """Return which modes `(point, mode)` grow, where eigenvalues are recorded; else none is known to."""
    return np.abs(arrays["eigenvalues"]) > 1 if "eigenvalues" in arrays else np.zeros(arrays["tau"].shape, dtype=bool)


def scatter_time_constants(
    axes: Axes, place: np.ndarray, tau: np.ndarray, grows: np.ndarray, colour: str, label: str, size: float
) -> None:
    """Draw time constants, hollow where the mode grows: that is no memory."""
    axes.scatter(place[~grows], tau[~grows], s=size, color=colour, linewidths=0, label=label, rasterized=True)
    axes.scatter(
        place[grows], tau[grows], s=size, facecolors="none", edgecolors=colour, linewidths=0.5, rasterized=True
    )


def label_plane(axes: Axes, explained: np.ndarray) -> None:
    """Label the axes of the plane of the visited states' first two principal components (shares of the variance)."""
    first, second = 100 * explained[:2]
    axes.set_xlabel(f"PC 1 of visited states ({first:.0f} % of variance)")
    axes.set_ylabel(f"PC 2 ({second:.0f} %)")
