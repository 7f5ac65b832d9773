"""The vanilla recurrent network (Elman 1990)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from slowpoints.cells.base import Cell, check_sequences, initialize_layer, layer_weights, scale_rows, unit_bounds
from slowpoints.cells.derivative import Derivative, drive_derivative

if TYPE_CHECKING:
    from jaxtyping import Float


class VanillaRNN(Cell):
    """`h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`.

    Parameters
    ----------
    input_size, hidden_size
        Sizes E and H; the state is the hidden vector.
    bias
        Whether the network has biases.
    nonlinearity
        `tanh` or `relu`.
    recurrent_init
        `orthogonal`, or `identity`: units that remember at the start (Le, Jaitly & Hinton 2015).
    recurrent_gain, input_gain
        Factors on the initial recurrent and input weights.

    Raises
    ------
    ValueError
        For another nonlinearity or initialisation.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        nonlinearity: str = "tanh",
        recurrent_init: str = "orthogonal",
        recurrent_gain: float = 1.0,
        input_gain: float = 1.0,
    ) -> None:
        if recurrent_init not in ("orthogonal", "identity"):
            raise ValueError(f"recurrent_init must be orthogonal or identity, not {recurrent_init}")
        super().__init__(input_size, hidden_size)
        self.rnn = nn.RNN(input_size, hidden_size, bias=bias, nonlinearity=nonlinearity, batch_first=True)
        weights = initialize_layer(self.rnn, input_gain=input_gain, recurrent_gain=recurrent_gain)
        if recurrent_init == "identity":
            with torch.no_grad():
                weights.recurrent.copy_(recurrent_gain * torch.eye(hidden_size))

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """Units are values of tanh, in [-1, 1], or of relu, from 0 on."""
        if self.rnn.nonlinearity == "relu":
            return torch.zeros(self.hidden_size), torch.full((self.hidden_size,), torch.inf)
        return unit_bounds(self.hidden_size)

    def _drive(self, state: Tensor, input: Tensor) -> Tensor:
        weights = layer_weights(self.rnn)
        return linear(input, weights.input, weights.input_bias) + linear(
            state, weights.recurrent, weights.recurrent_bias
        )

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        drive = self._drive(state, input)
        return torch.relu(drive) if self.rnn.nonlinearity == "relu" else torch.tanh(drive)

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return the states after every input, `(batch, time, state)`."""
        check_sequences(inputs)
        initial = self.initial_states(inputs) if initial is None else initial
        states: Tensor = self.rnn(inputs, initial.unsqueeze(0))[0]
        return states

    def _slope(self, state: Tensor, input: Tensor) -> Float[Tensor, "batch hidden"]:
        drive = self._drive(state, input)
        if self.rnn.nonlinearity == "relu":
            return (drive > 0).to(drive.dtype)
        return 1 - torch.tanh(drive) ** 2

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(slope) W_hh`."""
        return drive_derivative(self._slope(state, input).unsqueeze(1), layer_weights(self.rnn).recurrent)

    def input_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with `diag(slope) W_ih`."""
        return drive_derivative(self._slope(state, input).unsqueeze(1), layer_weights(self.rnn).input)

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(slope) W_hh`."""
        return scale_rows(self._slope(state, input), layer_weights(self.rnn).recurrent)

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return `diag(slope) W_ih`."""
        return scale_rows(self._slope(state, input), layer_weights(self.rnn).input)
