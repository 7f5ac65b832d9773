"""What a network visits: states, initial ones for the search among them, and how far it moves in a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_tensor, check_count, check_size

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.dynamics.checks import Array


def visited_states(states: Array, lengths: Array | Sequence[int]) -> Float[Tensor, "point state"]:
    """Return the states of padded trajectories `(batch, time, state)`, without those after the lengths `(batch,)`.

    Returns
    -------
    Tensor
        `(point, state)`: trajectory by trajectory, in the order of time.

    Raises
    ------
    InvalidInput
        Where lengths and trajectories do not fit.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import visited_states
    >>> visited_states(torch.arange(6.0).reshape(2, 3, 1), lengths=[2, 1]).flatten().tolist()
    [0.0, 1.0, 3.0]
    """
    states, lengths = _as_trajectories(states), _as_lengths(lengths)
    return states[_inside(states, lengths)]


def _as_trajectories(states: Array) -> Float[Tensor, "batch time state"]:
    if not isinstance(states, Tensor | np.ndarray):
        raise InvalidInput(f"states must be a padded tensor (batch, time, state), not a {type(states).__name__}")
    states = as_tensor(states, "states")
    if states.ndim != 3:
        raise InvalidInput(f"trajectories have the shape (batch, time, state), not {tuple(states.shape)}")
    return states


def _as_lengths(lengths: Array | Sequence[int]) -> Int[Tensor, " batch"]:
    return as_tensor(np.asarray(lengths) if isinstance(lengths, Sequence) else lengths, "lengths")


def _inside(states: Tensor, lengths: Tensor) -> Bool[Tensor, "batch time"]:
    if lengths.shape != states.shape[:1]:
        raise InvalidInput(
            "trajectories (batch, time, state) need lengths (batch,), not "
            f"{tuple(states.shape)} and {tuple(lengths.shape)}"
        )
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= states.shape[1]:
        raise InvalidInput(f"lengths must be between 0 and the {states.shape[1]} steps of the trajectories")
    time = torch.arange(states.shape[1], device=states.device)
    return time < lengths.to(states.device).unsqueeze(1)


def typical_step(states: Array, lengths: Array | Sequence[int] | None = None, initial: Array | None = None) -> float:
    """Return how far a network moves in one step while it does its task: the median of `||h(t+1) - h(t)||`.

    It is the unit of relative speed (`find_fixed_points(..., typical_step=...)`): what is slow beside it is slow,
    whatever the scale of the states.

    Parameters
    ----------
    states
        Padded trajectories `(batch, time, state)`.
    lengths
        How many states of each trajectory there are, `(batch,)`; all where None.
    initial
        The state before the first, `(state,)` or `(batch, state)`, where the step from it counts too.

    Returns
    -------
    float
        In the unit of the state.

    Raises
    ------
    InvalidInput
        Where shapes do not fit, no trajectory has two states, or a state within the lengths is not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import typical_step
    >>> states = torch.tensor([[[1.0], [3.0], [6.0], [6.5]]])
    >>> typical_step(states), typical_step(states, lengths=[2], initial=torch.zeros(1))  # of 2, 3, .5; of 1, 2
    (2.0, 1.0)
    """
    states = _as_trajectories(states)
    lengths = torch.full((len(states),), states.shape[1]) if lengths is None else _as_lengths(lengths)
    inside = _inside(states, lengths)
    steps = states.diff(dim=1).norm(dim=2)[inside[:, 1:]]
    if initial is not None:
        before = as_points(initial, "initial").to(states)
        check_size(before, states.shape[2], "initial", "the state")
        if len(before) not in (1, len(states)):
            raise InvalidInput(f"initial has {len(before)} rows for {len(states)} trajectories")
        steps = torch.cat([steps, (states[:, :1] - before.unsqueeze(1)).norm(dim=2)[inside[:, :1]]])
    if not len(steps):
        raise InvalidInput("no trajectory has two states: there is no step")
    if not torch.isfinite(steps).all():
        raise InvalidInput("states holds NaN or infinite values: find out where they come from")
    return steps.median().item()


def sample_states(states: Array, count: int, *, seed: int = 0, noise: float = 0.0) -> Float[Tensor, "count state"]:
    """Draw states at random from those visited, without replacement, the same ones for the same seed.

    Parameters
    ----------
    states
        Visited states `(point, state)`; for padded trajectories see `visited_states`.
    count
        How many to draw. With noise, states are drawn again where there are fewer.
    seed
        Of the random numbers, which are drawn on the CPU whatever the states' device.
    noise
        Standard deviation of normal noise added to every entry, in units of the state.

    Returns
    -------
    Tensor
        `(count, state)`, in the precision and on the device of the states.

    Raises
    ------
    InvalidInput
        For wrong shapes or values, negative noise, or fewer states than `count` without noise.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import sample_states
    >>> sample_states(torch.randn(1000, 3), 5).shape
    torch.Size([5, 3])
    """
    points = as_points(states)
    check_count(count, "count")
    if not noise >= 0:
        raise InvalidInput(f"noise must be 0 or more, not {noise}")
    if count > len(points) and noise == 0:
        raise InvalidInput(f"cannot draw {count} of {len(points)} states without noise: they would repeat")
    generator = torch.Generator().manual_seed(int(seed))
    rounds = -(-count // len(points))
    order = torch.cat([torch.randperm(len(points), generator=generator) for _ in range(rounds)])[:count]
    sample = points[order.to(points.device)]
    if noise:
        normal = torch.randn(sample.shape, generator=generator, dtype=torch.float64)
        sample = sample + noise * normal.to(sample)
    return sample
