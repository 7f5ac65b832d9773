"""How well one linear step predicts the next state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slowpoints.dynamics import one_step_errors
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Column, Findings, Question, Unanswerable
from slowpoints.report.style import NEUTRAL, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from jaxtyping import Int
    from matplotlib.figure import FigureBase
    from torch import Tensor

    from slowpoints.dynamics import Linearization
    from slowpoints.questions.dissection import Dissection


def draw_linearization(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the error along one document, and the errors of all transitions.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `document_errors (token,)`, `errors (transition,)`, `persistence_errors (transition,)`, as shares.
    """
    along, counts = panels(figure, 1, 2)
    along.plot(np.arange(2, len(arrays["document_errors"]) + 2), 100 * arrays["document_errors"], color=POSITIVE)
    along.set(xlabel="token", ylabel="error of one linear step (% of the state)", ylim=(0, None))
    along.set_title("a  along a document of median length", loc="left", fontsize="medium")
    reach = 100 * np.quantile(np.concatenate([arrays["errors"], arrays["persistence_errors"]]), 0.98)
    bins = np.linspace(0, reach, 61)
    for name, label, colour, style in (
        ("errors", f"one linear step ({100 * np.median(arrays['errors']):.0f} %)", POSITIVE, "-"),
        ("persistence_errors", f"no change ({100 * np.median(arrays['persistence_errors']):.0f} %)", NEUTRAL, "--"),
    ):
        errors = 100 * arrays[name]
        share = 100 * np.histogram(errors, bins)[0] / len(errors)
        counts.stairs(share, bins, color=colour, linestyle=style, linewidth=1.8, label=label)
    counts.set(xlabel="error (% of the next state)", ylabel="share of transitions (%)")
    counts.set_title("b  over the sampled documents (median)", loc="left", fontsize="medium")
    counts.legend(frameon=False, fontsize="small")


FIGURES = {
    "figure_5_linearization": Drawing(draw_linearization, 9.0, 3.8, "5  One linear step", Place((18, 22), (0, 12))),
}


class LinearizationQuestion(Question):
    """Measures the error of one linear step from the nearest point (Maheswaranathan et al. 2019, Fig. 5).

    The error is `||h_{t+1} - h_lin|| / ||h_{t+1}||`, over random transitions of the sampled documents.

    Metrics: `one_step_error_median`, `one_step_error_low`, `one_step_error_high` (10 % and 90 % quantiles),
    `persistence_error_median` (of predicting that the state stays: what any prediction should beat).

    Parameters
    ----------
    transitions
        How many, at most.
    """

    name = "linearization"
    figures = FIGURES
    claims = (
        Claim(
            "locally_linear",
            "One linear step predicts the next state to about 10 %",
            (Condition("linearization/one_step_error_median", 0.15, 0.3),),
        ),
    )
    columns = (Column("linearization/one_step_error_median", "one-step error", ".1%", "about 10 %"),)

    def __init__(self, transitions: int = 50_000) -> None:
        if transitions < 1:
            raise ValueError(f"transitions must be at least 1, not {transitions}")
        self.transitions = transitions

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the errors, and those along one document."""
        rows = some_transitions(dissection, self.transitions)
        errors = step_errors(dissection, dissection.linearization, rows)
        states = dissection.states
        stays = ((states[rows + 1] - states[rows]).norm(dim=1) / states[rows + 1].norm(dim=1)).cpu().numpy()
        low, median, high = np.quantile(errors, [0.1, 0.5, 0.9])
        metrics = {
            "one_step_error_median": float(median),
            "one_step_error_low": float(low),
            "one_step_error_high": float(high),
            "persistence_error_median": float(np.median(stays)),
        }
        arrays = {"errors": errors, "persistence_errors": stays, **_document(dissection)}
        sentence = (
            f"One linear step at the nearest point predicts the next state with a median error of {median:.1%} (10 to "
            f"90 %: {low:.1%} to {high:.1%}); predicting no change has {metrics['persistence_error_median']:.1%}."
        )
        return Findings(sentence, metrics, arrays)


def step_errors(dissection: Dissection, linear: Linearization, rows: Tensor) -> np.ndarray:
    """Return the relative errors of one linear step from the states in these rows, each followed by the next row."""
    states, tokens = dissection.states, dissection.trajectories.tokens
    inputs = dissection.embed(tokens[rows + 1])
    errors: np.ndarray = one_step_errors(linear, states[rows], inputs, states[rows + 1]).cpu().numpy()
    return errors


def some_transitions(dissection: Dissection, count: int) -> Int[Tensor, " transition"]:
    """Return rows of the states that are followed by another of the same document, at most so many, at random.

    Raises
    ------
    Unanswerable
        If there are none.
    """
    rows = dissection.trajectories.followed
    if not len(rows):
        raise Unanswerable("all documents have one token")
    chosen = np.random.default_rng(dissection.seed).permutation(len(rows))[:count]
    return rows[torch.from_numpy(np.sort(chosen))]


def _document(dissection: Dissection) -> dict[str, np.ndarray]:
    """Return the error along a document of median length."""
    trajectories = dissection.trajectories
    document = len(trajectories) // 2
    first, last = trajectories.offsets[document : document + 2]
    rows = torch.arange(int(first), int(last) - 1)
    if not len(rows):
        return {"document_errors": np.zeros(0)}
    return {"document_errors": step_errors(dissection, dissection.linearization, rows)}
