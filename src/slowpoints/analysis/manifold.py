"""Whether the points where the network is slow lie along a line, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.analysis.analysis import Findings
from slowpoints.dynamics.embedding import rank_correlation
from slowpoints.figures.manifold import FIGURES

if TYPE_CHECKING:
    from slowpoints.analysis.dissection import Dissection

SHOWN = 20_000  # visited states kept for the figure


class ManifoldAnalysis:
    """Finds the main axis m of the points and each one's position theta (Maheswaranathan et al. 2019, Fig. 2c).

    Metrics: `line_variance` (share of the points' variance along m), `participation_ratio`, `coverage` (share of 20
    stretches of m, over the middle 90 % of the visited states, that hold points), `agreement` (rank correlation of
    theta and the position along m), `pc_agreement` (of theta and the position along the visited states' first
    principal component), `stability` (of theta, over numbers of neighbours), `state_variance` (share of the points'
    variance that the states' first two components capture), `readout_alignment` (|cos| of m and the readout),
    `logit_min`, `logit_max`, `is_line` (1 or 0; two pieces with a gap of more than a quarter of m are none).
    """

    name = "manifold"

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
            "tolerance": np.array(dissection.points.tolerance),
        }
        sentence = (
            f"{_capital(str(manifold))}. Its axis and the readout have |cos| = {metrics['readout_alignment']:.2f}, and "
            f"the points are read out as logits from {logits.min():z.1f} to {logits.max():z.1f}."
        )
        return Findings(sentence, metrics, arrays, FIGURES)


def _shown(dissection: Dissection) -> np.ndarray:
    states = dissection.states[:: -(-len(dissection.states) // SHOWN)]
    shown: np.ndarray = dissection.components.project(states.double(), 2).cpu().numpy()
    return shown


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
