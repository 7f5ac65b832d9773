"""Whether it matters that the network is linearised about zero input, and not about the mean embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.dynamics import linearize
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.linearization import some_transitions, step_errors
from slowpoints.questions.question import Column, Findings, Question, Unanswerable

if TYPE_CHECKING:
    from slowpoints.dynamics import Linearization
    from slowpoints.questions.dissection import Dissection


class MeanInputQuestion(Question):
    """Repeats search and linearisation about the mean embedding instead of zero (Maheswaranathan et al. 2019, sec. 3).

    Metrics: `count` (points that were found), `tau_1_median` (tokens), `tau_1_change` (from that about zero, as a share
    of it), `one_step_error_median`, `error_change` (likewise).

    Parameters
    ----------
    points
        How many searches.
    transitions
        On how many transitions errors are measured, at most.
    """

    name = "mean_input"
    claims = (
        Claim(
            "mean_input_same",
            "Linearising about the mean embedding changes nothing",
            (Condition("mean_input/error_change", 0.1, 0.3), Condition("mean_input/tau_1_change", 0.1, 0.3)),
        ),
    )
    columns = (Column("mean_input/error_change", "mean input: error change", ".0%", "none"),)

    def __init__(self, points: int = 200, transitions: int = 20_000) -> None:
        if points < 1 or transitions < 1:
            raise ValueError(f"points and transitions must be at least 1, not {points} and {transitions}")
        self.points = points
        self.transitions = transitions

    def __call__(self, dissection: Dissection) -> Findings:
        """Return what changes."""
        mean = dissection.embed(dissection.trajectories.tokens).double().mean(dim=0)
        found = dissection.search(self.points, mean)[dissection.points.tolerance].converged
        if not len(found):
            raise Unanswerable(f"no search under the mean embedding came to q < {found.tolerance:g}")
        about_mean = linearize(dissection.network.cell, found, modes=1)
        about_zero = dissection.linearization
        rows = some_transitions(dissection, self.transitions)
        tau = [_tau(linear) for linear in (about_mean, about_zero)]
        error = [float(np.median(step_errors(dissection, linear, rows))) for linear in (about_mean, about_zero)]
        metrics = {
            "count": float(len(found)),
            "tau_1_median": tau[0],
            "tau_1_change": abs(tau[0] / tau[1] - 1),
            "one_step_error_median": error[0],
            "error_change": abs(error[0] / error[1] - 1),
        }
        sentence = (
            f"About the mean embedding instead of zero, {len(found)} of {min(self.points, len(dissection.states))} "
            f"searches find a point, the top mode's time constant is {tau[0]:.0f} tokens (zero: {tau[1]:.0f}), and the "
            f"median error of a linear step {error[0]:.1%} (zero: {error[1]:.1%})."
        )
        return Findings(sentence, metrics)


def _tau(linear: Linearization) -> float:
    """Return the top mode's median time constant over the points at which it can be trusted."""
    trusted = linear.modes.trusted[:, 0]
    if not trusted.any():
        raise Unanswerable(f"the top mode cannot be told from others at any of {len(linear)} points")
    return float(linear.time_constants[trusted, 0].median())
