"""How well a network is its linearisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_tensor, check_size

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.linearization import Linearization

CHUNK = 1 << 24  # numbers in a table of distances at once
SAMPLES = 1024  # moved at once


def nearest_points(linearization: Linearization, states: Array) -> Int[Tensor, " sample"]:
    """Return for each state `(sample, state)` the number of the point that is closest to it (Euclidean distance).

    Returns
    -------
    Tensor
        `(sample,)`: rows of the linearisation.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, nearest_points
    >>> linear = linearize(lambda h, x: h + x, torch.tensor([[0.0], [1.0]]), input=torch.zeros(1))
    >>> nearest_points(linear, torch.tensor([[0.2], [0.7], [5.0]])).tolist()
    [0, 1, 1]
    """
    points, states = linearization.location, as_tensor(states, "states")
    check_size(states, points.shape[1], "states", "the linearisation's state")
    rows = max(1, CHUNK // len(points))
    return torch.cat([torch.cdist(part.to(points), points).argmin(dim=1) for part in states.split(rows)])


def predict_one_step(linearization: Linearization, states: Array, inputs: Array) -> Float[Tensor, "sample state"]:
    """Return the next states `(sample, state)` by the linear network at the point nearest to each state.

    `h' = F(h*, x*) + Jrec (h - h*) + Jinp (x - x*)`. Any number of samples, without a loop over time: what the
    Jacobians make of a change is its derivative along it, for which none of them is needed.

    Parameters
    ----------
    linearization
        Of some points.
    states, inputs
        `(sample, state)` and `(sample, input)`.

    Returns
    -------
    Tensor
        `(sample, state)`, float64.

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or values that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, predict_one_step
    >>> linear = linearize(lambda h, x: torch.tanh(h) + x, torch.zeros(1, 1), input=torch.zeros(1))
    >>> predict_one_step(linear, torch.tensor([[0.5]]), torch.tensor([[0.25]])).tolist()
    [[0.75]]

    References
    ----------
    Maheswaranathan et al. (2019), arXiv 1906.10720, section 4.1 and figure 5.
    """
    states, inputs = as_points(states), as_points(inputs, "inputs")
    check_size(inputs, linearization.input.shape[1], "inputs", "the network's input")
    if len(states) != len(inputs):
        raise InvalidInput(f"there are {len(states)} states and {len(inputs)} inputs: give one input per state")
    return _move(linearization, states, inputs)


def _move(linearization: Linearization, states: Tensor, inputs: Tensor) -> Tensor:
    nearest = nearest_points(linearization, states.nan_to_num())
    moved = [
        _step_at(linearization, *some)
        for some in zip(nearest.split(SAMPLES), states.split(SAMPLES), inputs.split(SAMPLES), strict=True)
    ]
    return torch.cat(moved)


def _step_at(linearization: Linearization, points: Tensor, states: Tensor, inputs: Tensor) -> Tensor:
    from_state = states.to(linearization.location) - linearization.location[points]
    from_input = inputs.to(linearization.input) - linearization.input[points]
    return linearization.image[points] + linearization.change(points, from_state, from_input)


def one_step_errors(
    linearization: Linearization,
    states: Array,
    inputs: Array,
    following: Array,
) -> Float[Tensor, " sample"]:
    """Return `||h' - h_lin|| / ||h'||`, where h' is the state that followed and h_lin its linear prediction.

    Of samples `(sample, state)` and `(sample, input)`. For trajectories `(batch, time, state)` flatten
    `states[:, :-1]`, `inputs[:, 1:]` and `states[:, 1:]`, and leave out padding.

    Returns
    -------
    Tensor
        `(sample,)`: 0 where the prediction is exact.

    Raises
    ------
    InvalidInput
        As for `predict_one_step`.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, one_step_errors
    >>> network = lambda h, x: torch.tanh(h) + x
    >>> linear = linearize(network, torch.zeros(1, 1), input=torch.zeros(1))
    >>> states, inputs = torch.tensor([[0.0], [0.5]]), torch.tensor([[0.25], [0.25]])
    >>> [round(error, 3) for error in one_step_errors(linear, states, inputs, network(states, inputs)).tolist()]
    [0.0, 0.053]
    """
    following = as_points(following, "following")
    predicted = predict_one_step(linearization, states, inputs)
    if following.shape != predicted.shape:
        raise InvalidInput(f"following has the shape {tuple(following.shape)}, the states {tuple(predicted.shape)}")
    truth = following.to(predicted)
    return (truth - predicted).norm(dim=1) / truth.norm(dim=1)


def linearized_states(
    linearization: Linearization,
    inputs: Array,
    initial: Array | None = None,
) -> Float[Tensor, "batch time state"]:
    """Run the linearised network freely: each state is predicted from the last *predicted* one.

    At every step of the inputs `(batch, time, input)` each sequence is moved by the linear network at the point
    nearest to it. `initial`, `(batch, state)`, is zero where it is not given. States may grow without bound where modes
    are unstable: they come back as they are.

    Returns
    -------
    Tensor
        `(batch, time, state)`, float64: the state after each input.

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or values that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import linearize, linearized_states
    >>> linear = linearize(lambda h, x: torch.tanh(h) + x, torch.zeros(1, 1), input=torch.zeros(1))
    >>> linearized_states(linear, torch.ones(1, 3, 1)).flatten().tolist()
    [1.0, 2.0, 3.0]
    """
    inputs = as_tensor(inputs, "inputs")
    if inputs.ndim != 3 or inputs.numel() == 0:
        raise InvalidInput(f"inputs must have the shape (batch, time, input), not {tuple(inputs.shape)}")
    batch, time, _ = inputs.shape
    as_points(inputs.flatten(0, 1), "inputs")
    size = linearization.location.shape[1]
    state = linearization.location.new_zeros(batch, size) if initial is None else as_points(initial, "initial")
    check_size(state, size, "initial", "the linearisation's state")
    if len(state) != batch:
        raise InvalidInput(f"initial has {len(state)} rows for {batch} sequences")
    states = []
    for step in range(time):
        state = _move(linearization, state.to(linearization.location), inputs[:, step])
        states.append(state)
    return torch.stack(states, dim=1)
