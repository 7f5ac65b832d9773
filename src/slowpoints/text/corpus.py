"""Encoded text: flat integer arrays instead of lists of lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from slowpoints.tasks.sequences import PADDING, UNKNOWN, gather, offsets_of

if TYPE_CHECKING:
    from jaxtyping import Float32, Int32, Int64

__all__ = [
    "PADDING",
    "PADDING_WORD",
    "UNKNOWN",
    "UNKNOWN_WORD",
    "Corpus",
    "EncodedData",
    "Keep",
    "gather",
    "offsets_of",
]

PADDING_WORD, UNKNOWN_WORD = "[PAD]", "[UNK]"  # the words of these two symbols

Keep = Literal["first", "last"]


@dataclass(frozen=True)
class Corpus:
    """Labelled documents, one after another in one array of token ids.

    Document ``i`` is ``tokens[offsets[i]:offsets[i + 1]]``; no document is empty.
    """

    tokens: Int32[np.ndarray, " token"]
    offsets: Int64[np.ndarray, " document+1"]
    labels: Int64[np.ndarray, " document"]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> Int64[np.ndarray, " document"]:
        """Tokens in each document."""
        return np.diff(self.offsets)

    @cached_property
    def document_counts(self) -> Int64[np.ndarray, " word"]:
        """In how many documents each word occurs, by token id, up to the largest id that does."""
        words = int(self.tokens.max(initial=0)) + 1
        documents = np.repeat(np.arange(len(self)), self.lengths)
        pairs = np.sort(documents * words + self.tokens)
        return np.bincount(pairs[np.diff(pairs, prepend=-1) > 0] % words, minlength=words)

    def document(self, index: int) -> Int32[np.ndarray, " token"]:
        """Token ids of one document."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def cut(self, max_length: int, keep: Keep = "first") -> Corpus:
        """Keep at most the `max_length` first or last tokens of every document.

        Raises
        ------
        ValueError
            If `max_length` is less than 1, or `keep` neither "first" nor "last".
        """
        if max_length < 1 or keep not in ("first", "last"):
            raise ValueError(f"cannot keep the {keep!r} {max_length} tokens")
        lengths = np.minimum(self.lengths, max_length)
        offsets = offsets_of(lengths)
        if offsets[-1] == len(self.tokens):
            return self
        starts = self.offsets[:-1] if keep == "first" else self.offsets[1:] - lengths
        return replace(self, tokens=gather(self.tokens, starts, lengths), offsets=offsets)


@dataclass(frozen=True)
class EncodedData:
    """What a data set gives to training and analysis.

    Attributes
    ----------
    name
        Name of the data set, as in the names of runs.
    words
        The vocabulary by token id: 0 is "[PAD]", 1 is "[UNK]".
    tokenizer_json
        The tokeniser, as `tokenizers.Tokenizer.from_str` reads it.
    valence
        True valence of every word (VADER's scale, -4 to 4; 0 for neutral words) where the data are synthetic,
        else None.
    classes
        2, or 5 where SST's fine classes were asked for.
    notices
        What whoever uses the data should know of them, such as test documents that are also trained on.
    """

    name: str
    train: Corpus
    validation: Corpus
    test: Corpus
    words: tuple[str, ...]
    tokenizer_json: str
    valence: Float32[np.ndarray, " word"] | None = None
    classes: int = 2
    notices: tuple[str, ...] = ()

    def cut(self, max_length: int, keep: Keep = "first") -> EncodedData:
        """Cut the documents of all splits; see `Corpus.cut`."""
        return replace(
            self,
            train=self.train.cut(max_length, keep),
            validation=self.validation.cut(max_length, keep),
            test=self.test.cut(max_length, keep),
        )
