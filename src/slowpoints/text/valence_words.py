"""Words of known valence: what the bag of words makes of each word, and what people made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import spearmanr

from slowpoints.tasks.probes import Probes
from slowpoints.text.corpus import PADDING, UNKNOWN
from slowpoints.text.synthetic import rated_words

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

    from slowpoints.text.corpus import Corpus

POSITIVE, NEUTRAL, NEGATIVE = 1, 0, -1
PER_CLASS = 100
MIN_SHARE = 0.002  # of the training documents, in which a word must occur
MIN_DOCUMENTS = 5  # ... and at least so many


@dataclass(frozen=True)
class ValenceWords(Probes):
    """Positive, negative and neutral words, in this order, the clearest of each class first.

    There are 300 of them where the vocabulary has as many; `labels` are 1 for positive, -1 for negative, 0 for neutral
    words.

    Attributes
    ----------
    weights
        Their weights in the bag of words, `(word,)`.
    """

    weights: Float64[np.ndarray, " word"]


class RankCorrelation(NamedTuple):
    """Spearman's rank correlation, and how many words it is over; NaN where there are too few, or all are alike."""

    correlation: float
    words: int


def choose_valence_words(
    weights: Float64[np.ndarray, " vocabulary"], words: Sequence[str], train: Corpus, per_class: int = PER_CLASS
) -> ValenceWords:
    """Choose the most positive and most negative words, and those nearest 0 (Maheswaranathan et al. 2019, section 4).

    Chosen are `common_words`; neutral ones are about as frequent as the others (at least as half of these, where there
    are enough of them), for regularisation draws a rare word's weight to 0 whatever the word means. Where the
    vocabulary does not have as many positive and negative ones, or not three times as many in all, fewer are chosen,
    as many of each class.

    Parameters
    ----------
    weights
        Of every word in the bag of words (`BagOfWords.weights`).
    words
        The vocabulary by token id.

    Raises
    ------
    ValueError
        If there are no positive or no negative ones, or fewer than three words in all.
    """
    documents = document_counts(train, len(words))
    eligible = np.flatnonzero(common_words(words, train))
    order = eligible[np.argsort(weights[eligible], kind="stable")]
    negative, positive = order[weights[order] < 0], order[weights[order] > 0][::-1]
    count = min(per_class, len(order) // 3, len(negative), len(positive))
    if count < 1:
        raise ValueError(
            f"no words of known valence: of {len(order)} common words {len(positive)} are positive and {len(negative)} "
            "negative"
        )
    chosen = np.concatenate([positive[:count], negative[:count]])
    rest = np.setdiff1d(order, chosen)
    frequent = min(np.median(documents[chosen]), np.sort(documents[rest])[-count])
    known = rest[documents[rest] >= frequent]
    neutral = known[np.argsort(np.abs(weights[known]), kind="stable")][:count]
    ids = np.concatenate([chosen, neutral])
    labels = np.repeat([POSITIVE, NEGATIVE, NEUTRAL], count)[:, None]
    return ValenceWords(tuple(words[index] for index in ids.tolist()), ids, labels, weights[ids])


def common_words(words: Sequence[str], train: Corpus) -> Bool[np.ndarray, " vocabulary"]:
    """Return of which words the training set says enough to tell their valence.

    These occur in at least 0.2 % of its documents, and in 5. Padding, the unknown word and punctuation (tokens without
    a letter or digit) are none.
    """
    is_word = np.array([any(character.isalnum() for character in word) for word in words])
    is_word[[PADDING, UNKNOWN]] = False
    return is_word & (document_counts(train, len(words)) >= max(MIN_DOCUMENTS, MIN_SHARE * len(train)))


def document_counts(corpus: Corpus, vocabulary_size: int) -> Int64[np.ndarray, " vocabulary"]:
    """Return in how many documents every word of the vocabulary occurs."""
    return np.pad(corpus.document_counts, (0, vocabulary_size - len(corpus.document_counts)))


def human_ratings(words: Sequence[str]) -> Float64[np.ndarray, " vocabulary"]:
    """Return how people rated every word, from -4 to 4 (VADER; Hutto and Gilbert 2014), NaN where they did not."""
    ratings = rated_words()
    return np.array([ratings.get(word, np.nan) for word in words])


def rank_correlation(
    values: Float64[np.ndarray, " word"], truth: Float64[np.ndarray, " word"], among: Bool[np.ndarray, " word"]
) -> RankCorrelation:
    """Return how well values order words as the truth does, among some words, without those of which it is NaN."""
    known = among & ~np.isnan(truth)
    count = int(known.sum())
    if count < 3 or np.ptp(values[known]) == 0 or np.ptp(truth[known]) == 0:
        return RankCorrelation(float("nan"), count)
    return RankCorrelation(float(spearmanr(values[known], truth[known]).statistic), count)
