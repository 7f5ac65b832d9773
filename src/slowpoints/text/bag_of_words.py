"""The baseline that knows no order: logistic regression on which words occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from slowpoints.text.corpus import Corpus

REGULARIZATION = (0.01, 0.03, 0.1, 0.3)  # values of C, of which the one best on validation is taken


@dataclass(frozen=True)
class BagOfWords:
    """A fitted baseline.

    Attributes
    ----------
    weights
        Weight of every word of the vocabulary in the logit, `(vocabulary,)`.
    validation_accuracy, test_accuracy
        Shares of documents whose label it gets right.
    test_logits
        What it says of every test document, `(document,)`.
    """

    weights: np.ndarray
    validation_accuracy: float
    test_accuracy: float
    test_logits: np.ndarray


def fit_bag_of_words(train: Corpus, validation: Corpus, test: Corpus, vocabulary_size: int) -> BagOfWords:
    """Fit a logistic regression on the presence of words, its regularisation chosen on the validation set."""
    train_words = word_presence(train, vocabulary_size)
    validation_words = word_presence(validation, vocabulary_size)
    models = [
        LogisticRegression(C=strength, solver="liblinear").fit(train_words, train.labels) for strength in REGULARIZATION
    ]
    scores = [float(model.score(validation_words, validation.labels)) for model in models]
    best = int(np.argmax(scores))
    test_words = word_presence(test, vocabulary_size)
    return BagOfWords(
        weights=models[best].coef_[0],
        validation_accuracy=scores[best],
        test_accuracy=float(models[best].score(test_words, test.labels)),
        test_logits=models[best].decision_function(test_words),
    )


def word_presence(corpus: Corpus, vocabulary_size: int) -> csr_matrix:
    """Return which words occur in which documents, `(document, vocabulary)`, entries 0 or 1."""
    counts = csr_matrix(
        (np.ones(len(corpus.tokens), dtype=np.float32), corpus.tokens.astype(np.int64), corpus.offsets),
        shape=(len(corpus), vocabulary_size),
    )
    counts.sum_duplicates()
    counts.data[:] = 1
    return counts
