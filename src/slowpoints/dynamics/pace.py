"""How far a network goes in one step, for each unit of distance from where it stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

    from slowpoints.cells.derivative import Derivative


def squared_pace(derivative: Derivative, states: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
    """Return the mean square of `I - dF/dh` over directions, `||I - dF/dh||^2 / N` (Frobenius), about.

    It is 1 for a network that forgets within a step, 0 for one that stands still everywhere, and the square of the step
    for one that takes small steps. One product estimates it (Hutchinson 1990), with the same signs for every state.
    """
    size = states.shape[1]
    signs = 2.0 * torch.randint(2, (size,), generator=torch.Generator().manual_seed(0)) - 1
    probe = signs.to(states).expand(len(states), size)
    return (probe - derivative.jvp(probe)).square().mean(dim=1)
