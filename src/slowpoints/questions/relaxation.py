"""How fast the network comes to rest while its input says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.dynamics import relaxation, sample_states
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.options import NEUTRAL_NAMES
from slowpoints.questions.question import Findings, Question
from slowpoints.report.style import POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

RESTING = 0.01  # relative change of the state within one token


def draw_relaxation(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the relative change of the state within a token, by token.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `quantiles (3, token)`: 10, 50 and 90 % over states.
    """
    (axes,) = panels(figure)
    low, median, high = 100 * arrays["quantiles"]
    token = np.arange(1, len(median) + 1)
    axes.fill_between(token, low, high, color=POSITIVE, alpha=0.25, linewidth=0, label="10 to 90 % of states")
    axes.plot(token, median, color=POSITIVE, label="median")
    axes.set(xlabel="tokens of neutral input", ylabel="change of the state per token (% of its norm)", yscale="log")
    axes.legend(frameon=False)


FIGURES = {
    "relaxation": Drawing(draw_relaxation, 4.6, 3.8, "Relaxation under neutral input", Place((0, 5), (18, 24))),
}


class RelaxationQuestion(Question):
    """Runs the network under the neutral input from random visited states, and tracks how much the state changes.

    The change is `||h_{t+1} - h_t|| / ||h_t||` (Maheswaranathan et al. 2019, section 3).

    Metrics: `change_1`, `change_10` and `change_last` (medians over states after that many tokens), `tokens_to_rest`
    (tokens until the median change is below 1 %; left out where that never happens).

    Parameters
    ----------
    states
        How many.
    tokens
        For how long.
    """

    name = "relaxation"
    figures = FIGURES
    claims = (
        Claim(
            "comes_to_rest",
            "Under the neutral input the state stops changing within a few steps",
            (Condition("relaxation/change_10", 0.01, 0.05),),
        ),
    )

    def __init__(self, states: int = 256, tokens: int = 100) -> None:
        if states < 1 or tokens < 10:
            raise ValueError(f"states must be at least 1 and tokens at least 10, not {states} and {tokens}")
        self.states = states
        self.tokens = tokens

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the change at every token."""
        starts = sample_states(dissection.states, min(self.states, len(dissection.states)), seed=dissection.seed)
        cell, steps = dissection.network.cell, self.tokens
        changes = relaxation(cell, starts, dissection.neutral, steps=steps, dtype=starts.dtype).cpu().numpy()
        median = np.median(changes, axis=1)
        metrics = {"change_1": median[0], "change_10": median[9], "change_last": median[-1]}
        resting = np.flatnonzero(median < RESTING)
        if len(resting):
            metrics["tokens_to_rest"] = float(resting[0] + 1)
            when = f"falls below 1 % of the state after {resting[0] + 1} tokens"
        else:
            when = f"is still {median[-1]:.1%} of the state after {self.tokens} tokens"
        which = NEUTRAL_NAMES[dissection.sampling.neutral]
        sentence = f"Under the neutral input ({which}) the median change of the state within a token {when}."
        arrays = {"quantiles": np.quantile(changes, [0.1, 0.5, 0.9], axis=1)}
        return Findings(sentence, {name: float(value) for name, value in metrics.items()}, arrays)
