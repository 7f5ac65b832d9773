"""Damped linear least squares for many points at once, by products with vectors alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.cells.derivative import Derivative

CROWDED = 0.75  # share of points still going below which the others are left out of the products


def damped_least_squares(
    derivative: Derivative,
    residual: Float[Tensor, "point state"],
    damping: Float[Tensor, " point"],
    precision: float,
    products: int,
) -> tuple[Float[Tensor, "point state"], Float[Tensor, "point state"]]:
    """Return, about, the d of each point that minimises `|A d - r|^2 + mu |d|^2`, with `A = I - J`; and `A' r`.

    By conjugate gradients on the normal equations (CGLS, Björck 1996), in the precision of the search: in a lower one,
    where a point ends would depend on which others it is computed with, since the steps that follow magnify roundings.
    A point stops on its own where `|A'(r - A d) - mu d|` is below `precision |A' r|`, or after so many products with A.
    """
    gradient = residual - derivative.vjp(residual)
    solution = torch.zeros_like(residual)
    state = _first(residual, gradient, damping)
    target = precision**2 * state.error
    going = state.error > 0
    for _ in range(products):
        count = int(going.sum())
        if count == 0:
            break
        if count <= CROWDED * len(going):
            solution[state.index[~going]] = state.solution[~going]
            derivative, state, target, going = derivative.keep(going), state.keep(going), target[going], going[going]
        state = _iterate(derivative, state, going)
        going = going & (state.error > target)
    solution[state.index] = state.solution
    return solution, gradient


@dataclass(frozen=True)
class _State:
    """Where the conjugate gradients are, for the points that are not yet left out."""

    index: Int[Tensor, " going"]
    damping: Float[Tensor, "going 1"]
    solution: Float[Tensor, "going state"]
    residual: Float[Tensor, "going state"]  # r - A d
    direction: Float[Tensor, "going state"]
    error: Float[Tensor, " going"]  # |A'(r - A d) - mu d|^2

    def keep(self, mask: Bool[Tensor, " going"]) -> _State:
        return _State(*(getattr(self, field.name)[mask] for field in fields(self)))


def _first(residual: Tensor, gradient: Tensor, damping: Tensor) -> _State:
    index = torch.arange(len(residual), device=residual.device)
    error = gradient.square().sum(dim=1)
    return _State(index, damping.unsqueeze(1), torch.zeros_like(residual), residual, gradient, error)


def _iterate(derivative: Derivative, state: _State, going: Tensor) -> _State:
    """Take one step of conjugate gradients at the points that are going; the others stay."""
    image = state.direction - derivative.jvp(state.direction)
    curvature = image.square().sum(dim=1) + state.damping.squeeze(1) * state.direction.square().sum(dim=1)
    length = torch.where(going, state.error / curvature, 0).unsqueeze(1)
    solution = torch.addcmul(state.solution, length, state.direction)
    residual = torch.addcmul(state.residual, length, image, value=-1)
    gradient = torch.addcmul(residual - derivative.vjp(residual), state.damping, solution, value=-1)
    error = gradient.square().sum(dim=1)
    direction = torch.addcmul(gradient, (error / state.error).unsqueeze(1), state.direction)
    return _State(state.index, state.damping, solution, residual, direction, error)
