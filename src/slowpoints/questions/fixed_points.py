"""Where the network stands still, or nearly so, when nothing is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.dynamics import principal_components
from slowpoints.dynamics.manifold import LINE_COVERAGE, LINE_VARIANCE
from slowpoints.dynamics.shape import BINS, FEWEST_POINTS
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.fixed_points import FIGURES

if TYPE_CHECKING:
    from slowpoints.dynamics import FixedPoints
    from slowpoints.questions.dissection import Dissection

SHOWN = 20_000  # visited states kept for the figure


class FixedPointQuestion(Question):
    """Searches for fixed points under zero input from visited states (Maheswaranathan et al. 2019, section 3).

    Each search stops as soon as the speed q is below a tolerance, and what is seen depends on where: at the larger one
    points on a slow manifold stay where they are (*slow points*), at the smaller one they have slid along it into the
    nearest *fixed point*. Both are reported.

    Metrics of the fixed points: `count` (that converged within the visited region), `starts`, `converged_share`,
    `outside_share`, `q_median`, `q_max`, `displacement_median` (as a share of the visited states' spread), `line_share`
    (share of the points' variance in one dimension), `coverage` (share of 20 bins along that dimension, over the
    middle 95 % of the visited states, that hold points), `logit_min` and `logit_max` (what the points are read out as);
    and the same of the slow points, as `slow_count` and so on. Metrics that need points that were not found are left
    out.
    """

    name = "fixed_points"
    figures = FIGURES
    columns = (
        Column("fixed_points/starts", "searches", ".0f", "about 500"),
        Column("fixed_points/slow_count", "slow points", ".0f"),
        Column("fixed_points/count", "fixed points", ".0f", "nearly all"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return counts, speeds and the figure of the points in the plane of the states' principal components."""
        levels = {"": dissection.fixed_points, "slow_": dissection.slow_points}
        metrics: dict[str, float] = {}
        arrays = _plane(dissection)
        sentences = []
        for prefix, points in levels.items():
            measured = _measure(dissection, points)
            metrics |= {f"{prefix}{name}": value for name, value in measured.items()}
            arrays |= {f"{prefix}{name}": value for name, value in _arrays(dissection, points).items()}
            sentences.append(_sentence(points, measured))
        return Findings(" ".join(sentences), metrics, arrays)


def _measure(dissection: Dissection, points: FixedPoints) -> dict[str, float]:
    found = points.converged
    metrics = {
        "count": float(len(found)),
        "starts": float(len(points)),
        "converged_share": points.converged_share,
        "outside_share": points.counts()["outside"] / len(points),
    }
    if len(found):
        spread = float(dissection.components.variance.sum().sqrt())
        logits = dissection.logits(found.location)
        metrics |= {
            "q_median": float(found.speed.median()),
            "q_max": float(found.speed.max()),
            "displacement_median": float(found.displacement.median()) / spread,
            "logit_min": float(logits.min()),
            "logit_max": float(logits.max()),
        }
    return metrics | _line(dissection, found) if len(found) >= FEWEST_POINTS else metrics


def _line(dissection: Dissection, found: FixedPoints) -> dict[str, float]:
    axis = principal_components(found.location)
    visited = axis.project(dissection.states.double(), 1).squeeze(1).cpu().numpy()
    low, high = np.quantile(visited, [0.025, 0.975])
    position = axis.project(found.location, 1).squeeze(1).cpu().numpy()
    occupied = np.histogram(position, np.linspace(low, high, BINS + 1))[0] > 0
    return {"line_share": float(axis.explained[0]), "coverage": float(occupied.mean())}


def _plane(dissection: Dissection) -> dict[str, np.ndarray]:
    components = dissection.components
    shown = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    return {
        "visited_plane": components.project(shown.double(), 2).cpu().numpy(),
        "variance_explained": components.explained[:2].cpu().numpy(),
    }


def _arrays(dissection: Dissection, points: FixedPoints) -> dict[str, np.ndarray]:
    return {
        **points.arrays(),
        "logit": dissection.logits(points.location).cpu().numpy(),
        "plane": dissection.components.project(points.location, 2).cpu().numpy(),
        "tolerance": np.array(points.tolerance),
    }


def _sentence(points: FixedPoints, metrics: dict[str, float]) -> str:
    text = f"{metrics['count']:.0f} of {metrics['starts']:.0f} points came to q < {points.tolerance:g}"
    if "coverage" not in metrics:
        return f"{text}: too few to say how they lie."
    share, coverage = metrics["line_share"], metrics["coverage"]
    return (
        f"{text}, {_shape(share, coverage)}: {share:.0%} of their variance lies in one dimension, they cover "
        f"{coverage:.0%} of the visited range along it, and are read out as logits from {metrics['logit_min']:.1f} to "
        f"{metrics['logit_max']:.1f}."
    )


def _shape(share: float, coverage: float) -> str:
    if coverage <= 1 / BINS:
        return "all in about the same place"
    if coverage < LINE_COVERAGE:
        return "in separate places, not along a line"
    return "along a line" if share >= LINE_VARIANCE else "not along a line"
