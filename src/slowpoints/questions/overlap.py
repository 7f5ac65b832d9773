"""Whether the slowest mode acts along the line of points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.dynamics import mode_overlaps, random_overlaps
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.style import EXAMPLES, MODES, NEUTRAL, VISITED, Arrays, Drawing, Place, label_plane, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

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
    "figure_4bd_overlap": Drawing(
        draw_overlap, 9.5, 4.2, "4b, d  The top mode and the line", Place((14, 18), (12, 24))
    ),
}


class OverlapQuestion(Question):
    """Compares the right vectors r_a with the points' axis m (Maheswaranathan et al. 2019, Fig. 4b and 4d).

    Points whose top mode cannot be trusted are left out.

    Metrics: `r1_m_median`, `r2_m_median`, `r3_m_median` (medians of |r_a . m| over points), `r1_m_low` (10 % quantile),
    `random_median` and `random_high` (median and 95 % quantile of random unit vectors), `above_chance_share` (share of
    all points, also of those that are left out otherwise, at which |r_1 . m| exceeds `random_high`).
    """

    name = "overlap"
    figures = FIGURES
    claims = (
        Claim(
            "acts_along_line",
            "Integrated along the line: at every point the top mode moves the state along it",
            (Condition("overlap/r1_m_median", 0.7, 0.4), Condition("overlap/above_chance_share", 1.0, 0.9)),
        ),
    )
    columns = (
        Column("overlap/r1_m_median", "|r1 . m|", ".2f", "high"),
        Column("overlap/random_median", "... random", ".2f", "low"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the overlaps at every point, and those of random vectors."""
        linear, manifold = dissection.linearization, dissection.manifold
        overlaps = mode_overlaps(linear, manifold.axis)[dissection.trusted].cpu().numpy()
        overlaps = overlaps[:, np.isfinite(overlaps).any(axis=0)]
        chance = random_overlaps(linear.location.shape[1], seed=dissection.seed).numpy()
        metrics = {f"r{n + 1}_m_median": float(np.nanmedian(overlaps[:, n])) for n in range(overlaps.shape[1])}
        metrics |= {
            "r1_m_low": float(np.nanquantile(overlaps[:, 0], 0.1)),
            "random_median": float(np.median(chance)),
            "random_high": float(np.quantile(chance, 0.95)),
        }
        metrics["above_chance_share"] = float((overlaps[:, 0] > metrics["random_high"]).sum() / len(linear))
        components = dissection.components.components[:2]
        right = linear.modes.right[dissection.examples, 0].real.to(components) @ components.T
        arrays = {
            "overlaps": overlaps,
            "random": chance,
            "points_plane": dissection.components.project(linear.location, 2).cpu().numpy(),
            "example_plane": dissection.components.project(linear.location[dissection.examples], 2).cpu().numpy(),
            "example_modes_plane": right.cpu().numpy(),
            "axis_plane": (components @ manifold.axis.to(components)).cpu().numpy(),
            "explained": dissection.components.explained[:2].cpu().numpy(),
        }
        sentence = (
            f"The top mode acts along the points' axis with |r_1 . m| = {metrics['r1_m_median']:.2f} (median; random "
            f"vectors: {metrics['random_median']:.2f}){dissection.left_out()}."
        )
        return Findings(sentence, metrics, arrays)
