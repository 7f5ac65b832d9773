"""How well a network is its linearisation, and how it comes to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import InvalidInput, as_points, as_tensor, check_count, check_precision, check_size
from slowpoints.dynamics.system import as_system

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float, Int

    from slowpoints.cells.jacobians import Step
    from slowpoints.dynamics.calls import GivenStep
    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.linearization import Linearization

CHUNK = 1 << 24  # numbers in a table of distances at once
SAMPLES = 1024  # moved at once


def nearest_points(linearization: Linearization, states: Array) -> Int[Tensor, " sample"]:
    """Return for each state `(sample, state)` the number of the point that is closest to it (Euclidean distance)."""
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

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or values that are not finite.

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

    Raises
    ------
    InvalidInput
        As for `predict_one_step`.
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

    At every token of the inputs `(batch, time, input)` each sequence is moved by the linear network at the point
    nearest to it. `initial`, `(batch, state)`, is zero where it is not given. States may grow without bound where modes
    are unstable: they come back as they are.

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or values that are not finite.
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
    for token in range(time):
        state = _move(linearization, state.to(linearization.location), inputs[:, token])
        states.append(state)
    return torch.stack(states, dim=1)


def relaxation(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    steps: int = 50,
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "step point"]:
    """Return `||h_{t+1} - h_t|| / ||h_t||` while a network runs under constant input, zero where None.

    Parameters
    ----------
    network, states, input, step
        As for `find_fixed_points`.
    steps
        How many tokens to run.
    dtype
        Precision of the run and of its result.

    Returns
    -------
    Tensor
        `(step, point)`.

    Raises
    ------
    InvalidInput
        As for `find_fixed_points`.
    """
    check_count(steps, "steps")
    check_precision(dtype)
    with torch.inference_mode(False), torch.no_grad():
        system, state, inputs = as_system(network, as_points(states), input, dtype, step)
        changes = []
        for _ in range(steps):
            following = system.step(state, inputs)
            changes.append((following - state).norm(dim=1) / state.norm(dim=1))
            state = following
    return torch.stack(changes)


def follow(
    network: Step | nn.Module,
    states: Array,
    input: Array | None = None,
    *,
    steps: int,
    observe: Callable[[Tensor], Tensor],
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return what is observed of a network that runs under constant input, zero where None: at first, and each token.

    Parameters
    ----------
    network, states, input, step
        As for `find_fixed_points`.
    steps
        How many tokens to run.
    observe
        What to keep of the states `(point, state)`: an entry for each point.
    dtype
        Precision of the run.

    Returns
    -------
    Tensor
        `(step + 1, point, ...)`.

    Raises
    ------
    InvalidInput
        As for `find_fixed_points`.
    """
    check_count(steps, "steps")
    check_precision(dtype)
    with torch.inference_mode(False), torch.no_grad():
        system, state, inputs = as_system(network, as_points(states), input, dtype, step)
        observed = [observe(state)]
        for _ in range(steps):
            state = system.step(state, inputs)
            observed.append(observe(state))
    return torch.stack(observed)
