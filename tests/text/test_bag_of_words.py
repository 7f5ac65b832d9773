import numpy as np
import pytest

from slowpoints.text.bag_of_words import fit_bag_of_words, word_presence
from slowpoints.text.corpus import Corpus


def corpus(documents, labels):
    offsets = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
    return Corpus(np.concatenate(documents).astype(np.int32), offsets, np.array(labels))


def test_presence_counts_a_word_once():
    presence = word_presence(corpus([[2, 3, 2], [4]], [0, 1]), 5)
    assert presence.toarray().tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]


def test_the_weights_have_the_signs_of_the_words_valence():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 400)
    documents = [np.append(generator.integers(4, 20, 10), 2 + label) for label in labels]  # 2: negative, 3: positive
    splits = [corpus(documents[start::3], labels[start::3]) for start in range(3)]
    baseline = fit_bag_of_words(*splits, vocabulary_size=20)
    assert baseline.weights[3] > 0 > baseline.weights[2]
    assert np.abs(baseline.weights[4:]).max() < baseline.weights[3]
    assert baseline.test_accuracy == pytest.approx(1)
    assert baseline.validation_accuracy == pytest.approx(1)
