import math

import numpy as np
import pytest

from slowpoints.text.corpus import Corpus
from slowpoints.text.valence_words import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    choose_valence_words,
    common_words,
    document_counts,
    human_ratings,
    rank_correlation,
)

WORDS = ("[PAD]", "[UNK]", ",", "rare", "good", "fine", "bad", "dull", "film", "the", "10")
#                    pad  unk  ,    rare good fine bad   dull  film  the   10
WEIGHTS = np.array([9.0, 9.0, 0.0, 0.0, 2.0, 1.5, -2.0, -1.0, 0.01, -0.2, 0.5])


def corpus_with(words, documents=10):
    """Every document holds all the given words, each of them twice."""
    row = np.repeat(words, 2).astype(np.int32)
    return Corpus(np.tile(row, documents), np.arange(documents + 1) * len(row), np.arange(documents) % 2)


TRAIN = corpus_with([1, 2, 4, 5, 6, 7, 8, 9, 10])


def test_documents_are_counted_once_for_a_word():
    counts = document_counts(TRAIN, len(WORDS))
    assert counts.tolist() == [0, 10, 10, 0, 10, 10, 10, 10, 10, 10, 10]


def test_the_strongest_and_the_nearest_to_zero_are_chosen_in_order():
    chosen = choose_valence_words(WEIGHTS, WORDS, TRAIN)
    assert [chosen.names[index] for index in chosen.of(POSITIVE)] == ["good", "fine"]
    assert [chosen.names[index] for index in chosen.of(NEGATIVE)] == ["bad", "dull"]
    assert [chosen.names[index] for index in chosen.of(NEUTRAL)] == ["film", "the"]
    assert [WORDS[index] for index in chosen.inputs] == list(chosen.names)
    np.testing.assert_array_equal(chosen.weights, WEIGHTS[chosen.inputs])
    one = choose_valence_words(WEIGHTS, WORDS, TRAIN, per_class=1)
    assert [WORDS[index] for index in one.inputs] == ["good", "bad", "film"]


def test_rare_words_and_what_is_no_word_are_left_out():
    common = common_words(WORDS, TRAIN)
    assert [word for word, is_common in zip(WORDS, common, strict=True) if not is_common] == list(WORDS[:4])
    few = corpus_with([4, 5, 6], documents=4)  # four documents are too few to know any word
    assert not common_words(WORDS, few).any()


def test_in_a_large_corpus_a_word_must_occur_in_a_share_of_the_documents():
    documents = 5000
    tokens = np.repeat([4, 6, 5], [9, 10, documents - 19]).astype(np.int32)  # 10 documents are 0.2 %
    common = common_words(WORDS, Corpus(tokens, np.arange(documents + 1), tokens % 2))
    assert np.flatnonzero(common).tolist() == [5, 6]


def test_a_word_is_not_neutral_by_being_rare():
    rows = [[4, 6, 8, 9]] * 20 + [[4, 6, 8, 9, 5]] * 6  # "fine" is nearest to 0, and in few documents
    tokens, offsets = np.concatenate(rows), np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    weights = np.zeros(len(WORDS))
    weights[[4, 6, 8, 9]] = 2.0, -2.0, 0.1, 0.2
    chosen = choose_valence_words(weights, WORDS, Corpus(tokens, offsets, np.zeros(26, dtype=np.int64)), per_class=1)
    assert [WORDS[index] for index in chosen.inputs] == ["good", "bad", "film"]


def test_without_words_of_both_classes_there_is_nothing_to_choose():
    with pytest.raises(ValueError, match="7 common words 7 are positive and 0 negative"):
        choose_valence_words(np.ones(len(WORDS)), WORDS, TRAIN)


def test_rank_correlation_is_over_known_words_only():
    truth = np.array([1.0, 2.0, 3.0, np.nan, -5.0])
    values = np.array([1.0, 4.0, 9.0, -1.0, 7.0])
    among = np.array([True, True, True, True, False])
    assert rank_correlation(values, truth, among) == (pytest.approx(1), 3)
    assert rank_correlation(-values, truth, among).correlation == pytest.approx(-1)
    assert rank_correlation(values, truth, np.ones(5, dtype=bool)).correlation == pytest.approx(0.4)


def test_too_few_words_or_equal_ones_have_no_rank_correlation():
    values, everything = np.arange(4.0), np.ones(4, dtype=bool)
    assert math.isnan(rank_correlation(values, np.array([1.0, 2.0, np.nan, np.nan]), everything).correlation)
    assert math.isnan(rank_correlation(np.zeros(4), values, everything).correlation)


def test_people_rated_some_words():
    ratings = human_ratings(["good", "terrible", "[UNK]", "of"])
    assert ratings[0] > 1 > -1 > ratings[1]
    assert np.isnan(ratings[2:]).all()
