"""What every recurrent cell can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from slowpoints.cells.derivative import Derivative, automatic_derivative
from slowpoints.cells.jacobians import automatic_jacobian

if TYPE_CHECKING:
    from jaxtyping import Float


class Cell(nn.Module, ABC):
    """A discrete-time recurrent network: the next state from a state and an input.

    A new architecture needs `step` and `states`; the derivatives and Jacobians follow by automatic differentiation,
    and a closed form can replace them for speed.

    Parameters
    ----------
    input_size
        Number of inputs at one time step, E.
    hidden_size
        Number of units, H.

    Attributes
    ----------
    initial_state
        `(state,)`: where sequences start, a parameter; None for zero (`train_initial_state` makes it one).
    """

    initial_state: nn.Parameter | None

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.register_parameter("initial_state", None)

    @property
    def readout_size(self) -> int:
        """How many entries of the state a readout sees, the first ones."""
        return self.hidden_size

    @property
    def state_size(self) -> int:
        """Size of the full state, N: all that the next step depends on."""
        return self.hidden_size

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper limits `(state,)` within which every state stays, once there; infinite where there is none.

        From an initial state within them (zero, for instance) no input leads out. Points beyond may stand still, where
        a gate is shut to the last bit, but the network never comes there.
        """
        endless = torch.full((self.state_size,), torch.inf)
        return -endless, endless

    def hidden(self, state: Float[Tensor, "... state"]) -> Float[Tensor, "... hidden"]:
        """Return the part of the state that a readout sees."""
        return state[..., : self.readout_size]

    def train_initial_state(self) -> None:
        """Make the state in which sequences start a parameter; it starts at zero."""
        self.initial_state = nn.Parameter(torch.zeros(self.state_size))

    def initial_states(self, like: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch state"]:
        """Return the state in which sequences start, once for each row of `like`, in its precision and on its device.

        Where it is a parameter it is kept within `bounds`, so that no state of the network is beyond them.
        """
        if self.initial_state is None:
            return like.new_zeros(len(like), self.state_size)
        lower, upper = (limit.to(self.initial_state) for limit in self.bounds)
        return self.initial_state.clamp(lower, upper).to(like).repeat(len(like), 1)

    @abstractmethod
    def step(
        self, state: Float[Tensor, "batch state"], input: Float[Tensor, "batch input"]
    ) -> Float[Tensor, "batch state"]:
        """Return the state one step later, by plain operations of any dtype."""

    @abstractmethod
    def states(
        self, inputs: Float[Tensor, "batch time input"], initial: Float[Tensor, "batch state"] | None = None
    ) -> Float[Tensor, "batch time state"]:
        """Return the states after every input of whole sequences, by fused kernels.

        Sequences of different lengths are padded on the right: a state depends on earlier inputs only, so those
        before a sequence's end are right whatever the padding. Where `initial` is not given, it is
        that of `initial_states`.
        """

    def hidden_states(
        self, inputs: Float[Tensor, "batch time input"], initial: Float[Tensor, "batch state"] | None = None
    ) -> Float[Tensor, "batch time hidden"]:
        """Return what a readout sees after every input: the training path, at no more than it costs."""
        return self.hidden(self.states(inputs, initial))

    def state_derivative(self, state: Float[Tensor, "batch state"], input: Float[Tensor, "batch input"]) -> Derivative:
        """Return `d step / d state` as products with vectors."""
        return automatic_derivative(self.step, 0, state, input)

    def input_derivative(self, state: Float[Tensor, "batch state"], input: Float[Tensor, "batch input"]) -> Derivative:
        """Return `d step / d input` as products with vectors."""
        return automatic_derivative(self.step, 1, state, input)

    def recurrent_jacobian(
        self, state: Float[Tensor, "batch state"], input: Float[Tensor, "batch input"]
    ) -> Float[Tensor, "batch state state"]:
        """Return `d step / d state`, entry [b, i, j] the derivative of unit i by unit j."""
        return automatic_jacobian(self.step, 0)(state, input)

    def input_jacobian(
        self, state: Float[Tensor, "batch state"], input: Float[Tensor, "batch input"]
    ) -> Float[Tensor, "batch state input"]:
        """Return `d step / d input`, entry [b, i, j] the derivative of unit i by input j."""
        return automatic_jacobian(self.step, 1)(state, input)


def unit_bounds(size: int) -> tuple[Tensor, Tensor]:
    """Return the bounds of units that are averages of values of tanh."""
    return -torch.ones(size), torch.ones(size)


class LayerWeights(NamedTuple):
    """Weights and biases of one layer of a torch RNN module, gates below one another."""

    input: Float[Tensor, "gates_hidden input"]
    recurrent: Float[Tensor, "gates_hidden hidden"]
    input_bias: Float[Tensor, " gates_hidden"] | None
    recurrent_bias: Float[Tensor, " gates_hidden"] | None


def layer_weights(rnn: nn.RNNBase) -> LayerWeights:
    """Return the weights of a module of one layer."""
    return LayerWeights(
        *(getattr(rnn, f"{name}_l0", None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))  # type: ignore[arg-type]
    )


def check_sequences(inputs: object) -> None:
    """Refuse inputs of whole sequences that are not padded to one tensor."""
    if isinstance(inputs, PackedSequence):
        raise TypeError(
            "states are computed from padded sequences (batch, time, input), not from a PackedSequence: unpack it by "
            "torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True), and leave out the padding afterwards by "
            "slowpoints.dynamics.visited_states(states, lengths)"
        )


def scale_rows(scale: Float[Tensor, "batch row"], matrix: Float[Tensor, "row column"]) -> Tensor:
    """Return `diag(scale) @ matrix` for every element of the batch."""
    return scale.unsqueeze(-1) * matrix


def add_scaled_rows(
    total: Float[Tensor, "batch row column"], scale: Float[Tensor, "batch row"], matrix: Tensor
) -> Tensor:
    """Return `total + diag(scale) @ matrix` in one pass over memory."""
    return torch.addcmul(total, scale.unsqueeze(-1), matrix)


def add_diagonal(matrix: Float[Tensor, "batch n n"], diagonal: Float[Tensor, "batch n"]) -> Tensor:
    """Add to the diagonal of every matrix, in place."""
    matrix.diagonal(dim1=-2, dim2=-1).add_(diagonal)
    return matrix


def initialize_gates(
    input_weight: Tensor, recurrent_weight: Tensor, *, input_gain: float, recurrent_gain: float
) -> None:
    """Draw the weights of all gates: inputs by Glorot and Bengio (2010), recurrent ones orthogonal, gate by gate.

    Orthogonal recurrent weights (Saxe, McClelland & Ganguli 2014) keep signals and gradients from vanishing at first.
    """
    hidden_size = recurrent_weight.shape[1]
    for block in input_weight.split(hidden_size):
        nn.init.xavier_uniform_(block, gain=input_gain)
    for block in recurrent_weight.split(hidden_size):
        nn.init.orthogonal_(block, gain=recurrent_gain)


def initialize_layer(rnn: nn.RNNBase, *, input_gain: float, recurrent_gain: float) -> LayerWeights:
    """Draw the weights of a module of one layer, set its biases to zero, and return them."""
    weights = layer_weights(rnn)
    initialize_gates(weights.input, weights.recurrent, input_gain=input_gain, recurrent_gain=recurrent_gain)
    for bias in (weights.input_bias, weights.recurrent_bias):
        if bias is not None:
            nn.init.zeros_(bias)
    return weights
