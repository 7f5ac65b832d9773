"""Raw documents, as sources hand them to the tokeniser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64


@dataclass(frozen=True)
class Rows:
    """One split as its source gives it: texts and labels that nobody has checked, and where they stand.

    Attributes
    ----------
    where
        The option and file, or the split, as messages name them.
    lines
        The line that each row begins in, where they come from a file with lines.
    """

    where: str
    texts: list[Any]
    labels: list[Any]
    lines: list[int] | None = None

    def place(self, index: int) -> str:
        """Return where a row stands, for a message; rows are counted from 1."""
        return f"{self.where}, row {index + 1}" + (f" (line {self.lines[index]})" if self.lines else "")


@dataclass(frozen=True)
class Documents:
    """Texts and their classes, from 0 (most negative) up."""

    texts: list[str]
    labels: Int64[np.ndarray, " document"]

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, indices: Int64[np.ndarray, " selected"]) -> Documents:
        """The documents at these indices, in this order."""
        return Documents([self.texts[index] for index in indices], self.labels[indices])


@dataclass(frozen=True)
class Source:
    """What a source holds: splits that it lacks are None, and are taken from `train` later."""

    train: Documents
    validation: Documents | None = None
    test: Documents | None = None
    valence: Mapping[str, float] | None = None

    @classmethod
    def of(cls, splits: Mapping[str, Documents]) -> Source:
        """From splits by name; "train" must be there."""
        return cls(splits["train"], splits.get("validation"), splits.get("test"))


def same_words(text: str) -> str:
    """Return what texts have in common that differ in blanks and capitals alone."""
    return " ".join(text.lower().split())
