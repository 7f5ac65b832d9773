"""Where the network stands still when nothing is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.analysis.analysis import Findings
from slowpoints.dynamics import principal_components
from slowpoints.figures.fixed_points import draw_fixed_points

if TYPE_CHECKING:
    from slowpoints.analysis.dissection import Dissection
    from slowpoints.dynamics import FixedPoints

FEW = 10  # fixed points below which no statement about their shape is made
LINE = 0.8  # share of the points' variance in one dimension from which on they may be called a line
BINS = 20  # in which the visited states' range along the points' main axis is divided
COVERED = 0.5  # share of the bins with points from which on the points may be called a line
SHOWN = 20_000  # visited states kept for the figure


class FixedPointAnalysis:
    """Searches for fixed points under zero input from visited states (Maheswaranathan et al. 2019, section 3).

    Metrics: `count` (points that converged within the visited region), `starts`, `converged_share`, `slow_share` (no
    fixed point, but q < 1e-5), `outside_share`; of those that converged `q_median`, `q_max`, `displacement_median` (as
    a share of the visited states' spread), `line_share` (share of their variance in one dimension),
    `coverage` (share of 20 bins along that dimension, over the middle 95 % of the visited states, that hold points),
    `logit_min` and `logit_max` (what they are read out as). Metrics that need points that were not found are left out.
    """

    name = "fixed_points"

    def __call__(self, dissection: Dissection) -> Findings:
        """Return counts, speeds and the figure of the points in the plane of the states' principal components."""
        points = dissection.fixed_points
        found = points.converged
        metrics = _counts(points)
        arrays = _arrays(dissection, points)
        if len(found):
            metrics |= _speeds(found, spread=float(dissection.components.variance.sum().sqrt()))
            logits = dissection.logits(found.location)
            metrics |= {"logit_min": float(logits.min()), "logit_max": float(logits.max())}
        if len(found) >= FEW:
            metrics |= _line(dissection, found)
        return Findings(_sentence(points, metrics), metrics, arrays, {"fixed_points": draw_fixed_points})


def _counts(points: FixedPoints) -> dict[str, float]:
    counts = points.counts()
    return {
        "count": counts["converged"],
        "starts": len(points),
        "converged_share": points.converged_share,
        "slow_share": counts["slow"] / len(points),
        "outside_share": counts["outside"] / len(points),
    }


def _speeds(found: FixedPoints, spread: float) -> dict[str, float]:
    return {
        "q_median": float(found.speed.median()),
        "q_max": float(found.speed.max()),
        "displacement_median": float(found.displacement.median()) / spread,
    }


def _line(dissection: Dissection, found: FixedPoints) -> dict[str, float]:
    axis = principal_components(found.location)
    visited = axis.project(dissection.states.double(), 1).squeeze(1).cpu().numpy()
    low, high = np.quantile(visited, [0.025, 0.975])
    edges = np.linspace(low, high, BINS + 1)
    occupied = np.histogram(axis.project(found.location, 1).squeeze(1).cpu().numpy(), edges)[0] > 0
    return {"line_share": float(axis.explained[0]), "coverage": float(occupied.mean())}


def _arrays(dissection: Dissection, points: FixedPoints) -> dict[str, np.ndarray]:
    """Everything the figure shows, and the points themselves."""
    components = dissection.components
    shown = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    return {
        **points.arrays(),
        "logit": dissection.logits(points.location).cpu().numpy(),
        "plane": components.project(points.location, 2).cpu().numpy(),
        "visited_plane": components.project(shown.double(), 2).cpu().numpy(),
        "variance_explained": components.explained[:2].cpu().numpy(),
        "tolerance": np.array(points.tolerance),
        "slow_tolerance": np.array(points.slow_tolerance),
    }


def _sentence(points: FixedPoints, metrics: dict[str, float]) -> str:
    count, starts = int(metrics["count"]), int(metrics["starts"])
    text = f"{count} of {starts} points came to rest (q < {points.tolerance:g})"
    if count < FEW:
        return f"{text}: too few to say how they lie."
    share, coverage = metrics["line_share"], metrics["coverage"]
    if coverage <= 1 / BINS:
        shape = "all in about the same place"
    elif share >= LINE and coverage >= COVERED:
        shape = "along a line"
    elif coverage < COVERED:
        shape = "in separate places, not along a line"
    else:
        shape = "not along a line"
    return (
        f"{text}, {shape}: {share:.0%} of their variance lies in one dimension, and they cover {coverage:.0%} of the "
        f"visited range along it. They are read out as logits from {metrics['logit_min']:.1f} to "
        f"{metrics['logit_max']:.1f}."
    )
