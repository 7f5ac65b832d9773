"""The update-gate recurrent network (Collins, Sohl-Dickstein & Sussillo 2016)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from slowpoints.cells.base import (
    Cell,
    add_diagonal,
    add_scaled_rows,
    check_sequences,
    initialize_gates,
    scale_rows,
    unit_bounds,
)
from slowpoints.cells.derivative import Derivative, drive_derivative

OPEN = 100.0  # bias of a gate that is always open: its sigmoid is 1 to the last bit, in float64 too


class _Gates(NamedTuple):
    update: Tensor
    candidate: Tensor


class UGRNN(Cell):
    """`h' = g * h + (1 - g) * c`, with one gate g.

    `g = sigmoid(W_ig x + W_hg h + b_g)` and `c = tanh(W_ic x + W_hc h + b_c)`. That is a GRU whose reset gate is open,
    so whole sequences run on torch's fused GRU kernels (a third of whose work is for the open gate).

    Parameters
    ----------
    input_size, hidden_size
        Sizes E and H; the state is the hidden vector.
    update_bias
        Initial bias of the gate: above zero, units remember longer at the start.
    recurrent_gain, input_gain
        Factors on the initial recurrent and input weights.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        update_bias: float = 1.0,
        recurrent_gain: float = 1.0,
        input_gain: float = 1.0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(2 * hidden_size, input_size))  # gate, candidate
        self.weight_hh = nn.Parameter(torch.empty(2 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(2 * hidden_size))
        initialize_gates(self.weight_ih, self.weight_hh, input_gain=input_gain, recurrent_gain=recurrent_gain)
        nn.init.constant_(self.bias[:hidden_size], update_bias)

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """All units stay in [-1, 1]: each step averages the state and a tanh."""
        return unit_bounds(self.hidden_size)

    def _gates(self, state: Tensor, input: Tensor) -> _Gates:
        drive = linear(input, self.weight_ih, self.bias) + linear(state, self.weight_hh)
        update, candidate = drive.chunk(2, dim=-1)
        return _Gates(torch.sigmoid(update), torch.tanh(candidate))

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        gates = self._gates(state, input)
        return gates.candidate + gates.update * (state - gates.candidate)

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return the states after every input, `(batch, time, state)`."""
        check_sequences(inputs)
        if initial is None:
            initial = self.initial_states(inputs)
        states: Tensor = torch.gru(
            inputs, initial.unsqueeze(0), self._as_gru(), True, 1, 0.0, self.training, False, True
        )[0]
        return states

    def _as_gru(self) -> list[Tensor]:
        """Return the weights of the GRU with an open reset gate that this network is."""
        size = self.hidden_size
        open_reset = self.bias.new_full((size,), OPEN)
        return [
            torch.cat([self.weight_ih.new_zeros(size, self.input_size), self.weight_ih]),
            torch.cat([self.weight_hh.new_zeros(size, size), self.weight_hh]),
            torch.cat([open_reset, self.bias]),
            self.bias.new_zeros(3 * size),
        ]

    def _slopes(self, state: Tensor, gates: _Gates) -> tuple[Tensor, Tensor]:
        """Derivatives of the next state by the drives of gate and candidate."""
        update = (state - gates.candidate) * gates.update * (1 - gates.update)
        return update, (1 - gates.update) * (1 - gates.candidate**2)

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(g) + diag(dg) W_hg + diag(dc) W_hc`."""
        gates = self._gates(state, input)
        return drive_derivative(torch.stack(self._slopes(state, gates), dim=1), self.weight_hh, gates.update)

    def input_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(dg) W_ig + diag(dc) W_ic`."""
        slopes = torch.stack(self._slopes(state, self._gates(state, input)), dim=1)
        return drive_derivative(slopes, self.weight_ih)

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(g) + diag(dg) W_hg + diag(dc) W_hc`."""
        gates = self._gates(state, input)
        update, candidate = self._slopes(state, gates)
        w_update, w_candidate = self.weight_hh.chunk(2)
        return add_diagonal(add_scaled_rows(scale_rows(update, w_update), candidate, w_candidate), gates.update)

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(dg) W_ig + diag(dc) W_ic`."""
        update, candidate = self._slopes(state, self._gates(state, input))
        w_update, w_candidate = self.weight_ih.chunk(2)
        return add_scaled_rows(scale_rows(update, w_update), candidate, w_candidate)
