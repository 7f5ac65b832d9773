"""The long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from slowpoints.cells.base import (
    Cell,
    add_scaled_rows,
    check_sequences,
    initialize_layer,
    layer_weights,
    scale_rows,
    unit_bounds,
)
from slowpoints.cells.derivative import Derivative, Rows


class _Gates(NamedTuple):
    input: Tensor
    forget: Tensor
    candidate: Tensor
    output: Tensor


class LSTM(Cell):
    """`c' = f * c + i * g`, `h' = o * tanh(c')`; the state is h and c, concatenated.

    The gates `i, f, o = sigmoid(W x + b + U h + d)` and `g = tanh(...)` depend on h only, not on c.

    Parameters
    ----------
    input_size, hidden_size
        Sizes E and H; the state has 2 H entries.
    bias
        Whether the network has biases.
    forget_bias
        Initial bias of the forget gate: above zero, units remember longer at the start (Jozefowicz et al. 2015).
    recurrent_gain, input_gain
        Factors on the initial recurrent and input weights.
    readout_cell_state
        Whether a readout sees h and c, or h only.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        forget_bias: float = 1.0,
        recurrent_gain: float = 1.0,
        input_gain: float = 1.0,
        readout_cell_state: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.readout_cell_state = readout_cell_state
        self.rnn = nn.LSTM(input_size, hidden_size, bias=bias, batch_first=True)
        weights = initialize_layer(self.rnn, input_gain=input_gain, recurrent_gain=recurrent_gain)
        if weights.input_bias is not None:
            nn.init.constant_(weights.input_bias[hidden_size : 2 * hidden_size], forget_bias)

    @property
    def state_size(self) -> int:
        """Size of the full state: hidden and cell state, 2 H."""
        return 2 * self.hidden_size

    @property
    def readout_size(self) -> int:
        """How many entries of the state a readout sees: H, or 2 H where it sees the cell state, too."""
        return self.state_size if self.readout_cell_state else self.hidden_size

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The hidden state is in [-1, 1], a gate times a tanh; the cell state has no bounds."""
        lower, upper = super().bounds
        lower[: self.hidden_size], upper[: self.hidden_size] = unit_bounds(self.hidden_size)
        return lower, upper

    def _gates(self, hidden: Tensor, input: Tensor) -> _Gates:
        weights = layer_weights(self.rnn)
        drive = linear(input, weights.input, weights.input_bias) + linear(
            hidden, weights.recurrent, weights.recurrent_bias
        )
        i, f, g, o = drive.chunk(4, dim=-1)
        return _Gates(torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o))

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        hidden, cell = state.chunk(2, dim=-1)
        gates = self._gates(hidden, input)
        cell = gates.forget * cell + gates.input * gates.candidate
        return torch.cat([gates.output * torch.tanh(cell), cell], dim=-1)

    def hidden_states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return what a readout sees after every input, `(batch, time, readout)`."""
        if self.readout_cell_state:
            return self.states(inputs, initial)
        check_sequences(inputs)
        return self._fused(inputs, self.initial_states(inputs) if initial is None else initial)

    def _fused(self, inputs: Tensor, initial: Tensor) -> Tensor:
        """Return the hidden states after every input, `(batch, time, hidden)`."""
        hidden, cell = initial.unsqueeze(0).chunk(2, dim=-1)
        states: Tensor = self.rnn(inputs, (hidden.contiguous(), cell.contiguous()))[0]
        return states

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return hidden and cell states after every input, `(batch, time, state)`.

        The fused kernel returns the hidden states only. Since all gates at all times depend on them and the inputs, one
        matrix product gives the gates, and the cell states follow by an elementwise recurrence.
        """
        check_sequences(inputs)
        initial = self.initial_states(inputs) if initial is None else initial
        first_hidden, cell = initial.chunk(2, dim=-1)
        hidden = self._fused(inputs, initial)
        before = torch.cat([first_hidden.unsqueeze(1), hidden[:, :-1]], dim=1)
        gates = self._gates(before, inputs)
        cells = []
        for forget, gain in zip(gates.forget.unbind(1), (gates.input * gates.candidate).unbind(1), strict=True):
            cell = torch.addcmul(gain, forget, cell)
            cells.append(cell)
        return torch.cat([hidden, torch.stack(cells, dim=1)], dim=-1)

    def _cell_slopes(self, cell: Tensor, gates: _Gates) -> tuple[Tensor, Tensor, Tensor]:
        """Derivatives of the next cell state by the drives of input gate, forget gate and candidate."""
        return (
            gates.candidate * gates.input * (1 - gates.input),
            cell * gates.forget * (1 - gates.forget),
            gates.input * (1 - gates.candidate**2),
        )

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `[[dh'/dh, dh'/dc], [dc'/dh, dc'/dc]]`; the gates see h only."""
        rows = self._rows(state, input)
        weight = layer_weights(self.rnn).recurrent

        def forward(rows: Rows, v: Tensor) -> Tensor:
            hidden, cell = v.chunk(2, dim=-1)
            return _from_drives(rows, hidden @ weight.T, rows[2] * cell)

        def backward(rows: Rows, u: Tensor) -> Tensor:
            drives, of_cell = _to_drives(rows, u)
            return torch.cat([drives @ weight, rows[2] * of_cell], dim=-1)

        return Derivative(rows, forward, backward)

    def input_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `[dh'/dx, dc'/dx]`."""
        weight = layer_weights(self.rnn).input
        return Derivative(
            self._rows(state, input),
            lambda rows, v: _from_drives(rows, v @ weight.T, torch.zeros_like(rows[2])),
            lambda rows, u: _to_drives(rows, u)[0] @ weight,
        )

    def _rows(self, state: Tensor, input: Tensor) -> Rows:
        """Return the slopes of c' (by the first three drives) and h' (by the last), `dh'/dc'`, and `dc'/dc`."""
        hidden, cell = state.chunk(2, dim=-1)
        gates = self._gates(hidden, input)
        squashed = torch.tanh(gates.forget * cell + gates.input * gates.candidate)
        of_output = squashed * gates.output * (1 - gates.output)
        slopes = torch.stack([*self._cell_slopes(cell, gates), of_output], dim=1)
        return slopes, gates.output * (1 - squashed**2), gates.forget

    def _jacobian(self, state: Tensor, input: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Derivatives of h' and c' through the gates' drives by what `weight` multiplies, and of h' by c'."""
        hidden, cell = state.chunk(2, dim=-1)
        gates = self._gates(hidden, input)
        d_input, d_forget, d_candidate = self._cell_slopes(cell, gates)
        squashed = torch.tanh(gates.forget * cell + gates.input * gates.candidate)
        hidden_by_cell = gates.output * (1 - squashed**2)
        w_input, w_forget, w_candidate, w_output = weight.chunk(4)
        of_cell = add_scaled_rows(scale_rows(d_input, w_input), d_forget, w_forget)
        of_cell = add_scaled_rows(of_cell, d_candidate, w_candidate)
        of_hidden = hidden_by_cell.unsqueeze(-1) * of_cell
        of_hidden = add_scaled_rows(of_hidden, squashed * gates.output * (1 - gates.output), w_output)
        return of_hidden, of_cell, torch.stack([hidden_by_cell * gates.forget, gates.forget])

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the blocks `[[dh'/dh, dh'/dc], [dc'/dh, dc'/dc]]`; those by c are diagonal."""
        of_hidden, of_cell, by_cell = self._jacobian(state, input, layer_weights(self.rnn).recurrent)
        size = self.hidden_size
        jacobian = of_hidden.new_zeros(state.shape[0], 2 * size, 2 * size)
        jacobian[:, :size, :size] = of_hidden
        jacobian[:, size:, :size] = of_cell
        jacobian[:, :size, size:].diagonal(dim1=-2, dim2=-1).copy_(by_cell[0])
        jacobian[:, size:, size:].diagonal(dim1=-2, dim2=-1).copy_(by_cell[1])
        return jacobian

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the blocks `[dh'/dx, dc'/dx]`."""
        of_hidden, of_cell, _ = self._jacobian(state, input, layer_weights(self.rnn).input)
        return torch.cat([of_hidden, of_cell], dim=1)


def _from_drives(rows: Rows, drives: Tensor, of_cell: Tensor) -> Tensor:
    """Return the change of h' and c' with changes of the drives, and of c' past them."""
    slopes, hidden_by_cell, _ = rows
    changes = drives.view_as(slopes) * slopes
    cell = changes[:, :3].sum(dim=1) + of_cell
    return torch.cat([torch.addcmul(changes[:, 3], hidden_by_cell, cell), cell], dim=-1)


def _to_drives(rows: Rows, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return the transpose of `_from_drives`: what reaches the drives, and c'."""
    slopes, hidden_by_cell, _ = rows
    of_hidden, of_cell = u.chunk(2, dim=-1)
    of_cell = torch.addcmul(of_cell, hidden_by_cell, of_hidden)
    return (slopes * torch.stack([of_cell, of_cell, of_cell, of_hidden], dim=1)).flatten(1), of_cell
