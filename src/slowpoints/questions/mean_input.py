"""Whether it matters which neutral input a network is linearised about: zero, or the mean word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from slowpoints.dynamics import linearize
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.linearization import some_transitions, step_errors
from slowpoints.questions.options import NEUTRAL_NAMES, Neutral
from slowpoints.questions.question import Column, Findings, Question, Unanswerable

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

    from slowpoints.dynamics import Linearization
    from slowpoints.questions.dissection import Dissection

OTHER: dict[Neutral, Neutral] = {"mean": "zero", "zero": "mean"}


class MeanInputQuestion(Question):
    """Repeats search and linearisation about the other neutral input (Maheswaranathan et al. 2019, section 3).

    That is zero where `sampling.neutral` is the mean word, and the mean word where it is zero. Both are searched from
    the same states.

    Metrics: about each of the two, as `zero_...` and `mean_...`, `found_share` (of the searches), `tau_1_median`
    (tokens) and `one_step_error_median`; `tau_1_change` and `error_change` (from what holds about `sampling.neutral`,
    as a share of it); `mean_norm` (length of the mean word, as a share of the words' median length).

    Parameters
    ----------
    points
        How many searches about either, at most.
    transitions
        On how many transitions errors are measured, at most.
    """

    name = "mean_input"
    claims = (
        Claim(
            "mean_input_same",
            "Linearising about the other neutral input (zero, or the mean word) changes nothing",
            (Condition("mean_input/error_change", 0.1, 0.3), Condition("mean_input/tau_1_change", 0.1, 0.3)),
        ),
    )
    columns = (Column("mean_input/error_change", "other neutral input: error change", ".0%", "none"),)

    def __init__(self, points: int = 200, transitions: int = 20_000) -> None:
        if points < 1 or transitions < 1:
            raise ValueError(f"points and transitions must be at least 1, not {points} and {transitions}")
        self.points = points
        self.transitions = transitions

    def __call__(self, dissection: Dissection) -> Findings:
        """Return what changes."""
        own = dissection.sampling.neutral
        other = OTHER[own]
        searched = dissection.search(self.points, dissection.neutral_input(other))[dissection.level]
        if not len(found := searched.converged):
            raise Unanswerable(
                f"no search about {NEUTRAL_NAMES[other]} came to a relative speed below {dissection.level:g}"
            )
        same = dissection.points.index < len(searched)  # from the same states: the more points, the nearer is one
        if not same.any():
            raise Unanswerable(f"no search about {NEUTRAL_NAMES[own]} from the same states found a point")
        rows = some_transitions(dissection, self.transitions)
        about = {
            other: _measured(dissection, linearize(dissection.network.cell, found, modes=1), rows),
            own: _measured(dissection, dissection.linearization[same], rows),
        }
        for choice, count in ((other, len(found)), (own, int(same.sum()))):
            about[choice]["found_share"] = count / len(searched)
        metrics = {f"{choice}_{name}": value for choice, of in about.items() for name, value in of.items()}
        for change, name in (("tau_1_change", "tau_1_median"), ("error_change", "one_step_error_median")):
            metrics[change] = abs(about[other][name] / about[own][name] - 1)
        if isinstance(encoder := dissection.network.embedding, nn.Embedding):
            words = encoder.weight.detach()[2:].norm(dim=1)
            metrics["mean_norm"] = float(dissection.neutral_input("mean").norm() / words.median())
        return Findings(f"{_said(own, about[own])}. {_said(other, about[other])}.", metrics)


def _measured(dissection: Dissection, linear: Linearization, rows: Int[Tensor, " transition"]) -> dict[str, float]:
    """Return the top mode's median time constant where it can be trusted, and the median error of a linear step."""
    trusted = linear.modes.trusted[:, 0]
    if not trusted.any():
        raise Unanswerable(f"the top mode cannot be told from others at any of {len(linear)} points")
    return {
        "tau_1_median": float(linear.time_constants[trusted, 0].median()),
        "one_step_error_median": float(np.median(step_errors(dissection, linear, rows))),
    }


def _said(choice: Neutral, of: dict[str, float]) -> str:
    return (
        f"About {NEUTRAL_NAMES[choice]} {of['found_share']:.0%} of the searches find a point, the top mode's time "
        f"constant is {of['tau_1_median']:.0f} tokens, and the median error of a linear step "
        f"{of['one_step_error_median']:.1%}"
    )
