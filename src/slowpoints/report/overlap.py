"""Whether the top mode acts along the line (Fig. 4b and 4d of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import EXAMPLES, MODES, NEUTRAL, VISITED, Arrays, Drawing, Place, label_plane, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

ARROW = 0.2  # length of a unit vector in the plane, as a share of the points' extent


def draw_overlap(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the top mode's direction at three points, and the overlaps of modes and of random vectors with the axis.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `points_plane (point, 2)`, `example_plane (3, 2)`, `example_modes_plane (3, 2)`, `axis_plane (2,)`,
        `overlaps (point, mode)`, `random (vector,)`, `explained (component,)`.
    """
    where, counts = panels(figure, 1, 2)
    points = arrays["points_plane"]
    where.scatter(points[:, 0], points[:, 1], s=6, color=VISITED)
    length = ARROW * np.ptp(points, axis=0).max()
    for origin, mode, colour in zip(arrays["example_plane"], arrays["example_modes_plane"], EXAMPLES, strict=True):
        if not np.isfinite(mode).all():  # it cannot be told from others
            continue
        start, end = origin - length * mode, origin + length * mode
        where.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 2})
        where.plot(*origin, "o", color=colour, ms=6)
        where.update_datalim([start, end])
    where.autoscale_view()
    where.set_title("b  top mode $r_1$ at three points", loc="left", fontsize="medium")
    label_plane(where, arrays["explained"])
    bins = np.linspace(0, 1, 41)
    modes = [
        (overlaps, MODES[number], f"mode {number + 1}", ("-", "--", "-.")[number])
        for number, overlaps in enumerate(arrays["overlaps"].T)
    ]
    for values, colour, name, style in [*modes, (arrays["random"], NEUTRAL, "random vectors", ":")]:
        share = np.histogram(values, bins)[0] / max(1, len(values))
        counts.stairs(100 * share, bins, color=colour, label=name, linewidth=1.8, linestyle=style)
    counts.set(xlabel=r"overlap with the points' axis, $|r_a \cdot m|$", ylabel="share of points (%)", xlim=(0, 1))
    counts.set_title("d  overlaps at all points", loc="left", fontsize="medium")
    counts.legend(frameon=False, fontsize="small")


FIGURES = {
    "figure_4bd_overlap": Drawing(draw_overlap, 9.5, 4.2, "4b, d  The top mode and the line", Place((14, 18), (12, 24)))
}
