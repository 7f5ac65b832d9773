"""What single units do while a document is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.questions.question import Findings, Question, Unanswerable
from slowpoints.report.style import NEGATIVE, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection


def draw_activity(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the units of each document as an image, unit by unit, and the logit above it.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `positive_units (token, hidden)`, `positive_logit (token,)`, and the same with `negative_`.
    """
    upper_left, upper_right, lower_left, lower_right = panels(figure, 2, 2)
    reach = max(np.quantile(np.abs(arrays[f"{name}_units"]), 0.99) for name in ("positive", "negative"))
    columns = (("positive", POSITIVE, upper_left, lower_left), ("negative", NEGATIVE, upper_right, lower_right))
    for name, colour, upper, lower in columns:
        units, logit = arrays[f"{name}_units"], arrays[f"{name}_logit"]
        token = np.arange(1, len(logit) + 1)
        upper.axhline(0, color="#BBBBBB", linewidth=0.8)
        upper.plot(token, logit, color=colour, linewidth=1.5)
        upper.set(title=f"{name} document", xlim=(0.5, len(token) + 0.5), xticklabels=[])
        image = lower.imshow(
            units.T,
            aspect="auto",
            cmap="PuOr_r",
            vmin=-reach,
            vmax=reach,
            extent=(0.5, len(token) + 0.5, units.shape[1], 0),
            interpolation="nearest",
        )
        lower.set(xlabel="token")
    upper_left.set_ylabel("readout (logit)")
    lower_left.set_ylabel("hidden unit")
    figure.colorbar(image, ax=[lower_left, lower_right], label="activity")


FIGURES = {
    "figure_1_activity": Drawing(draw_activity, 9.0, 5.0, "1  Activity of all units", Place((0, 5), (0, 12))),
}


class ActivityQuestion(Question):
    """Shows all units over the first tokens of two documents (Maheswaranathan et al. 2019, Fig. 1).

    A positive and a negative one: the first of the sample that the network gets right and that are long enough; the
    longest one where none is, and any that it gets wrong where it gets none right.

    Metrics: `logit_correlation_median`, the median over units of |r| between a unit and the logit, over both documents.

    Parameters
    ----------
    tokens
        How many tokens to show.
    """

    name = "activity"
    figures = FIGURES

    def __init__(self, tokens: int = 150) -> None:
        if tokens < 2:
            raise ValueError(f"tokens must be at least 2, not {tokens}")
        self.tokens = tokens

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the activity and how much of it follows the logit."""
        arrays = {}
        for label, name in ((1, "positive"), (0, "negative")):
            states = dissection.trajectories.of(self._example(dissection, label))[: self.tokens]
            arrays[f"{name}_units"] = dissection.network.cell.hidden(states).cpu().numpy()
            arrays[f"{name}_logit"] = dissection.logits(states).cpu().numpy()
        units = np.concatenate([arrays["positive_units"], arrays["negative_units"]])
        logit = np.concatenate([arrays["positive_logit"], arrays["negative_logit"]])
        correlation = float(np.median(_correlations(units, logit)))
        sentence = (
            f"Over a positive and a negative document, the median correlation |r| of a unit with the logit is "
            f"{correlation:.2f}."
        )
        return Findings(sentence, {"logit_correlation_median": correlation}, arrays)

    def _example(self, dissection: Dissection, label: int) -> int:
        trajectories = dissection.trajectories
        right = (dissection.logits(trajectories.last).cpu().numpy() > 0) == (label == 1)
        of_label = trajectories.labels == label
        if not of_label.any():
            raise Unanswerable(f"no sampled document is {'positive' if label else 'negative'}")
        candidates = np.flatnonzero(of_label & right if (of_label & right).any() else of_label)
        long_enough = candidates[trajectories.lengths[candidates] >= self.tokens]
        return int(long_enough[0] if len(long_enough) else candidates[-1])  # they are sorted by length


def _correlations(units: np.ndarray, logit: np.ndarray) -> np.ndarray:
    units, logit = units - units.mean(axis=0), logit - logit.mean()
    norms = np.linalg.norm(units, axis=0) * np.linalg.norm(logit)
    correlations: np.ndarray = np.abs(units.T @ logit) / np.where(norms > 0, norms, 1)
    return correlations
