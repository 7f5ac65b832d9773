"""Several layers as one network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from slowpoints.cells.base import Cell, check_sequences
from slowpoints.cells.derivative import Derivative, Rows

if TYPE_CHECKING:
    from jaxtyping import Float


class Stacked(Cell):
    """Layers each of which reads the hidden state of the one below, at the same time step.

    The state holds the states of all layers, the *last* layer's first: as in every cell, what a readout sees stands at
    its beginning. `split` gives them back.

    Parameters
    ----------
    layers
        The cells, from the input upwards.
    """

    def __init__(self, layers: Sequence[Cell]) -> None:
        super().__init__(layers[0].input_size, layers[-1].hidden_size)
        self.layers = nn.ModuleList(layers)

    @property
    def readout_size(self) -> int:
        """How many entries of the last layer's state a readout sees."""
        return self._cells[-1].readout_size

    @property
    def _cells(self) -> list[Cell]:
        return [layer for layer in self.layers if isinstance(layer, Cell)]

    @property
    def state_size(self) -> int:
        """Size of the states of all layers together."""
        return sum(cell.state_size for cell in self._cells)

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """Those of all layers."""
        lower, upper = zip(*(cell.bounds for cell in reversed(self._cells)), strict=True)
        return torch.cat(lower), torch.cat(upper)

    def split(self, state: Float[Tensor, "... state"]) -> list[Float[Tensor, "... layer_state"]]:
        """Return the states of the layers, from the input upwards."""
        return list(state.split([cell.state_size for cell in reversed(self._cells)], dim=-1))[::-1]

    def initial_states(self, like: Tensor) -> Tensor:
        """Return the state in which sequences start, for each row of `like`: those of the layers, unless it has one."""
        if self.initial_state is not None:
            return super().initial_states(like)
        return torch.cat([cell.initial_states(like) for cell in reversed(self._cells)], dim=-1)

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        following = []
        for cell, own in zip(self._cells, self.split(state), strict=True):
            following.append(cell.step(own, input))
            input = cell.hidden(following[-1])
        return torch.cat(following[::-1], dim=-1)

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return the states after every input, `(batch, time, state)`."""
        check_sequences(inputs)
        starts = self.split(self.initial_states(inputs) if initial is None else initial)
        visited = []
        for cell, start in zip(self._cells, starts, strict=True):
            visited.append(cell.states(inputs, start))
            inputs = cell.hidden(visited[-1])
        return torch.cat(visited[::-1], dim=-1)

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products of all layers: each depends on its own state, and through its input on those below."""
        by_state, by_input = [], []
        for cell, own in zip(self._cells, self.split(state), strict=True):
            by_state.append(cell.state_derivative(own, input))
            by_input.append(cell.input_derivative(own, input))
            input = _above(cell, own, input)
        return self._chain(by_state, by_input[1:])

    def _chain(self, by_state: list[Derivative], by_input: list[Derivative]) -> Derivative:
        """Return the derivative of the whole from those of the layers; the first one's input does not change."""
        count = len(by_state)
        ends = list(accumulate((len(part.rows) for part in [*by_state, *by_input]), initial=0))

        def rows_of(rows: Rows) -> list[Rows]:
            return [rows[begin:end] for begin, end in pairwise(ends)]

        def forward(rows: Rows, v: Tensor) -> Tensor:
            parts = rows_of(rows)
            changes: list[Tensor] = []
            for layer, own in enumerate(self.split(v)):
                change = by_state[layer].forward(parts[layer], own)
                if layer:
                    below = self._cells[layer - 1].hidden(changes[-1])
                    change = change + by_input[layer - 1].forward(parts[count + layer - 1], below)
                changes.append(change)
            return torch.cat(changes[::-1], dim=-1)

        def backward(rows: Rows, u: Tensor) -> Tensor:
            parts = rows_of(rows)
            split, changes = self.split(u), []
            for layer in reversed(range(count)):
                changes.append(by_state[layer].backward(parts[layer], split[layer]))
                if layer:
                    below = by_input[layer - 1].backward(parts[count + layer - 1], split[layer])
                    unseen = self._cells[layer - 1].state_size - below.shape[-1]
                    split[layer - 1] = split[layer - 1] + pad(below, (0, unseen))
            return torch.cat(changes, dim=-1)

        return Derivative(tuple(row for part in [*by_state, *by_input] for row in part.rows), forward, backward)

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the blocks of all layers: each depends on its own state, and through its input on those below."""
        blocks: list[Tensor] = []
        column = self.state_size
        below: Tensor | None = None  # derivative of the layer's input by the whole state
        for cell, own in zip(self._cells, self.split(state), strict=True):
            column -= cell.state_size
            block = state.new_zeros(len(state), cell.state_size, self.state_size)
            if below is not None:
                block = cell.input_jacobian(own, input) @ below
            block[:, :, column : column + cell.state_size] += cell.recurrent_jacobian(own, input)
            blocks.append(block)
            input, below = _above(cell, own, input), block[:, : cell.readout_size]
        return torch.cat(blocks[::-1], dim=1)

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the derivative of every layer by the input of the first."""
        blocks: list[Tensor] = []
        for cell, own in zip(self._cells, self.split(state), strict=True):
            block = cell.input_jacobian(own, input)
            blocks.append(block @ blocks[-1][:, : cell.input_size] if blocks else block)
            input = _above(cell, own, input)
        return torch.cat(blocks[::-1], dim=1)


def _above(cell: Cell, state: Tensor, input: Tensor) -> Tensor:
    """Return what the next layer reads, after a step on copies: a cell of one's own may write into what it is given."""
    return cell.hidden(cell.step(state.clone(), input.clone()))
