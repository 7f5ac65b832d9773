"""What a network is trained for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slowpoints.errors import UserError
from slowpoints.tasks.sequences import PADDING

if TYPE_CHECKING:
    from torch import nn

    from slowpoints.tasks.outputs import Outputs
    from slowpoints.tasks.probes import Probes
    from slowpoints.tasks.sequences import Sequences


@dataclass(frozen=True)
class Task:
    """Sequences, and what is to be said of them: data, network, loss and metrics follow from it.

    Attributes
    ----------
    name
        As in the names of runs.
    train, validation, test
        Sequences to learn from, to choose by, and to judge by.
    inputs
        How many symbols there are, with 0 for padding and 1 for what is unknown; or how many numbers a step has.
    outputs
        What is to be said.

    Raises
    ------
    UserError
        If a split has inputs or targets that there are not.
    """

    name: str
    train: Sequences
    validation: Sequences
    test: Sequences
    inputs: int
    outputs: Outputs

    def __post_init__(self) -> None:
        for split in ("train", "validation", "test"):
            sequences = getattr(self, split)
            if wrong := self._problem_of_inputs(sequences) or self._problem_of_targets(sequences):
                raise UserError(f"task {self.name}: the {split} split {wrong}")

    @property
    def continuous(self) -> bool:
        """Whether inputs are vectors of numbers, not symbols."""
        return self.train.continuous

    @property
    def things(self) -> str:
        """What sequences are called in sentences."""
        return "sequences"

    @property
    def tokenizer(self) -> str | None:
        """How inputs became symbols, as JSON: a network that read them otherwise is not tested on this; or None."""
        return None

    def encoder(self, size: int) -> nn.Module:
        """Return what makes vectors for the recurrent network of inputs, with new weights.

        Of symbols an embedding; of numbers a linear map, under which nothing (zero) stays nothing.

        Parameters
        ----------
        size
            Of the vectors.
        """
        from torch import nn  # here: data sets are looked at before torch is imported

        if self.continuous:
            return nn.Linear(self.inputs, size, bias=False)
        return nn.Embedding(self.inputs, size, padding_idx=PADDING)

    def probes(self) -> Probes | None:
        """Return inputs of which it is known what they say; None where there are none."""
        return None

    def _problem_of_inputs(self, sequences: Sequences) -> str:
        """Return what is wrong with the inputs of a split; nothing where all is right."""
        inputs = sequences.inputs
        if sequences.continuous != self.continuous:
            kinds = {True: "vectors of numbers", False: "symbols"}
            return f"has {kinds[sequences.continuous]}, and the train split {kinds[self.continuous]}"
        if self.continuous:
            if inputs.shape[1] != self.inputs:
                return f"has {inputs.shape[1]} numbers at each step; needed: {self.inputs}"
            return "" if np.isfinite(inputs).all() else "has inputs that are not finite"
        if inputs.min() < 0 or inputs.max() >= self.inputs:
            return f"has symbols from {inputs.min()} to {inputs.max()}, of {self.inputs} from 0 on"
        return ""

    def _problem_of_targets(self, sequences: Sequences) -> str:
        """Return what is wrong with the targets of a split; nothing where all is right."""
        when = self.outputs.when
        if not sequences.told(when):
            places = {"every": "after every step", "last": "once, after the last step"}
            return f"has targets {places['last' if when == 'every' else 'every']}; needed: {places[when]}"
        return self.outputs.problem_of(sequences.targets)
