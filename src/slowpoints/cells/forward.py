"""Recurrent modules of torch whose forward is not, or not only, torch's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from slowpoints.cells.arguments import Order, order_of
from slowpoints.cells.base import Cell, check_sequences

if TYPE_CHECKING:
    from jaxtyping import Float


class ForwardCell(Cell):
    """A recurrent module of torch as it is called, with what its class or its hooks add: a step is one call.

    Modules of sequences are called on sequences of one step. The state is that of `Stacked`: the last layer's first,
    and an LSTM's hidden and cell state one after the other.

    Parameters
    ----------
    module
        An instance of `nn.RNNBase` or `nn.RNNCellBase`, or of a class derived from one.
    """

    def __init__(self, module: nn.RNNBase | nn.RNNCellBase) -> None:
        super().__init__(module.input_size, module.hidden_size)
        self.module = module
        self._layers = getattr(module, "num_layers", 1)
        self._parts = 2 if isinstance(module, nn.LSTM | nn.LSTMCell) else 1

    @property
    def state_size(self) -> int:
        """Size of the states of all layers together."""
        return self._layers * self._parts * self.hidden_size

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        return self.run(state, input.unsqueeze(1))

    def run(
        self, state: Float[Tensor, "batch state"], inputs: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch state"]:
        """Return the state after all inputs, in one call; a module of single steps takes one input only."""
        layers = state.unflatten(-1, (self._layers, self._parts, self.hidden_size)).flip(1)
        if isinstance(self.module, nn.RNNCellBase):
            following = self._call(inputs.squeeze(1), [part.squeeze(1) for part in layers.unbind(2)])
            return torch.cat(following, dim=-1)
        in_time = inputs if getattr(self.module, "batch_first", False) else inputs.transpose(0, 1)
        with torch.backends.cudnn.flags(enabled=False):  # its kernels have derivatives in training mode only
            following = self._call(in_time, [part.transpose(0, 1).contiguous() for part in layers.unbind(2)])
        return torch.stack(following, dim=2).flip(0).transpose(0, 1).flatten(1)

    def _call(self, input: Tensor, parts: list[Tensor]) -> list[Tensor]:
        """Call the module, and return the parts of the next state."""
        state = tuple(parts) if self._parts == 2 else parts[0]
        state_first = order_of(self.module.forward) is Order.STATE_INPUT
        result = self.module(state, input) if state_first else self.module(input, state)
        following = result if isinstance(self.module, nn.RNNCellBase) else result[1]
        return list(following) if self._parts == 2 else [following]

    def states(
        self, inputs: Float[Tensor, "batch time input"], initial: Float[Tensor, "batch state"] | None = None
    ) -> Float[Tensor, "batch time state"]:
        """Return the states after every input, one call after another."""
        check_sequences(inputs)
        state = self.initial_states(inputs) if initial is None else initial
        visited = []
        for input in inputs.unbind(1):
            state = self.step(state, input)
            visited.append(state)
        return torch.stack(visited, dim=1)
