"""Sequences of different lengths, and what is to be said of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64, Shaped

PADDING, UNKNOWN = 0, 1  # symbols that no task has for anything else

When = Literal["last", "every"]


@dataclass(frozen=True)
class Sequences:
    """Sequences of symbols or of vectors, one after another in one array.

    Sequence `i` is `inputs[offsets[i]:offsets[i + 1]]`; none is empty.

    Attributes
    ----------
    inputs
        `(step,)`: symbols, numbered; 0 is kept for padding, 1 for what is unknown. Or `(step, input)`: numbers.
    offsets
        Where each sequence begins, and the end of the last.
    targets
        `(sequence,)` or `(sequence, output)`: what is to be said after the last step; or `(step, output)`: after every
        step.

    Raises
    ------
    ValueError
        If the arrays do not fit one another.
    """

    inputs: Shaped[np.ndarray, " step *input"]
    offsets: Int64[np.ndarray, " sequence+1"]
    targets: Shaped[np.ndarray, ...]

    def __post_init__(self) -> None:
        if len(self) == 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.inputs) or self.lengths.min() < 1:
            raise ValueError(
                "offsets must rise from 0 to the number of steps; there must be a sequence, and none that is empty"
            )
        if not (self.told("last") or self.told("every")):
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
    def continuous(self) -> bool:
        """Whether inputs are vectors of numbers, not symbols."""
        return self.inputs.ndim == 2

    def told(self, when: When) -> bool:
        """Return whether the targets are of this kind; where each sequence has one step, they are of both."""
        if when == "every":
            return self.targets.ndim == 2 and len(self.targets) == len(self.inputs)
        return self.targets.ndim in (1, 2) and len(self.targets) == len(self)

    def targets_of(self, chosen: Int64[np.ndarray, " chosen"]) -> Shaped[np.ndarray, ...]:
        """Return the targets of some sequences, in their order: of each, or of all steps of each."""
        if self.told("last"):
            return self.targets[chosen]
        return gather(self.targets, self.offsets[chosen], self.lengths[chosen])


def offsets_of(lengths: Int64[np.ndarray, " sequence"]) -> Int64[np.ndarray, " sequence+1"]:
    """Return where sequences of these lengths begin, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def gather(
    values: Shaped[np.ndarray, " value *rest"],
    starts: Int64[np.ndarray, " slice"],
    lengths: Int64[np.ndarray, " slice"],
) -> Shaped[np.ndarray, " gathered *rest"]:
    """Return slices of an array, one after another, without a loop."""
    offsets = offsets_of(lengths)
    gathered: np.ndarray = values[np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)]
    return gathered
