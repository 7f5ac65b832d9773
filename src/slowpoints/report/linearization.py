"""How well one linear step predicts the next state (Fig. 5 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import NEUTRAL, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


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
    "figure_5_linearization": Drawing(draw_linearization, 9.0, 3.8, "5  One linear step", Place((18, 22), (0, 12)))
}
