"""Simpler models of a network, made from its line of points, that read documents in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics import (
    Directions,
    Line,
    Linearization,
    balanced_directions,
    input_steps,
    integrate,
    linear_input_steps,
    linearize,
    slowest_modes,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.questions.dissection import Dissection
    from slowpoints.tasks.batches import Batch

FEW = (1, 2, 3)  # dimensions to which the state is restricted
LARGEST = 1e30  # stands for what has diverged


@dataclass(frozen=True)
class SimplerModels:
    """What answers documents in place of the network.

    Attributes
    ----------
    dissection
        Of the network.
    line
        The line of its points, at whose places it is simplified.
    batch
        The documents, the longest first.
    """

    dissection: Dissection
    line: Line
    batch: Batch

    @cached_property
    def linearization(self) -> Linearization:
        """The network, linear at the places of the line."""
        neutral = self.dissection.neutral
        return linearize(self.dissection.network.cell, self.line.location, neutral, modes=max(FEW)).oriented(
            self.line.axis
        )

    @property
    def initial(self) -> Float[Tensor, "1 state"]:
        """The state before anything is read."""
        return self.dissection.trajectories.initial.unsqueeze(0)

    @property
    def words(self) -> Float[Tensor, "word input"]:
        """All words as inputs."""
        return self.dissection.vocabulary

    def table(self) -> dict[str, np.ndarray]:
        """Return the integrator: places, the steps of words there, what is read out, and where documents start."""
        step = self.dissection.network.cell.step
        return self._table(lambda top: input_steps(step, self.line, top, self.words))

    def linear_table(self) -> dict[str, np.ndarray]:
        """Return the same with the steps of the linear network."""
        return self._table(lambda top: linear_input_steps(self.linearization, self.line, top, self.words))

    def _table(self, steps: Callable[[Directions], Tensor]) -> dict[str, np.ndarray]:
        top = slowest_modes(self.linearization, 1)
        start = self.line.place_of(top.restrict(self.line, self.initial.double()))
        return {
            "places": self.line.place.cpu().numpy(),
            "steps": steps(top).cpu().numpy().astype(np.float32),
            "readout": self.dissection.logits(self.line.location).double().cpu().numpy(),
            "start": np.array(float(start[0])),
        }

    def read(self, table: dict[str, np.ndarray]) -> np.ndarray:
        """Return the logits of an integrator."""
        tokens, lengths = self.batch.tokens.numpy(), self.batch.lengths.numpy()
        end = integrate(table["places"], table["steps"], float(table["start"]), tokens, lengths)
        return np.interp(end, table["places"], table["readout"])

    def restricted(self) -> dict[str, np.ndarray]:
        """Return the logits of the network whose state is restricted to few directions."""
        directions = {f"modes_{count}": slowest_modes(self.linearization, count) for count in FEW}
        most = balanced_directions(self.linearization, self.dissection.readout, self._spread(), max(FEW))
        for count in FEW:
            directions[f"balanced_{count}"] = Directions(most.right[:, :, :count], most.left[:, :count])
        return {name: self._run(self._restricted_step(few)) for name, few in directions.items()}

    def _restricted_step(self, few: Directions) -> Callable[[Tensor, Tensor], Tensor]:
        step = self.dissection.network.cell.step
        return lambda state, input: few.restrict(self.line, step(state, input))

    def linear(self) -> dict[str, np.ndarray]:
        """Return the logits of the network that is linear at one place, and at the nearest."""
        middle = int(self.dissection.logits(self.line.location).abs().argmin())
        return {
            "one_point": self._run(self._linear_step(lambda state: torch.full((len(state),), middle))),
            "nearest": self._run(self._linear_step(self.line.nearest)),
        }

    def _linear_step(self, place: Callable[[Tensor], Int[Tensor, " sample"]]) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the step of the network that is linear at places, in the precision in which it runs itself."""
        linear = self.linearization
        tensors = linear.location, linear.input, linear.image, linear.recurrent_jacobian, linear.input_jacobian
        location, neutral, image, recurrent, driven = (tensor.to(self.initial) for tensor in tensors)

        def step(state: Tensor, input: Tensor) -> Tensor:
            at = place(state).to(state.device)
            following = image[at]
            for each in at.unique():
                rows = at == each
                following[rows] += (state[rows] - location[each]) @ recurrent[each].T
                following[rows] += (input[rows] - neutral[each]) @ driven[each].T
            return following.clamp(-LARGEST, LARGEST)

        return step

    def _spread(self) -> Float[Tensor, "input input"]:
        """Return the mean of `(x - x*) (x - x*)'` over the words of the training split."""
        train = self.dissection.data.train.tokens
        count = torch.from_numpy(np.bincount(train, minlength=len(self.words))).to(self.dissection.device)
        distance = self.words.double() - self.dissection.neutral
        return distance.T @ (distance * (count / count.sum()).unsqueeze(1))

    @torch.no_grad()
    def _run(self, step: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray:
        """Return the logits of what takes these steps, from the initial state on."""
        tokens, lengths = self.batch.tokens, self.batch.lengths
        state = self.initial.repeat(len(tokens), 1)
        for time in range(tokens.shape[1]):
            still = int((lengths > time).sum())
            state[:still] = step(state[:still], self.dissection.embed(tokens[:still, time])).to(state)
        return self.dissection.logits(state.nan_to_num(0.0, LARGEST, -LARGEST)).cpu().numpy()
