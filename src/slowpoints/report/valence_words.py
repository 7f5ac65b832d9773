"""The words to which the bag of words gives the strongest weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.report.style import NEGATIVE, POSITIVE, Arrays, Drawing, Place, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

SHOWN = 20  # words of either class


def draw_valence_words(figure: FigureBase, arrays: Arrays) -> None:
    """Draw the weights of the strongest words of either class as bars, the strongest on top.

    Parameters
    ----------
    figure
        Where to draw.
    arrays
        `words (word,)`, `classes (word,)` and `weights (word,)` of the valence words, as in `ValenceWords`.
    """
    (axes,) = panels(figure)
    for sign, colour in ((-1, NEGATIVE), (1, POSITIVE)):
        chosen = np.flatnonzero(arrays["classes"] == sign)
        strongest = chosen[np.argsort(-np.abs(arrays["weights"][chosen]), kind="stable")][:SHOWN]
        _draw_side(axes, arrays["words"][strongest], arrays["weights"][strongest], colour)
    reach = 1.45 * np.abs(arrays["weights"]).max()  # the words stand outside the bars
    axes.set_xlim(-reach, reach)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("weight in the bag of words (logit; above 0: positive)")


def _draw_side(axes: Axes, words: np.ndarray, weights: np.ndarray, colour: str) -> None:
    places = np.arange(len(words))
    axes.barh(places, weights, height=0.7, color=colour)
    for place, word, weight in zip(places, words.tolist(), weights.tolist(), strict=True):
        # a word may hold what matplotlib would read as mathematics
        axes.annotate(
            word,
            (weight, place),
            xytext=(3 * np.sign(weight), 0),
            textcoords="offset points",
            ha="left" if weight > 0 else "right",
            va="center",
            fontsize=8,
            parse_math=False,
        )


FIGURES = {"valence_words": Drawing(draw_valence_words, 6.0, 5.6, "Words by valence", Place((18, 22), (12, 24)))}
