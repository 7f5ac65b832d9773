"""Which words are positive, negative and neutral, and whether people agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.questions.question import Findings, Question
from slowpoints.report.style import VALENCES, Arrays, Drawing, Place, panels
from slowpoints.text.corpus import PADDING, UNKNOWN
from slowpoints.text.valence_words import (
    NEGATIVE,
    POSITIVE,
    RankCorrelation,
    ValenceWords,
    common_words,
    document_counts,
    human_ratings,
    rank_correlation,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from slowpoints.questions.dissection import Dissection

NAMED = 5  # words of either class in the sentence
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
    for sign in (NEGATIVE, POSITIVE):
        chosen = np.flatnonzero(arrays["classes"] == sign)
        strongest = chosen[np.argsort(-np.abs(arrays["weights"][chosen]), kind="stable")][:SHOWN]
        _draw_side(axes, arrays["words"][strongest], arrays["weights"][strongest], VALENCES[sign][1])
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


FIGURES = {
    "valence_words": Drawing(draw_valence_words, 6.0, 5.6, "Words by valence", Place((18, 22), (12, 24))),
}


class ValenceWordsQuestion(Question):
    """Reports the words by which inputs are probed: most positive, most negative and nearest 0 in the bag of words.

    Metrics: `count` (words of each class), `human_correlation` (Spearman's rank correlation of the weights with the
    ratings that people gave, over the `human_rated` common words that they rated), and on synthetic data
    `true_correlation` (with the valence that words have, over all common words, most of them of valence 0). A
    correlation over fewer than three words is left out.

    Arrays: of the chosen words `words`, `ids`, `classes`, `weights`, `documents` (in how many training documents they
    occur), and of the rated words `rated_words`, `rated_weights` and `ratings`.
    """

    name = "valence_words"
    figures = FIGURES

    def __call__(self, dissection: Dissection) -> Findings:
        """Return the words, their weights, and how these agree with people's ratings and with the truth."""
        dissection.check_two_classes()
        chosen, data = dissection.probes, dissection.data
        assert isinstance(chosen, ValenceWords)  # as documents have them
        weights, words = dissection.bag_of_words.weights, np.array(data.words)
        documents, ratings = document_counts(data.train, len(words)), human_ratings(data.words)
        common = common_words(data.words, data.train)
        correlations = {"human": rank_correlation(weights, ratings, common)}
        if data.valence is not None:
            correlations["true"] = rank_correlation(weights, _true_valence(data.valence), common)
        known = {name: found for name, found in correlations.items() if not math.isnan(found.correlation)}
        metrics = {f"{name}_correlation": found.correlation for name, found in known.items()}
        rated = common & ~np.isnan(ratings)
        arrays = {
            "words": words[chosen.inputs],
            "ids": chosen.inputs,
            "classes": chosen.labels[:, 0],
            "weights": chosen.weights,
            "documents": documents[chosen.inputs],
            "rated_words": words[rated],
            "rated_weights": weights[rated],
            "ratings": ratings[rated],
        }
        return Findings(
            _sentence(arrays, correlations),
            {"count": len(chosen.inputs) / 3, "human_rated": float(rated.sum()), **metrics},
            arrays,
        )


def _true_valence(valence: np.ndarray) -> np.ndarray:
    known = valence.astype(np.float64)
    known[[PADDING, UNKNOWN]] = np.nan
    return known


def _sentence(arrays: dict[str, np.ndarray], correlations: dict[str, RankCorrelation]) -> str:
    named = {sign: ", ".join(arrays["words"][arrays["classes"] == sign][:NAMED]) for sign in (POSITIVE, NEGATIVE)}
    text = f"The most positive words are {named[POSITIVE]}; the most negative {named[NEGATIVE]}."
    against = {"human": "people's ratings", "true": "the true valence"}
    for name, (correlation, count) in correlations.items():
        if math.isnan(correlation):
            text += f" Too few words ({count}) to compare the weights with {against[name]}."
        else:
            text += f" Rank correlation of the weights with {against[name]} over {count} words: {correlation:.2f}."
    return text
