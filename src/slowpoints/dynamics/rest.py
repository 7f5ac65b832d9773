"""What a network does under constant input: how it comes to rest, and how far it drifts until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from slowpoints.dynamics.checks import as_points, as_readout, check_count, check_precision
from slowpoints.dynamics.fixed_points import FixedPoints
from slowpoints.dynamics.system import as_system

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.cells.jacobians import Step
    from slowpoints.dynamics.calls import GivenStep
    from slowpoints.dynamics.checks import Array


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
        How many steps to run.
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

    Examples
    --------
    >>> import torch
    >>> from slowpoints import relaxation
    >>> relaxation(lambda h: 0.5 * h, torch.ones(1, 2), steps=3).flatten().tolist()
    [0.5, 0.5, 0.5]
    """
    changes: list[Tensor] = []

    def note(state: Tensor, following: Tensor) -> None:
        changes.append((following - state).norm(dim=1) / state.norm(dim=1))

    _run(network, as_points(states), input, steps, step, dtype, note)
    return torch.stack(changes)


def drift(
    network: Step | nn.Module,
    points: FixedPoints | Array,
    steps: int,
    input: Array | None = None,
    *,
    step: GivenStep | None = None,
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "point state"]:
    """Return how far, and where to, a network under constant input has moved from each point after some steps.

    A line of slow points is a memory for as long as its points drift little: `manifold.share(moved)` says it as a share
    of the line, `readout_change(moved, weights)` as what is read out.

    Parameters
    ----------
    network, step
        As for `find_fixed_points`.
    points
        `FixedPoints`, or states `(point, state)`.
    steps
        How many steps to run: as many as an input to be remembered lasts.
    input
        The constant input x, `(input,)` or `(point, input)`. Where None, those of the `FixedPoints`, or zero.
    dtype
        Precision of the run and of its result.

    Returns
    -------
    Tensor
        `(point, state)`: the last state less the first.

    Raises
    ------
    InvalidInput
        As for `find_fixed_points`.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import drift
    >>> leak = torch.tensor([0.99, 0.5])
    >>> drift(lambda h: leak * h, torch.tensor([[1.0, 0.0], [-0.5, 0.0]]), steps=10)[:, 0].round(decimals=3).tolist()
    [-0.096, 0.048]
    """
    if isinstance(points, FixedPoints):
        input = points.input if input is None else input
        points = points.location
    first, last = _run(network, as_points(points, "points"), input, steps, step, dtype)
    return last - first


def readout_change(moved: Array, readout: Array) -> Float[Tensor, "point readout"]:
    """Return what displacements of the state `(point, state)` change in what is read out.

    Parameters
    ----------
    moved
        Such as `drift` returns.
    readout
        Readout weights `(readout, hidden)`, or `(hidden,)` for one, which see the first entries of the state, or all.

    Returns
    -------
    Tensor
        `(point, readout)`, in the unit of what is read out.

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or values that are not finite.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import readout_change
    >>> readout_change(torch.tensor([[0.5, 1.0, 9.0]]), torch.tensor([2.0, -1.0])).tolist()  # it sees two of three
    [[0.0]]
    """
    moved = as_points(moved, "moved")
    rows = as_readout(readout, moved.shape[1]).to(moved)
    return moved[:, : rows.shape[1]] @ rows.T


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
    """Return what is observed of a network that runs under constant input, zero where None: at first, and at each step.

    Parameters
    ----------
    network, states, input, step
        As for `find_fixed_points`.
    steps
        How many steps to run.
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

    Examples
    --------
    >>> import torch
    >>> from slowpoints import follow
    >>> follow(lambda h: 0.5 * h, torch.ones(1, 2), steps=2, observe=lambda state: state[:, 0]).tolist()
    [[1.0], [0.5], [0.25]]
    """
    observed: list[Tensor] = []

    def note(state: Tensor, following: Tensor) -> None:
        if not observed:
            observed.append(observe(state))
        observed.append(observe(following))

    _run(network, as_points(states), input, steps, step, dtype, note)
    return torch.stack(observed)


def _run(
    network: Step | nn.Module,
    states: Tensor,
    input: Array | None,
    steps: int,
    step: GivenStep | None,
    dtype: torch.dtype,
    note: Callable[[Tensor, Tensor], None] = lambda state, following: None,
) -> tuple[Float[Tensor, "point state"], Float[Tensor, "point state"]]:
    """Run a network under constant input, note each state with the one that follows, and return the first and last."""
    check_count(steps, "steps")
    check_precision(dtype)
    with torch.inference_mode(False), torch.no_grad():
        system, first, inputs = as_system(network, states, input, dtype, step)
        state = first
        for _ in range(steps):
            following = system.step(state, inputs)
            note(state, following)
            state = following
    return first, state
