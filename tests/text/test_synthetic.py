from __future__ import annotations

import itertools

import numpy as np
import pytest

from slowpoints.errors import UserError
from slowpoints.text.load import encode_source
from slowpoints.text.options import SyntheticData
from slowpoints.text.synthetic import generate, rated_words


def options(**changes):
    return SyntheticData(**{"name": "synthetic", "documents": 300, **changes})


def summed_valence(text: str, valence: dict[str, float], intensity: float) -> float:
    """The sum, word by word, as a reader would reckon it."""
    total, factor = 0.0, 1.0
    for word in text.split():
        if word == "not":
            factor *= -1
        elif word == "very":
            factor *= intensity
        else:
            total += factor * valence[word]
            factor = 1.0
    return total


@pytest.mark.parametrize(
    "modifiers", [{}, {"negation": 0.3}, {"intensifiers": 0.4}, {"negation": 0.3, "intensifiers": 0.4}]
)
def test_labels_are_the_sign_of_the_summed_valence(modifiers):
    source = generate(options(margin=1.5, intensity=1.5, **modifiers), seed=1)
    sums = np.array([summed_valence(text, source.valence, 1.5) for text in source.train.texts])
    assert (np.abs(sums) >= 1.5 - 1e-9).all()
    np.testing.assert_array_equal(sums > 0, source.train.labels)
    said = " ".join(source.train.texts).split()
    assert ("not" in said) == ("negation" in modifiers)
    assert ("very" in said) == ("intensifiers" in modifiers)


def test_modifiers_stand_before_sentiment_words_as_often_as_asked():
    source = generate(options(negation=0.3, intensifiers=0.4, documents=2000), seed=1)
    words = " ".join(source.train.texts).split()
    modified = [after for word, after in itertools.pairwise(words) if word in ("not", "very")]
    assert all(word == "very" or source.valence[word] != 0 for word in modified)
    sentiment = sum(source.valence[word] != 0 for word in words)
    assert words.count("not") / sentiment == pytest.approx(0.3, abs=0.02)
    assert words.count("very") / sentiment == pytest.approx(0.4, abs=0.02)


def test_the_same_seed_gives_the_same_documents():
    one, two, other = (generate(options(), seed) for seed in (5, 5, 6))
    assert one.train.texts == two.train.texts
    assert one.train.texts != other.train.texts


@pytest.mark.parametrize("documents", [300, 301])
def test_classes_are_balanced_and_lengths_in_range(documents):
    train = generate(options(documents=documents, shortest=5, longest=9), seed=0).train
    assert len(train) == documents
    assert np.bincount(train.labels).tolist() == [documents // 2, documents - documents // 2]
    assert {len(text.split()) for text in train.texts} == {5, 6, 7, 8, 9}


def test_neutral_words_follow_zipfs_law_and_are_not_in_the_lexicon():
    source = generate(options(documents=3000, neutral_words=50, zipf_exponent=1.0, sentiment_share=0.2), seed=0)
    words, counts = np.unique(" ".join(source.train.texts).split(), return_counts=True)
    neutral = np.array([source.valence[word] == 0 for word in words])
    assert not set(words[neutral]) & set(rated_words())
    ranked = np.sort(counts[neutral])[::-1]
    slope = np.polyfit(np.log(np.arange(1, 51)), np.log(ranked), 1)[0]
    assert slope == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize("count", [10, 1000])
def test_sentiment_words_have_the_lexicons_ratings_in_the_range_asked_for(count):
    source = generate(options(sentiment_words=count, min_strength=1.0, max_strength=3.0), seed=0)
    chosen = {word: v for word, v in source.valence.items() if v != 0}
    lexicon = rated_words()
    assert len(chosen) == count
    assert all(1.0 <= abs(v) <= 3.0 and v == lexicon[word] for word, v in chosen.items())
    assert sum(v > 0 for v in chosen.values()) == count // 2


def test_the_valence_of_every_word_is_kept_by_token_id():
    source = generate(options(negation=0.1), seed=0)
    data = encode_source(source, options(), seed=0)
    assert data.valence.dtype == np.float32
    assert data.valence.tolist() == pytest.approx([source.valence.get(word, 0) for word in data.words])
    assert (np.concatenate([data.train.tokens, data.test.tokens]) > 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sentiment_words": 400, "min_strength": 3.5},
            r"data\.sentiment_words: the lexicon has only \d+ negative words",
        ),
        ({"margin": 100.0}, r"data\.margin: hardly any"),
        (
            {"documents": 2_000_000_000},
            r"data\.documents, .*: 2,000,000,000 documents of 10 to 60 words need about \d+,",
        ),
        ({"longest": 1_000_000_000}, r"data\.longest: 300 documents of 10 to 1,000,000,000 words need about \d+"),
    ],
)
def test_what_cannot_be_generated_is_said(changes, message):
    with pytest.raises(UserError, match=message):
        generate(options(**changes), seed=0)
