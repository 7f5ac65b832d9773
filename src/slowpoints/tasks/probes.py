"""Inputs that say something known: what a network is probed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64, Shaped


@dataclass(frozen=True)
class Probes:
    """Inputs, each with what it says along every axis of evidence: words by valence, pulses by bit.

    Attributes
    ----------
    names
        `(probe,)`: what each is called.
    inputs
        `(probe,)` symbols, or `(probe, input)` numbers, as in `Sequences`.
    labels
        `(probe, axis)`: 1 for what speaks for more along an axis of evidence, -1 for less, 0 for what says nothing.

    Raises
    ------
    ValueError
        If there is none, or the arrays do not fit one another.
    """

    names: tuple[str, ...]
    inputs: Shaped[np.ndarray, " probe *input"]
    labels: Int64[np.ndarray, "probe axis"]

    def __post_init__(self) -> None:
        if not (len(self.names) == len(self.inputs) == len(self.labels) > 0 and self.labels.ndim == 2):
            raise ValueError(
                f"probes need a name, an input and labels (probe, axis) each, got {len(self.names)} names, inputs "
                f"{self.inputs.shape} and labels {self.labels.shape}"
            )
        if not np.isin(self.labels, (-1, 0, 1)).all():
            raise ValueError("labels of probes must be -1, 0 or 1")

    def of(self, label: int, axis: int = 0) -> Int64[np.ndarray, " chosen"]:
        """Return the numbers of the probes that have a label along an axis of evidence."""
        return np.flatnonzero(self.labels[:, axis] == label)
