"""Whether the points where the network is slow lie along a line, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.dynamics.embedding import rank_correlation
from slowpoints.dynamics.manifold import LINE_COVERAGE, LINE_VARIANCE
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question
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
)

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

SHOWN = 20_000  # visited states kept for the figure


def draw_manifold(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the points over the visited states; beside it, theta against the position along the main axis.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `plane (point, 2)`, `theta (point,)`, `place (point,)`, `by_theta ()`, `position (point,)`,
        `visited_plane (state, 2)`, `explained (2,)`, `logit (point,)` and `slowness ()`, a text: how slow they are.
    """
    axes, beside = panels(figure, 1, 2)
    visited, plane, place = arrays["visited_plane"], arrays["plane"], arrays["place"]
    axes.scatter(visited[:, 0], visited[:, 1], s=2, color=VISITED, linewidths=0, rasterized=True)
    points = axes.scatter(
        plane[:, 0], plane[:, 1], c=place, cmap=ALONG, vmin=-1, vmax=1, s=18, edgecolors="black", linewidths=0.3
    )
    axes.set_title(f"{len(place)} points, {arrays['slowness']}", fontsize="medium")
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
    ),
}


class ManifoldQuestion(Question):
    """Finds the main axis m of the points and each one's position theta (Maheswaranathan et al. 2019, Fig. 2c).

    Metrics: `line_variance` (share of the points' variance along m), `participation_ratio`, `coverage` (share of 20
    stretches of m, over the middle 90 % of the visited states, that hold points), `gap` (the largest between points
    that follow one another, as a share of that range), `agreement` (rank correlation of
    theta and the position along m), `pc_agreement` (of theta and the position along the visited states' first
    principal component), `stability` (of theta, over numbers of neighbours), `state_variance` (share of the points'
    variance that the states' first two components capture), `readout_alignment` (|cos| of m and the readout),
    `logit_min`, `logit_max`, `is_line` (1 or 0; two pieces with a gap of more than a quarter of m are none).
    """

    name = "manifold"
    figures = FIGURES
    claims = (
        Claim(
            "line",
            "One-dimensional: slow points lie along one line, without a large gap",
            (
                Condition("manifold/line_variance", LINE_VARIANCE, 0.6),
                Condition("manifold/coverage", LINE_COVERAGE, 0.25),
                Condition("manifold/gap", 0.25, 0.35),
            ),
        ),
        Claim(
            "captured_by_states",
            "The line is mostly captured by the states' principal components",
            (Condition("manifold/state_variance", 0.8, 0.6),),
        ),
        Claim(
            "theta_agrees",
            "Locally linear embedding orders the points as their principal components do",
            (
                Condition("manifold/agreement", 0.9, 0.7),
                Condition("manifold/pc_agreement", 0.9, 0.7),
                Condition("manifold/stability", 0.9, 0.7),
            ),
        ),
        Claim(
            "readout_aligned",
            "Aligned: the line points along the readout",
            (Condition("manifold/readout_alignment", 0.8, 0.5),),
        ),
    )
    columns = (
        Column("manifold/line_variance", "line variance", ".0%", "1-D"),
        Column("manifold/coverage", "coverage", ".0%", "whole range"),
        Column("manifold/gap", "largest gap", ".0%", "none"),
        Column("manifold/readout_alignment", "|cos(m, w)|", ".2f", "aligned"),
    )

    def __call__(self, dissection: Dissection) -> Findings:
        """Return theta and the statement whether there is a line."""
        manifold, components = dissection.manifold, dissection.components
        location = dissection.points.location
        assert manifold.theta is not None  # there is one along a single axis
        assert manifold.alignment is not None
        theta = manifold.theta.cpu().numpy()
        plane = components.project(location, 2).cpu().numpy()
        logits = dissection.logits(location).cpu().numpy()
        captured = plane.var(axis=0).sum() / location.var(dim=0, correction=0).sum().item()
        measured = {
            "line_variance": manifold.line_variance,
            "participation_ratio": manifold.components.participation_ratio,
            "coverage": manifold.coverage,
            "gap": manifold.gap,
            "agreement": manifold.agreement,
            "pc_agreement": rank_correlation(theta, plane[:, 0]),
            "stability": manifold.stability,
            "state_variance": float(captured),
            "readout_alignment": float(manifold.alignment[0]),
            "logit_min": float(logits.min()),
            "logit_max": float(logits.max()),
            "is_line": float(manifold.is_line),
        }
        metrics = {name: value for name, value in measured.items() if value is not None}
        arrays = {
            "theta": theta,
            **dissection.places(),
            "position": manifold.position[:, 0].cpu().numpy(),
            "axis": manifold.axis.cpu().numpy(),
            "plane": plane,
            "logit": logits,
            "examples": dissection.examples.cpu().numpy(),
            "visited_plane": _shown(dissection),
            "explained": components.explained[:2].cpu().numpy(),
            "slowness": np.array(f"relative speed < {dissection.level:g}"),
        }
        sentence = (
            f"{_capital(str(manifold))}. Its axis and the readout have |cos| = {metrics['readout_alignment']:.2f}, and "
            f"the points are read out as logits from {logits.min():z.1f} to {logits.max():z.1f}."
        )
        return Findings(sentence, metrics, arrays)


def _shown(dissection: Dissection) -> np.ndarray:
    states = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    shown: np.ndarray = dissection.components.project(states.double(), 2).cpu().numpy()
    return shown


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
