"""Derivatives of a step that are right: automatic ones where they are, differences where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.cells.jacobians import Step


FRACTIONS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # of the size of what is changed
AGREEMENT = 1e-6  # relative error of a derivative that is held to be right
CONSISTENCY = 0.05  # by how much differences over very different distances may differ
TYPICAL = 2  # the place among the fractions of a distance over which any smooth network is nearly linear
NUMBERS = 1 << 22  # in the states whose differences are taken at once


@dataclass(frozen=True)
class Differences:
    """Central differences of a step, as far apart as proved best.

    In double precision the Jacobians' relative error is about 1e-9, in single precision about 1e-3.

    Attributes
    ----------
    step
        `(batch, state), (batch, input) -> (batch, state)`.
    argument
        What is changed: the state (0) or the input (1).
    distance
        By how much, to both sides, in units of it.
    """

    step: Step
    argument: int
    distance: float

    def jacobian(self, state: Tensor, input: Tensor) -> Float[Tensor, "batch state changed"]:
        """Return the derivative at each row, by two steps for each of its columns."""
        batch, columns = len(state), (state, input)[self.argument].shape[1]
        units = torch.eye(columns, dtype=state.dtype, device=state.device)
        parts = [
            along(self.step, self.argument, self.distance, state, input, directions).mT
            for directions in units.split(max(1, NUMBERS // (2 * batch * state.shape[1])))
        ]
        return torch.cat(parts, dim=2) if parts else state.new_zeros(*state.shape, 0)


def along(
    step: Step, argument: int, distance: float, state: Tensor, input: Tensor, directions: Float[Tensor, "direction n"]
) -> Float[Tensor, "batch direction state"]:
    """Return central differences of the step along directions, at each row of a batch."""
    batch, count = len(state), len(directions)
    arguments = [tensor.repeat_interleave(2 * count, dim=0) for tensor in (state, input)]
    changes = distance * torch.stack([directions, -directions], dim=1).flatten(0, 1)
    arguments[argument] = arguments[argument] + changes.repeat(batch, 1)
    forwards, backwards = step(*arguments).unflatten(0, (batch, count, 2)).unbind(2)
    return (forwards - backwards) / (2 * distance)


class _DifferentiableStep(torch.autograd.Function):
    """A step whose gradient by the state comes from differences, since autograd's would be wrong."""

    @staticmethod
    def forward(ctx: Any, state: Tensor, input: Tensor, differences: Differences) -> Tensor:
        ctx.save_for_backward(state, input)
        ctx.differences = differences
        return differences.step(state, input)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        state, input = ctx.saved_tensors
        jacobian = ctx.differences.jacobian(state, input)
        return (gradients[0].unsqueeze(1) @ jacobian).squeeze(1), None, None


def differentiable(differences: Differences) -> Step:
    """Return the step with the right gradient by the state."""

    def step(state: Tensor, input: Tensor) -> Tensor:
        following: Tensor = _DifferentiableStep.apply(state, input, differences)
        return following

    return step


def compare_with_differences(
    step: Step, jacobian: Step, argument: int, state: Float[Tensor, "row state"], input: Float[Tensor, "row input"]
) -> tuple[bool, Differences | None]:
    """Say whether a Jacobian is not the derivative of a step, and return differences that are.

    `J v` is compared with central differences along one direction v, over several distances: the best are those where
    neighbouring distances agree, and how well they do says how precise they are. Distances are shares of the size of
    the given states (or inputs), and of 1 where those tell nothing, as at a fixed point close to 0.

    Parameters
    ----------
    jacobian
        Of the step by one of its arguments; where it fails, it is wrong.
    argument
        The state (0) or the input (1).
    state, input
        A few different rows; those where the step is not finite are left out.

    Returns
    -------
    bool, Differences or None
        None where the Jacobian is right, or where differences do not tell the derivative either.
    """
    changed = (state, input)[argument]
    direction = torch.randn(1, changed.shape[1], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    direction = direction.to(changed)
    claimed = _product(jacobian, state, input, direction[0])
    best: _Ladder | None = None
    doubtful = claimed is None
    for size in dict.fromkeys((size_of(changed), 1.0)):
        floor = direction.norm() * (size_of(state) / size_of(changed))
        ladder = _climb(step, argument, size, state, input, direction, floor)
        if not torch.isfinite(ladder.found).all(dim=1).any():
            continue
        doubtful = True
        allowed = min(max(AGREEMENT, 10 * ladder.steadiness), 0.5)
        if best is None and claimed is not None and _relative(claimed - ladder.found, ladder.found, floor) <= allowed:
            return False, None
        if ladder.consistent and (best is None or ladder.refines(best, floor)):
            best = ladder
    return doubtful, None if best is None else Differences(step, argument, best.distance)


class _Ladder(NamedTuple):
    """What the differences over several distances, all shares of one size, say about a derivative."""

    found: Float[Tensor, "row state"]
    distance: float  # of the best
    steadiness: float  # relative change to its neighbour
    consistent: bool  # with a distance over which any smooth network is nearly linear

    def refines(self, other: _Ladder, floor: Tensor) -> bool:
        """Say whether this is the same derivative, more precisely."""
        return self.steadiness < other.steadiness and _relative(self.found - other.found, other.found, floor) <= (
            CONSISTENCY
        )


def _climb(
    step: Step, argument: int, size: float, state: Tensor, input: Tensor, direction: Tensor, floor: Tensor
) -> _Ladder:
    distances = [size * fraction for fraction in FRACTIONS]
    found = torch.stack([along(step, argument, d, state, input, direction).squeeze(1) for d in distances])
    steps = [_relative(one - other, one, floor) for one, other in pairwise(found)]
    place = min(range(len(steps)), key=steps.__getitem__)
    consistent = _relative(found[TYPICAL] - found[place], found[place], floor) <= CONSISTENCY
    return _Ladder(found[place], distances[place], steps[place], consistent)


def size_of(points: Tensor) -> float:
    """Return the root mean square of the entries; 1 where all are zero."""
    return points.double().square().mean().sqrt().item() or 1.0


def _product(jacobian: Step, state: Tensor, input: Tensor, direction: Tensor) -> Tensor | None:
    """Return `J v`, or None where the Jacobian cannot be computed."""
    try:
        return jacobian(state, input) @ direction
    except (RuntimeError, TypeError, ValueError, AttributeError):
        return None


def _relative(error: Tensor, value: Tensor, floor: Tensor) -> float:
    """Return the largest error of a row, relative to its value or to what counts as a large one.

    Rows that are not finite do not count; it is infinite where none is.
    """
    errors = error.norm(dim=1) / value.norm(dim=1).clamp(min=floor)
    errors = errors[torch.isfinite(errors)]
    return errors.max().item() if len(errors) else torch.inf
