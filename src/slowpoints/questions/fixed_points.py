"""Where the network stands still, or nearly so, when nothing is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from slowpoints.dynamics import Status, principal_components
from slowpoints.dynamics.manifold import LINE_COVERAGE, LINE_VARIANCE
from slowpoints.dynamics.shape import BINS, FEWEST_POINTS, find_coverage, find_range
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.style import DIVERGING, POSITIVE, VISITED, Arrays, Drawing, label_plane, panels, power_of_ten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.dynamics import FixedPoints
    from slowpoints.questions.dissection import Dissection

SHOWN = 20_000  # visited states kept for the figure
PANELS = {"slow_": "slow points", "": "fixed points"}


def draw_fixed_points(figure: FigureBase, arrays: Arrays) -> None:
    """Draw slow points and fixed points, coloured by what they are read out as, over the states that are visited.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `visited_plane (state, 2)`, `variance_explained (2,)`; of the fixed points `plane (point, 2)`, `logit (point,)`,
        `status (point,)`, `outside (point,)` and `tolerance ()`, and the same of the slow points, `slow_plane` and so
        on. Where `outside` is missing, as in older records, their status alone says which are found. Where `logit` is
        missing, since there are not two classes, points have one colour.
    """
    axes_of = dict(zip(PANELS, panels(figure, 1, 2, shared=True), strict=True))
    found = {prefix: _found(arrays, prefix) for prefix in PANELS}
    scale = _scale(arrays, found)
    for prefix, axes in axes_of.items():
        _draw_panel(axes, arrays, prefix, found[prefix], scale)
        tolerance = power_of_ten(float(arrays[f"{prefix}tolerance"]))
        axes.set_title(f"{found[prefix].sum()} {PANELS[prefix]} (q < {tolerance})")
        label_plane(axes, arrays["variance_explained"], left=axes is axes_of["slow_"])
    if scale is not None:
        figure.colorbar(scale, ax=list(axes_of.values()), label="readout at the point (logit; above 0: positive)")
    first = axes_of["slow_"]
    first.scatter([], [], s=12, color=VISITED, label="visited states")  # a larger dot for the legend
    first.legend(loc="best", frameon=False)


def _scale(arrays: Arrays, found: Mapping[str, np.ndarray]) -> ScalarMappable | None:
    """Return the colours of logits, those of all points that were found; None where points have none."""
    if "logit" not in arrays:
        return None
    reach = max(np.abs(arrays[f"{prefix}logit"][mask]).max(initial=0.1) for prefix, mask in found.items())
    return ScalarMappable(Normalize(-reach, reach), DIVERGING)


def _found(arrays: Arrays, prefix: str) -> np.ndarray:
    converged: np.ndarray = arrays[f"{prefix}status"] == Status.CONVERGED
    outside = arrays[f"{prefix}outside"] if f"{prefix}outside" in arrays else np.zeros_like(converged)
    return converged & ~outside


def _draw_panel(axes: Axes, arrays: Arrays, prefix: str, mask: np.ndarray, scale: ScalarMappable | None) -> None:
    visited, plane = arrays["visited_plane"], arrays[f"{prefix}plane"][mask]
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    colours = POSITIVE if scale is None else scale.to_rgba(arrays[f"{prefix}logit"][mask])
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=18, edgecolors="black", linewidths=0.4)


FIGURES = {
    "fixed_points": Drawing(draw_fixed_points, 9.5, 4.4, "Slow points and fixed points"),
}


class FixedPointQuestion(Question):
    """Searches for fixed points under zero input from visited states (Maheswaranathan et al. 2019, section 3).

    Each search stops as soon as the speed q is below a tolerance, and what is seen depends on where: at the larger one
    points on a slow manifold stay where they are (*slow points*), at the smaller one they have slid along it into the
    nearest *fixed point*. Both are reported.

    Metrics of the fixed points: `count` (that converged within the visited region), `starts`, `converged_share`,
    `outside_share`, `q_median`, `q_max`, `displacement_median` (as a share of the visited states' spread),
    `line_variance` (share of the points' variance in one dimension), `coverage` (share of 20 bins along that dimension,
    over the middle 90 % of the visited states, that hold points: both as of the manifold), and of two classes
    `logit_min` and `logit_max` (what the points are read out as); and the same of the slow points, as `slow_count` and
    so on. Metrics that need points that were not found are left out.
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
        metrics |= {
            "q_median": float(found.speed.median()),
            "q_max": float(found.speed.max()),
            "displacement_median": float(found.displacement.median()) / spread,
        }
        if dissection.of_two_classes:
            logits = dissection.logits(found.location)
            metrics |= {"logit_min": float(logits.min()), "logit_max": float(logits.max())}
    return metrics | _line(dissection, found) if len(found) >= FEWEST_POINTS else metrics


def _line(dissection: Dissection, found: FixedPoints) -> dict[str, float]:
    axis = principal_components(found.location)
    visited = axis.project(dissection.states.double(), 1).cpu().numpy()
    ends = find_range(visited)
    covered = 0.0 if ends is None else find_coverage(axis.project(found.location, 1).cpu().numpy(), visited, ends)
    return {"line_variance": float(axis.explained[0]), "coverage": covered}


def _plane(dissection: Dissection) -> dict[str, np.ndarray]:
    components = dissection.components
    shown = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    return {
        "visited_plane": components.project(shown.double(), 2).cpu().numpy(),
        "variance_explained": components.explained[:2].cpu().numpy(),
    }


def _arrays(dissection: Dissection, points: FixedPoints) -> dict[str, np.ndarray]:
    logits = {"logit": dissection.logits(points.location).cpu().numpy()} if dissection.of_two_classes else {}
    return {
        **points.arrays(),
        **logits,
        "plane": dissection.components.project(points.location, 2).cpu().numpy(),
        "tolerance": np.array(points.tolerance),
    }


def _sentence(points: FixedPoints, metrics: dict[str, float]) -> str:
    text = f"{metrics['count']:.0f} of {metrics['starts']:.0f} points came to q < {points.tolerance:g}"
    if "coverage" not in metrics:
        return f"{text}: too few to say how they lie."
    share, coverage = metrics["line_variance"], metrics["coverage"]
    text += (
        f", {_shape(share, coverage)}: {share:.0%} of their variance lies in one dimension, they cover {coverage:.0%} "
        "of the visited range along it"
    )
    if "logit_min" not in metrics:
        return f"{text}."
    return f"{text}, and are read out as logits from {metrics['logit_min']:.1f} to {metrics['logit_max']:.1f}."


def _shape(share: float, coverage: float) -> str:
    if coverage <= 1 / BINS:
        return "all in about the same place"
    if coverage < LINE_COVERAGE:
        return "in separate places, not along a line"
    return "along a line" if share >= LINE_VARIANCE else "not along a line"
