"""Raw documents, as sources hand them to the tokeniser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64


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
