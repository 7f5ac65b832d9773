"""The gated recurrent unit (Cho et al. 2014), in torch's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from slowpoints.cells.base import (
    Cell,
    add_diagonal,
    add_scaled_rows,
    check_sequences,
    initialize_layer,
    layer_weights,
    scale_rows,
    unit_bounds,
)
from slowpoints.cells.derivative import Derivative, drive_derivative

if TYPE_CHECKING:
    from jaxtyping import Float


class _Gates(NamedTuple):
    reset: Float[Tensor, "batch hidden"]
    update: Float[Tensor, "batch hidden"]
    candidate: Float[Tensor, "batch hidden"]
    recurrent: Float[Tensor, "batch hidden"]  # what the reset gate multiplies


class GRU(Cell):
    """`h' = z * h + (1 - z) * n`, with update gate z, reset gate r and candidate n.

    `r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)`, `z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)`,
    `n = tanh(W_in x + b_in + r * (W_hn h + b_hn))`: the reset gate acts after the matrix product.

    Parameters
    ----------
    input_size, hidden_size
        Sizes E and H; the state is the hidden vector.
    bias
        Whether the network has biases.
    update_bias
        Initial bias of the update gate: above zero, units remember longer at the start.
    recurrent_gain, input_gain
        Factors on the initial recurrent and input weights.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        update_bias: float = 1.0,
        recurrent_gain: float = 1.0,
        input_gain: float = 1.0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.rnn = nn.GRU(input_size, hidden_size, bias=bias, batch_first=True)
        weights = initialize_layer(self.rnn, input_gain=input_gain, recurrent_gain=recurrent_gain)
        if weights.input_bias is not None:
            nn.init.constant_(weights.input_bias[hidden_size : 2 * hidden_size], update_bias)

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """All units stay in [-1, 1]: each step averages the state and a tanh."""
        return unit_bounds(self.hidden_size)

    def _gates(self, state: Tensor, input: Tensor) -> _Gates:
        weights = layer_weights(self.rnn)
        from_input = linear(input, weights.input, weights.input_bias).chunk(3, dim=-1)
        from_state = linear(state, weights.recurrent, weights.recurrent_bias).chunk(3, dim=-1)
        reset = torch.sigmoid(from_input[0] + from_state[0])
        update = torch.sigmoid(from_input[1] + from_state[1])
        candidate = torch.tanh(from_input[2] + reset * from_state[2])
        return _Gates(reset, update, candidate, from_state[2])

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        gates = self._gates(state, input)
        return gates.candidate + gates.update * (state - gates.candidate)

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return the states after every input, `(batch, time, state)`."""
        check_sequences(inputs)
        initial = self.initial_states(inputs) if initial is None else initial
        states: Tensor = self.rnn(inputs, initial.unsqueeze(0))[0]
        return states

    def _slopes(self, state: Tensor, gates: _Gates) -> tuple[Tensor, Tensor, Tensor]:
        """Derivatives of the next state by the drives of reset gate, update gate and candidate."""
        candidate = (1 - gates.update) * (1 - gates.candidate**2)
        update = (state - gates.candidate) * gates.update * (1 - gates.update)
        reset = candidate * gates.recurrent * gates.reset * (1 - gates.reset)
        return reset, update, candidate

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(z) + diag(dr) W_hr + diag(dz) W_hz + diag(dn r) W_hn`."""
        gates = self._gates(state, input)
        reset, update, candidate = self._slopes(state, gates)
        slopes = torch.stack([reset, update, candidate * gates.reset], dim=1)
        return drive_derivative(slopes, layer_weights(self.rnn).recurrent, gates.update)

    def input_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(dr) W_ir + diag(dz) W_iz + diag(dn) W_in`."""
        slopes = torch.stack(self._slopes(state, self._gates(state, input)), dim=1)
        return drive_derivative(slopes, layer_weights(self.rnn).input)

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(z) + diag(dz) W_hz + diag(dn r) W_hn + diag(dr) W_hr`."""
        gates = self._gates(state, input)
        reset, update, candidate = self._slopes(state, gates)
        w_reset, w_update, w_candidate = layer_weights(self.rnn).recurrent.chunk(3)
        jacobian = scale_rows(update, w_update)
        jacobian = add_scaled_rows(jacobian, candidate * gates.reset, w_candidate)
        return add_diagonal(add_scaled_rows(jacobian, reset, w_reset), gates.update)

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(dz) W_iz + diag(dn) W_in + diag(dr) W_ir`."""
        reset, update, candidate = self._slopes(state, self._gates(state, input))
        w_reset, w_update, w_candidate = layer_weights(self.rnn).input.chunk(3)
        jacobian = add_scaled_rows(scale_rows(update, w_update), candidate, w_candidate)
        return add_scaled_rows(jacobian, reset, w_reset)
