"""The points where the network is slow, by their position along the manifold (Fig. 2c of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpoints.report.style import (
    ALONG,
    VISITED,
    Arrays,
    Drawing,
    Place,
    label_plane,
    panels,
    place_label,
    place_name,
    power_of_ten,
)

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def draw_manifold(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the points over the visited states; beside it, theta against the position along the main axis.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `plane (point, 2)`, `theta (point,)`, `place (point,)`, `by_theta ()`, `position (point,)`,
        `visited_plane (state, 2)`, `explained (2,)`, `tolerance ()`, `logit (point,)`.
    """
    axes, beside = panels(figure, 1, 2)
    visited, plane, place = arrays["visited_plane"], arrays["plane"], arrays["place"]
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    points = axes.scatter(
        plane[:, 0], plane[:, 1], c=place, cmap=ALONG, vmin=-1, vmax=1, s=18, edgecolors="black", linewidths=0.3
    )
    axes.set_title(f"{len(place)} points, q < {power_of_ten(float(arrays['tolerance']))}", fontsize="medium")
    label_plane(axes, arrays["explained"])
    figure.colorbar(points, ax=axes, label=place_label(arrays))
    beside.scatter(arrays["position"], arrays["theta"], c=place, cmap=ALONG, vmin=-1, vmax=1, s=10)
    beside.set(xlabel="position along the points' main axis m", ylabel=r"$\theta$ (locally linear embedding)")
    inset = beside.inset_axes((0.62, 0.16, 0.36, 0.34))
    inset.scatter(place, arrays["logit"], c=place, cmap=ALONG, vmin=-1, vmax=1, s=3)
    inset.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
    inset.set_xlabel(place_name(arrays), fontsize="x-small")
    inset.set_title("readout (logit)", fontsize="x-small")
    inset.tick_params(labelsize="x-small")


FIGURES = {
    "figure_2c_manifold": Drawing(
        draw_manifold, 9.5, 4.2, "2c  Points where the network is slow", Place((5, 10), (12, 24))
    )
}
