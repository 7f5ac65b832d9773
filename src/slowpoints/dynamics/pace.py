"""How fast a network is: for each unit of distance from where it stands still, or for its typical step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.cells.derivative import Derivative

Numbers = TypeVar("Numbers", float, Tensor)


def squared_pace(derivative: Derivative, states: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
    """Return the mean square of `I - dF/dh` over directions, `||I - dF/dh||^2 / N` (Frobenius), about.

    It is 1 for a network that forgets within a step, 0 for one that stands still everywhere, and the square of the step
    for one that takes small steps. One product estimates it (Hutchinson 1990), with the same signs for every state.
    """
    size = states.shape[1]
    signs = 2.0 * torch.randint(2, (size,), generator=torch.Generator().manual_seed(0)) - 1
    probe = signs.to(states).expand(len(states), size)
    return (probe - derivative.jvp(probe)).square().mean(dim=1)


def relative_speed(q: Numbers, size: int, typical_step: float) -> Numbers:
    """Return how far a state of this size moves in a step, as a share of the typical step: `sqrt(q N) / step`."""
    return (q * size) ** 0.5 / typical_step


def q_at(relative_speed: float, size: int, typical_step: float) -> float:
    """Return the q of a state of this size that moves by this share of the typical step."""
    return (relative_speed * typical_step) ** 2 / size
