"""Where the network all but stands still while its input says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from slowpoints.dynamics import InvalidInput, Status, drift, find_manifold
from slowpoints.dynamics.manifold import LINE_COVERAGE, LINE_VARIANCE
from slowpoints.dynamics.shape import BINS, FEWEST_POINTS
from slowpoints.questions.question import Column, Findings, Question
from slowpoints.report.style import DIVERGING, POSITIVE, VISITED, Arrays, Drawing, label_plane, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.dynamics import FixedPoints
    from slowpoints.questions.dissection import Dissection

SHOWN = 20_000  # visited states kept for the figure
COLUMNS = 2  # of panels


def draw_fixed_points(figure: FigureBase, arrays: Arrays) -> None:
    """Draw what is found at each level of slowness, coloured by what it is read out as, over the states visited.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `visited_plane (state, 2)`, `variance_explained (2,)`; `level_names (level,)`, `level_plane (level, point, 2)`,
        `level_found (level, point)`, which says whether a search came there, and `level_logit (level, point)`; where
        that is missing, since there are not two classes, points have one colour.
    """
    names, found, logits = arrays["level_names"].tolist(), arrays["level_found"], arrays.get("level_logit")
    scale = None if logits is None else _scale(logits[found])
    columns = min(COLUMNS, len(names))
    axes_of = panels(figure, -(-len(names) // columns), columns, shared=True)
    for axes in axes_of[len(names) :]:
        axes.set_axis_off()
    for number, (axes, name) in enumerate(zip(axes_of, names, strict=False)):
        mask = found[number]
        colours = POSITIVE if scale is None or logits is None else scale.to_rgba(logits[number][mask])
        _draw_panel(axes, arrays["visited_plane"], arrays["level_plane"][number][mask], colours)
        axes.set_title(f"{mask.sum()} of {len(mask)}: {name}", fontsize="medium")
        label_plane(axes, arrays["variance_explained"])
        axes.label_outer()
    if scale is not None:
        figure.colorbar(scale, ax=axes_of, label="readout at the point (logit; above 0: positive)")
    axes_of[0].scatter([], [], s=12, color=VISITED, label="visited states")  # a larger dot for the legend
    axes_of[0].legend(loc="best", frameon=False)


def _scale(logits: np.ndarray) -> ScalarMappable:
    reach = np.abs(logits).max(initial=0.1)
    return ScalarMappable(Normalize(-reach, reach), DIVERGING)


def _draw_panel(axes: Axes, visited: np.ndarray, plane: np.ndarray, colours: str | np.ndarray) -> None:
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    axes.scatter(plane[:, 0], plane[:, 1], c=colours, s=18, edgecolors="black", linewidths=0.4)


FIGURES = {
    "fixed_points": Drawing(draw_fixed_points, 9.5, 7.6, "Points at each level of slowness"),
}


class FixedPointQuestion(Question):
    """Searches for fixed points under the neutral input from visited states (Maheswaranathan et al. 2019, section 3).

    A point's relative speed is how far the network moves from it in a step, as a share of how far it moves with a word
    (median). Each search stops as soon as that is below a level, and what is seen depends on where: at the larger ones
    points on a slow manifold stay where they are (*slow points*), at the smallest one they have slid along it into the
    nearest *fixed point*. All levels are drawn, and two reported.

    Metrics: `typical_step` (that median); of the fixed points `count` (that converged within the visited region),
    `starts`, `converged_share`, `outside_share`, `relative_speed_median`, `q_median`, `q_max` (of `||h - F(h, x*)||^2 /
    N`), `displacement_median` (as a share of the visited states' spread), `line_variance`, `coverage` (see
    `ManifoldQuestion`), `drift_share`, `drift_share_max` (how far a point moves under the neutral input in as many
    steps as the median document has, as a share of the points' extent; median and largest), `drift_logit` (median
    change of what it is read out as), `logit_min` and `logit_max` (what the points are read out as); and the same of
    the slow points, as `slow_count` and so on. Metrics that need points that were not found are left out.
    """

    name = "fixed_points"
    figures = FIGURES
    columns = (
        Column("fixed_points/starts", "searches", ".0f", "about 500"),
        Column("fixed_points/slow_count", "slow points", ".0f"),
        Column("fixed_points/count", "fixed points", ".0f", "nearly all"),
        Column("fixed_points/slow_drift_share", "drift in a document", ".0%"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return counts, slowness, drift and the figure of the points in the plane of the states' components."""
        levels = {
            "slow_": (dissection.sampling.slow, dissection.slow_points),
            "": (dissection.sampling.fixed, dissection.fixed_points),
        }
        metrics = {"typical_step": dissection.typical_step}
        arrays = _plane(dissection) | _levels(dissection)
        sentences = []
        for prefix, (level, points) in levels.items():
            measured = _measure(dissection, points)
            metrics |= {f"{prefix}{name}": value for name, value in measured.items()}
            arrays |= {f"{prefix}{name}": value for name, value in points.arrays().items()}
            arrays[f"{prefix}relative_speed"] = points.relative_speed.cpu().numpy()
            sentences.append(_sentence(dissection, level, measured))
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
            "relative_speed_median": float(found.relative_speed.median()),
            "q_median": float(found.q.median()),
            "q_max": float(found.q.max()),
            "displacement_median": float(found.displacement.median()) / spread,
        }
        if dissection.of_two_classes:
            logits = dissection.logits(found.location)
            metrics |= {"logit_min": float(logits.min()), "logit_max": float(logits.max())}
    return metrics | _line(dissection, found) if len(found) >= FEWEST_POINTS else metrics


def _line(dissection: Dissection, found: FixedPoints) -> dict[str, float]:
    """Return how points lie, and how far they drift while a document is read that says nothing."""
    try:
        manifold = find_manifold(found, dimension=1, visited=dissection.states)
    except InvalidInput:  # all points are the same
        return {}
    moved = drift(dissection.network.cell, found, dissection.trajectories.median_length)
    share = manifold.share(moved)
    metrics = {
        "line_variance": manifold.line_variance,
        "drift_share": float(share.median()),
        "drift_share_max": float(share.max()),
    }
    if dissection.of_two_classes:
        change = dissection.logits(found.location + moved) - dissection.logits(found.location)
        metrics["drift_logit"] = float(change.abs().median())
    return metrics if manifold.coverage is None else {**metrics, "coverage": manifold.coverage}


def _plane(dissection: Dissection) -> dict[str, np.ndarray]:
    components = dissection.components
    shown = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    return {
        "visited_plane": components.project(shown.double(), 2).cpu().numpy(),
        "variance_explained": components.explained[:2].cpu().numpy(),
    }


def _levels(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return where the searches first came to each level, what is read out there, and which of them did."""
    project = dissection.components.project
    kinds = {dissection.sampling.slow: " (slow)", dissection.sampling.fixed: " (fixed)"}
    found = dissection.found
    came = [(points.status == Status.CONVERGED) & ~points.outside for points in found.values()]
    return {
        "levels": np.array(list(found)),
        "level_names": np.array([f"relative speed < {level:g}{kinds.get(level, '')}" for level in found]),
        "level_plane": np.stack([project(points.location, 2).cpu().numpy() for points in found.values()]),
        **_logits(dissection),
        "level_found": np.stack([each.cpu().numpy() for each in came]),
    }


def _logits(dissection: Dissection) -> dict[str, np.ndarray]:
    if not dissection.of_two_classes:
        return {}
    found = dissection.found.values()
    return {"level_logit": np.stack([dissection.logits(points.location).cpu().numpy() for points in found])}


def _sentence(dissection: Dissection, level: float, metrics: dict[str, float]) -> str:
    text = f"{metrics['count']:.0f} of {metrics['starts']:.0f} searches came to a relative speed below {level:g}"
    if "coverage" not in metrics:
        return f"{text}: too few to say how they lie."
    share, coverage = metrics["line_variance"], metrics["coverage"]
    text += (
        f", {_shape(share, coverage)}: {share:.0%} of their variance lies in one dimension, and they cover "
        f"{coverage:.0%} of the visited range along it. In {dissection.trajectories.median_length} steps of neutral "
        f"input, as many as the median sequence has, they drift by {metrics['drift_share']:.0%} of their extent"
    )
    if "drift_logit" not in metrics:
        return f"{text}."
    return (
        f"{text}, and the logit by {metrics['drift_logit']:.2g}. They are read out as logits from "
        f"{metrics['logit_min']:.1f} to {metrics['logit_max']:.1f}."
    )


def _shape(share: float, coverage: float) -> str:
    if coverage <= 1 / BINS:
        return "all in about the same place"
    if coverage < LINE_COVERAGE:
        return "in separate places, not along a line"
    return "along a line" if share >= LINE_VARIANCE else "not along a line"
