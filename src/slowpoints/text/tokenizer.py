"""Words and punctuation, and a vocabulary of the most frequent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slowpoints.text.corpus import PADDING_WORD, UNKNOWN, UNKNOWN_WORD, Corpus, offsets_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from slowpoints.text.documents import Documents

# Tags, newlines written as two characters, and control characters that stand for dashes in old web pages.
BLANKS = r"<br\s*/?>|\\n|[\x80-\x90\x93-\x9f]"
APOSTROPHES = "[\u2018\u2019\x91\x92]"  # the last two are Windows' code for the first two
# The Penn Treebank's contractions (do n't, it 's), so that SST's tokens and running text share a vocabulary.
WORDS = r"(?i)n't\b|'(?:s|m|d|re|ve|ll)\b|[^\W_]+?(?=n't\b)|[^\W_]+|\.\.+|--+|[^\w\s]"

_BATCH = 2_000


def train_tokenizer(texts: list[str], vocabulary_size: int, min_count: int, lowercase: bool) -> Tokenizer:
    """Count the words of `texts` and keep the most frequent ones.

    Parameters
    ----------
    vocabulary_size
        Words kept at most, counting padding and unknown.
    min_count
        Words that occur less often are unknown.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN_WORD))
    steps = [normalizers.Replace(Regex(BLANKS), " "), normalizers.Replace(Regex(APOSTROPHES), "'"), normalizers.NFKC()]
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Lowercase()] if lowercase else steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_count,
        special_tokens=[PADDING_WORD, UNKNOWN_WORD],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    return tokenizer


def vocabulary(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words by token id."""
    ids = tokenizer.get_vocab()
    return tuple(sorted(ids, key=ids.__getitem__))


def encode(tokenizer: Tokenizer, documents: Documents) -> Corpus:
    """Documents as token ids; one without any word becomes a single unknown token, so that each has an end."""
    tokenizer.encode_special_tokens = True  # a text that says "[PAD]" holds no padding
    encoded = []
    for start in range(0, len(documents), _BATCH):  # a batch at a time: encodings take far more memory than ids
        batch = tokenizer.encode_batch_fast(documents.texts[start : start + _BATCH], add_special_tokens=False)
        encoded += [np.array(encoding.ids or [UNKNOWN], dtype=np.int32) for encoding in batch]
    lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
    return Corpus(np.concatenate(encoded), offsets_of(lengths), documents.labels.astype(np.int64))
