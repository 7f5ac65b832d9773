"""Sequences of different lengths, and what is to be said of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.text.corpus import gather

if TYPE_CHECKING:
    from jaxtyping import Int, Int64, Shaped


@dataclass(frozen=True)
class Sequences:
    """Sequences of symbols, one after another in one array.

    Sequence `i` is `inputs[offsets[i]:offsets[i + 1]]`; none is empty.

    Attributes
    ----------
    inputs
        Symbols, numbered; 0 is kept for padding, 1 for what is unknown.
    offsets
        Where each sequence begins, and the end of the last.
    targets
        `(sequence,)`: what is to be said after the last step; or `(step, output)`: after every step.

    Raises
    ------
    ValueError
        If the arrays do not fit one another.
    """

    inputs: Int[np.ndarray, " step"]
    offsets: Int64[np.ndarray, " sequence+1"]
    targets: Shaped[np.ndarray, ...]

    def __post_init__(self) -> None:
        if len(self) == 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.inputs) or self.lengths.min() < 1:
            raise ValueError(
                "offsets must rise from 0 to the number of steps; there must be a sequence, and none that is empty"
            )
        if self.targets.shape[:1] != (len(self.inputs) if self.at_every_step else len(self),):
            raise ValueError(
                f"targets must be one for each of {len(self)} sequences, or (step, output) of {len(self.inputs)}; "
                f"their shape is {self.targets.shape}"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Int64[np.ndarray, " sequence"]:
        """Steps of each sequence."""
        return np.diff(self.offsets)

    @property
    def at_every_step(self) -> bool:
        """Whether something is to be said after every step."""
        return self.targets.ndim == 2

    def targets_of(self, chosen: Int64[np.ndarray, " chosen"]) -> Shaped[np.ndarray, ...]:
        """Return the targets of some sequences, in their order: of each, or of all steps of each."""
        if not self.at_every_step:
            return self.targets[chosen]
        return gather(self.targets, self.offsets[chosen], self.lengths[chosen])
