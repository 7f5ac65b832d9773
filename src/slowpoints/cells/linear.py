"""The linear recurrent network, in the basis of its eigenvectors (Orvieto et al. 2023, arXiv 2303.06349)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from slowpoints.cells.base import Cell, check_sequences
from slowpoints.cells.derivative import Derivative, drive_derivative

if TYPE_CHECKING:
    from jaxtyping import Complex, Float


class Linear(Cell):
    """`h' = A h + B x`, where A is made of real eigenvalues and of pairs of complex ones.

    Almost every real matrix can be diagonalised, and the basis of the state is free, so A is block-diagonal: first real
    eigenvalues `exp(-1 / tau)`, then rotations by `omega` that shrink by `exp(-1 / tau)`, a pair in units `i` and
    `i + pairs`. The time constants tau are positive by construction, so that the network is stable.

    Parameters
    ----------
    input_size, hidden_size
        Sizes E and H; the state is the hidden vector.
    pairs
        How many pairs of complex eigenvalues; the other `H - 2 pairs` are real. None: a quarter of H, so that half of
        the units belong to pairs.
    longest
        Largest time constant at the start, in steps; the others are spread log-uniformly from 1 on.

    Raises
    ------
    ValueError
        If there are more pairs than units for them, or `longest` is not above 1.
    """

    def __init__(self, input_size: int, hidden_size: int, *, pairs: int | None = None, longest: float = 1000.0) -> None:
        super().__init__(input_size, hidden_size)
        self.pairs = hidden_size // 4 if pairs is None else pairs
        self.real = hidden_size - 2 * self.pairs
        if self.pairs < 0 or self.real < 0:
            raise ValueError(f"pairs must be from 0 to {hidden_size // 2}, half the {hidden_size} units, not {pairs}")
        if not longest > 1:
            raise ValueError(f"longest must be above 1, not {longest}")
        spread = [torch.logspace(0, math.log10(longest), count) for count in (self.real, self.pairs)]
        self.log_time_constant = nn.Parameter(torch.cat(spread).log())
        self.frequency = nn.Parameter(1 / spread[1])  # radians per step: a mode turns about as fast as it decays
        self.input = nn.Parameter(torch.empty(hidden_size, input_size).normal_(std=input_size**-0.5))
        with torch.no_grad():  # every mode gets a state of unit variance for white input
            scale = torch.sqrt(1 - torch.exp(-2 * torch.exp(-self.log_time_constant)))
            self.input.mul_(torch.cat([scale, scale[self.real :]])[:, None])

    @property
    def eigenvalues(self) -> Complex[Tensor, " mode"]:
        """The real eigenvalues, and the one of every pair that turns forwards."""
        angle = torch.cat([torch.zeros_like(self.log_time_constant[: self.real]), self.frequency])
        return torch.polar(torch.exp(-torch.exp(-self.log_time_constant)), angle)

    @property
    def recurrent(self) -> Float[Tensor, "state state"]:
        """The matrix A."""
        real, turning = self.eigenvalues.split([self.real, self.pairs])
        diagonal = torch.diag(torch.cat([real.real, turning.real, turning.real]))
        if not self.pairs:
            return diagonal
        above = torch.diag(pad(turning.imag, (self.real, 0)), self.pairs)
        return diagonal + above.T - above

    def step(self, state: Tensor, input: Tensor) -> Tensor:
        """Return the state one step later."""
        return linear(state, self.recurrent) + linear(input, self.input)

    def states(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Return the states after every input, `(batch, time, state)`, without a loop over time."""
        check_sequences(inputs)
        drive = linear(inputs, self.input)
        if initial is None and self.initial_state is not None:
            initial = self.initial_states(inputs)
        if initial is not None:
            drive = drive + pad(linear(initial, self.recurrent).unsqueeze(1), (0, 0, 0, inputs.shape[1] - 1))
        real, first, second = drive.split([self.real, self.pairs, self.pairs], dim=-1)
        eigenvalues = self.eigenvalues
        turned = _decaying_sums(torch.complex(first, second), eigenvalues[self.real :])
        return torch.cat([_decaying_sums(real, eigenvalues[: self.real].real), turned.real, turned.imag], dim=-1)

    def state_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with A."""
        return drive_derivative(torch.ones_like(state).unsqueeze(1), self.recurrent)

    def input_derivative(self, state: Tensor, input: Tensor) -> Derivative:
        """Return the products with B."""
        return drive_derivative(torch.ones_like(state).unsqueeze(1), self.input)

    def recurrent_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return A for every state."""
        return self.recurrent.repeat(len(state), 1, 1)

    def input_jacobian(self, state: Tensor, input: Tensor) -> Tensor:
        """Return B for every state."""
        return self.input.repeat(len(state), 1, 1)


def _decaying_sums(inputs: Tensor, factor: Tensor) -> Tensor:
    """Return `sum over ages a of factor ** a * inputs[t - a]` at each time t, `(batch, time, mode)`.

    Sums over twice as many ages come from two of the sums before, so that it takes log2(time) operations (Hillis and
    Steele 1986).
    """
    sums, ages = inputs, 1
    while ages < inputs.shape[1]:
        sums = sums + pad(factor * sums[:, :-ages], (0, 0, ages, 0))
        factor, ages = factor**2, 2 * ages
    return sums
