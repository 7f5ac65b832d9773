"""Words and punctuation, and a vocabulary of the most frequent ones."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.text.corpus import PADDING_WORD, UNKNOWN, UNKNOWN_WORD, Corpus, gather, offsets_of

if TYPE_CHECKING:
    from jaxtyping import Int32, Int64
    from tokenizers import Tokenizer

# Tags, newlines written as two characters, and control characters that stand for dashes in old web pages.
BLANKS = r"<br\s*/?>|\\n|" + "[\x80-\x90\x93-\x9f]"  # as characters: the library takes escapes for bytes
APOSTROPHES = "[\u2018\u2019\x91\x92]"  # the last two are Windows' code for the first two
# The Penn Treebank's contractions (do n't, it 's), so that SST's tokens and running text share a vocabulary.
WORDS = r"(?i)n't\b|'(?:s|m|d|re|ve|ll)\b|[^\W_]+?(?=n't\b)|[^\W_]+|\.\.+|--+|[^\w\s]"

_BATCH = 50_000


@dataclass(frozen=True)
class Runs:
    """Texts as runs of characters between blanks ("film,"), each distinct one kept once.

    No word spans blanks, so that tokenising the distinct runs tokenises the texts: in a fraction of the time.

    Attributes
    ----------
    distinct
        The runs, in order of first appearance.
    numbers
        Which run stands at each place of the texts, one text after another.
    counts
        Runs in each text.
    """

    distinct: list[str]
    numbers: Int64[np.ndarray, " place"]
    counts: Int64[np.ndarray, " text"]

    @classmethod
    def of(cls, texts: list[str]) -> Runs:
        """Take texts apart at their blanks."""
        blanks = re.compile(BLANKS)
        number: defaultdict[str, int] = defaultdict()
        number.default_factory = number.__len__
        found = []
        for text in texts:
            runs = blanks.sub(" ", text).split()
            found.append(np.fromiter(map(number.__getitem__, runs), dtype=np.int64, count=len(runs)))
        return cls(list(number), np.concatenate(found), np.array([len(runs) for runs in found]))


def train_tokenizer(texts: Runs, vocabulary_size: int, min_count: int, lowercase: bool) -> Tokenizer:
    """Count the words of `texts` and keep the most frequent ones.

    Parameters
    ----------
    vocabulary_size
        Words kept at most, counting padding and unknown.
    min_count
        Words that occur less often are unknown.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    steps = [normalizers.Replace(Regex(BLANKS), " "), normalizers.Replace(Regex(APOSTROPHES), "'"), normalizers.NFKC()]
    normalizer = normalizers.Sequence([*steps, normalizers.Lowercase()] if lowercase else steps)
    splitter = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    counts: Counter[str] = Counter()
    for run, count in zip(texts.distinct, np.bincount(texts.numbers).tolist(), strict=True):
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(run)):
            counts[word] += count
    frequent = sorted((-count, word) for word, count in counts.items() if count >= min_count)
    words = [PADDING_WORD, UNKNOWN_WORD, *(word for _, word in frequent[: vocabulary_size - 2])]

    tokenizer = Tokenizer(models.WordLevel({word: token for token, word in enumerate(words)}, unk_token=UNKNOWN_WORD))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.add_special_tokens([PADDING_WORD, UNKNOWN_WORD])
    return tokenizer


def vocabulary(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words by token id."""
    ids = tokenizer.get_vocab()
    return tuple(sorted(ids, key=ids.__getitem__))


def encode(tokenizer: Tokenizer, texts: Runs, labels: Int64[np.ndarray, " document"]) -> Corpus:
    """Documents as token ids; one without any word becomes a single unknown token, so that each has an end."""
    tokens, lengths = _tokenize(tokenizer, texts.distinct)
    lengths_here = lengths[texts.numbers]
    tokens = gather(tokens, offsets_of(lengths)[texts.numbers], lengths_here)
    offsets = offsets_of(lengths_here)[offsets_of(texts.counts)]
    wordless = np.diff(offsets) == 0
    tokens = np.insert(tokens, offsets[:-1][wordless], UNKNOWN)
    return Corpus(tokens, offsets_of(np.diff(offsets) + wordless), labels.astype(np.int64))


def _tokenize(tokenizer: Tokenizer, texts: list[str]) -> tuple[Int32[np.ndarray, " token"], Int64[np.ndarray, " text"]]:
    """Token ids of all texts, one after another, and how many each has."""
    tokenizer.encode_special_tokens = True  # a text that says "[PAD]" holds no padding
    ids: list[list[int]] = []
    for start in range(0, len(texts), _BATCH):  # a batch at a time: encodings take far more memory than ids
        batch = tokenizer.encode_batch_fast(texts[start : start + _BATCH], add_special_tokens=False)
        ids += [encoding.ids for encoding in batch]
    return np.fromiter(chain.from_iterable(ids), dtype=np.int32), np.array([len(few) for few in ids], dtype=np.int64)
