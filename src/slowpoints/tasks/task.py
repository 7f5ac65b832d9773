"""What a network is trained for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.errors import UserError
from slowpoints.tasks.outputs import Classes

if TYPE_CHECKING:
    from slowpoints.tasks.outputs import Outputs
    from slowpoints.tasks.sequences import Sequences


@dataclass(frozen=True)
class Task:
    """Sequences of symbols, and what is to be said of them: data, readout, loss and metrics follow from it.

    Attributes
    ----------
    name
        As in the names of runs.
    train, validation, test
        Sequences to learn from, to choose by, and to judge by.
    symbols
        How many there are, with 0 for padding and 1 for what is unknown.
    outputs
        What is to be said.

    Raises
    ------
    UserError
        If a split has symbols or targets that there are not.
    """

    name: str
    train: Sequences
    validation: Sequences
    test: Sequences
    symbols: int
    outputs: Outputs

    def __post_init__(self) -> None:
        for split in ("train", "validation", "test"):
            if wrong := self._problem(getattr(self, split)):
                raise UserError(f"task {self.name}: the {split} split {wrong}")

    def _problem(self, sequences: Sequences) -> str:
        """Return what is wrong with a split; nothing where all is right."""
        outputs, targets = self.outputs, sequences.targets
        if sequences.inputs.min() < 0 or sequences.inputs.max() >= self.symbols:
            return f"has symbols from {sequences.inputs.min()} to {sequences.inputs.max()}, of {self.symbols} from 0 on"
        if sequences.at_every_step != (outputs.when == "every"):
            places = {True: "after every step", False: "once, after the last step"}
            return f"has targets {places[sequences.at_every_step]}; needed: {places[outputs.when == 'every']}"
        if sequences.at_every_step and targets.shape[1] != outputs.size:
            return f"has {targets.shape[1]} targets at each step; needed: {outputs.size}"
        if isinstance(outputs, Classes):
            if not np.issubdtype(targets.dtype, np.integer):
                return f"has targets of type {targets.dtype}; needed: the numbers of classes"
            if targets.min() < 0 or targets.max() >= len(outputs.names):
                return f"has classes from {targets.min()} to {targets.max()}, of {len(outputs.names)} from 0 on"
        elif not np.isfinite(targets).all():
            return "has targets that are not finite"
        return ""
