"""The flip-flop: bits that pulses set, and that are to be held until the next one (Sussillo and Barak 2013).

What is to be found in a network that has learnt it is known: a stable state for each setting of the bits, the corners
of a cube, and saddles between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from slowpoints.options import Count
from slowpoints.tasks.data import Data
from slowpoints.tasks.probes import Probes
from slowpoints.tasks.sequences import Sequences
from slowpoints.tasks.task import Task


@dataclass(frozen=True)
class FlipFlopTask(Task):
    """A flip-flop, with its pulses as probes."""

    def probes(self) -> Probes:
        """Return a pulse of either sign on each line, and what it says of each bit."""
        pulses = np.concatenate([np.eye(self.inputs, dtype=np.int64), -np.eye(self.inputs, dtype=np.int64)])
        names = tuple(f"bit {bit + 1} {way}" for way in ("up", "down") for bit in range(self.inputs))
        return Probes(names, pulses.astype(np.float32), pulses)


class FlipFlop(Data):
    """Pulses of 1 and -1 on some lines, and on each line's output the last of its pulses, at every step.

    Every line begins with a pulse, so that there is something to hold.
    """

    bits: Annotated[int, Field(ge=1, le=10)] = 3
    sequences: Annotated[Count, Field(ge=3)] = 1000
    steps: Count = 50
    pulses: Annotated[float, Field(gt=0, le=1)] = 0.1
    held_out: Annotated[float, Field(gt=0, lt=0.5)] = 0.1

    def task(self, seed: int, cache: Path) -> Task:
        """Generate the sequences, and return the task."""
        from slowpoints.tasks.outputs import Values

        generator = np.random.default_rng(seed)
        few = max(1, round(self.held_out * self.sequences))
        train, validation, test = (self._generate(count, generator) for count in (self.sequences - 2 * few, few, few))
        return FlipFlopTask(self.name, train, validation, test, self.bits, Values(self.bits))

    def _generate(self, count: int, generator: np.random.Generator) -> Sequences:
        shape = (count, self.steps, self.bits)
        there = generator.random(shape) < self.pulses
        there[:, 0] = True
        pulses = np.where(there, generator.choice([-1.0, 1.0], shape), 0.0).astype(np.float32)
        last = np.maximum.accumulate(np.where(there, np.arange(self.steps)[:, None], 0), axis=1)
        held = np.take_along_axis(pulses, last, axis=1)
        offsets = np.arange(0, count * self.steps + 1, self.steps)
        return Sequences(pulses.reshape(-1, self.bits), offsets, held.reshape(-1, self.bits))
