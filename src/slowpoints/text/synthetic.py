"""Generated reviews whose words have known valences: ground truth for what a network should have learnt.

A document is a row of words: most are neutral (Zipf-distributed), some are drawn evenly from VADER's lexicon (Hutto
and Gilbert, 2014), whose words people rated from -4 to 4. "not" flips the sentiment word that follows, "very"
strengthens it. The label is the sign of the sum.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.errors import UserError
from slowpoints.text.cache import file_digest
from slowpoints.text.common_words import NEGATIVE, NEUTRAL, POSITIVE
from slowpoints.text.corpus import offsets_of
from slowpoints.text.documents import Documents, Source
from slowpoints.text.options import SyntheticData

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

NEGATION, INTENSIFIER = "not", "very"
_ROUNDS = 50
_BYTES = 140  # of memory for each word of a corpus while it is generated, as measured


@dataclass(frozen=True)
class _Lexicon:
    words: np.ndarray  # (word,) strings: "not", "very", neutral words by rank, sentiment words
    valence: Float64[np.ndarray, " word"]
    first_sentiment: int


@dataclass(frozen=True)
class _Drafts:
    """Candidate documents, as flat arrays of slots; a slot is a neutral word or a sentiment word with its modifiers."""

    words: Int64[np.ndarray, " slot"]
    negated: Bool[np.ndarray, " slot"]
    intensified: Bool[np.ndarray, " slot"]
    offsets: Int64[np.ndarray, " document+1"]
    valence: Float64[np.ndarray, " document"]


def fingerprint() -> str:
    """Hash of the lexicon: the rest follows from the options and the seed."""
    return file_digest(_lexicon_file())


def generate(options: SyntheticData, seed: int) -> Source:
    """Generate documents, as many positive as negative ones (one more where the number is odd).

    Raises
    ------
    UserError
        If the lexicon has too few words of the strengths asked for, the margin is hardly ever reached, or the corpus
        would not fit into this machine's memory.
    """
    _check_size(options)
    generator = np.random.default_rng(seed)
    lexicon = _choose_words(options, generator)
    wanted = {-1: options.documents // 2, 1: options.documents - options.documents // 2}
    texts: list[str] = []
    labels: list[int] = []
    for _ in range(_ROUNDS):
        drafts = _draft(options, lexicon, generator)
        for sign, label in ((-1, 0), (1, 1)):
            clear = np.flatnonzero((drafts.valence * sign >= options.margin) & (drafts.valence != 0))
            chosen = _texts(drafts, lexicon, clear[: wanted[sign]])
            wanted[sign] -= len(chosen)
            texts += chosen
            labels += [label] * len(chosen)
        if not any(wanted.values()):
            order = generator.permutation(len(texts))
            valence = dict(zip(lexicon.words.tolist(), lexicon.valence.tolist(), strict=True))
            documents = Documents(texts, np.array(labels, dtype=np.int64)).select(order)
            return Source(documents, valence=valence)
    raise UserError(
        f"data.margin: hardly any document's summed valence reaches {options.margin}; lower data.margin, or raise "
        "data.shortest, data.sentiment_share or data.min_strength"
    )


def _check_size(options: SyntheticData) -> None:
    needed = options.documents * (options.shortest + options.longest) / 2 * _BYTES
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else np.inf
    if needed > there:
        raise UserError(
            f"data.documents, data.longest: {options.documents:,} documents of {options.shortest:,} to "
            f"{options.longest:,} words need about {needed / 2**30:,.0f} GiB of memory, and this machine has "
            f"{there / 2**30:,.0f}; ask for fewer or shorter ones"
        )


def rated_words() -> dict[str, float]:
    """The alphabetic words of VADER's lexicon, with their mean ratings."""
    fields = (line.split("\t") for line in _lexicon_file().read_text(encoding="utf-8").splitlines() if line)
    return {word: float(rating) for word, rating, *_ in fields if word.isascii() and word.isalpha() and word.islower()}


def _lexicon_file() -> Path:
    spec = find_spec("vaderSentiment")  # found, not imported: that would import its tools for the web
    if spec is None or spec.origin is None:
        raise UserError("data=synthetic needs the package vaderSentiment: pip install 'slowpoints[experiments]'")
    return Path(spec.origin).with_name("vader_lexicon.txt")


def _choose_words(options: SyntheticData, generator: np.random.Generator) -> _Lexicon:
    rated = rated_words()
    negative = _sentiment_words(-1, options.sentiment_words // 2, options, rated, generator)
    positive = _sentiment_words(1, options.sentiment_words - len(negative), options, rated, generator)
    neutral = _neutral_words(options.neutral_words, rated.keys())
    words = [NEGATION, INTENSIFIER, *neutral, *negative, *positive]
    return _Lexicon(np.array(words), np.array([rated.get(word, 0.0) for word in words]), 2 + len(neutral))


def _sentiment_words(
    sign: int, count: int, options: SyntheticData, rated: Mapping[str, float], generator: np.random.Generator
) -> list[str]:
    """Common words first, then any of the lexicon's."""
    strong = [word for word, v in rated.items() if options.min_strength <= sign * v <= options.max_strength]
    if len(strong) < count:
        raise UserError(
            f"data.sentiment_words: the lexicon has only {len(strong)} {'negative' if sign < 0 else 'positive'} words "
            f"of strength {options.min_strength} to {options.max_strength}, not {count}; ask for fewer, or widen "
            "data.min_strength and data.max_strength"
        )
    allowed = set(strong)
    common = (POSITIVE if sign > 0 else NEGATIVE).split()
    others = generator.permutation(strong).tolist()
    return [word for word in dict.fromkeys(common + others) if word in allowed][:count]


def _neutral_words(count: int, taken: Container[str]) -> list[str]:
    """Common English words first, then pronounceable ones that mean nothing."""
    syllables = ["".join(pair) for pair in itertools.product("bdfgklmnprstvz", "aeiou")]
    invented = ["".join(pair) for pair in itertools.product(syllables, syllables)]
    np.random.default_rng(0).shuffle(invented)  # the same in every corpus: only their number is an option
    return [word for word in dict.fromkeys(NEUTRAL.split() + invented) if word not in taken][:count]


def _draft(options: SyntheticData, lexicon: _Lexicon, generator: np.random.Generator) -> _Drafts:
    lengths = generator.integers(options.shortest, options.longest + 1, size=options.documents)
    offsets = offsets_of(lengths)
    slots = int(offsets[-1])
    ranks = np.arange(1, options.neutral_words + 1)
    odds = ranks**-options.zipf_exponent
    first_neutral = lexicon.first_sentiment - options.neutral_words
    neutral = first_neutral + generator.choice(options.neutral_words, size=slots, p=odds / odds.sum())
    sentiment = generator.integers(lexicon.first_sentiment, len(lexicon.words), size=slots)
    is_sentiment = generator.random(slots) < options.sentiment_share
    words = np.where(is_sentiment, sentiment, neutral)
    negated = is_sentiment & (generator.random(slots) < options.negation)
    intensified = is_sentiment & (generator.random(slots) < options.intensifiers)
    valence = lexicon.valence[words] * np.where(negated, -1, 1) * np.where(intensified, options.intensity, 1)
    return _Drafts(words, negated, intensified, offsets, np.add.reduceat(valence, offsets[:-1]))


def _texts(drafts: _Drafts, lexicon: _Lexicon, documents: Int64[np.ndarray, " chosen"]) -> list[str]:
    """Write documents out, "not very good" being the fullest form of a slot."""
    width = 1 + drafts.negated.astype(np.int64) + drafts.intensified
    ends = np.cumsum(width)
    tokens = np.zeros(ends[-1], dtype=np.int64)  # id 0 is "not": what stays is a negation
    tokens[ends - 1] = drafts.words
    tokens[ends[drafts.intensified] - 2] = 1
    bounds = np.concatenate([[0], ends])[drafts.offsets]
    words = lexicon.words[tokens]
    return [" ".join(words[bounds[index] : bounds[index + 1]]) for index in documents]
