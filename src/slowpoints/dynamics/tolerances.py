"""Below which q a point counts as fixed, or as slow, where this is not given: by a network's own measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.pace import q_at, squared_pace

if TYPE_CHECKING:
    from slowpoints.dynamics.system import System

SLOW_PACE = 0.05  # below this root mean square of I - dF/dh a network takes small steps, and tolerances follow it
SAMPLE = 4096  # states are enough to know a network's pace


@dataclass(frozen=True)
class Usual:
    """Levels where none are given: of fixed points, of slow ones, and several to compare."""

    fixed: float
    slow: float
    several: tuple[float, ...]


Q = Usual(1e-8, 1e-5, (1e-6, 1e-7, 1e-8, 1e-9, 1e-10))  # of a network at an ordinary pace
RELATIVE_SPEED = Usual(0.01, 0.1, (0.3, 0.1, 0.03, 0.01))


def usual_levels(typical_step: float | None) -> Usual:
    """Return levels of relative speed where the typical step is known, else of q."""
    return Q if typical_step is None else RELATIVE_SPEED


def tolerance_of(
    system: System, starts: Tensor, inputs: Tensor, typical_step: float | None
) -> Callable[[float], float]:
    """Return what says the tolerance, in q, of a level, which is one of relative speed where the step is known."""
    if typical_step is not None:
        return lambda level: q_at(level, starts.shape[1], typical_step)

    @cache  # a product with the Jacobian of thousands of states, which may not be needed
    def scale() -> float:
        return _scale(system, starts, inputs)

    return lambda level: scale() * level


def _scale(system: System, starts: Tensor, inputs: Tensor) -> float:
    """Return 1 for a network at an ordinary pace, and less, in proportion to q, for one that takes small steps."""
    every = -(-len(starts) // SAMPLE)
    some = starts[::every]
    pace = squared_pace(system.products(some, inputs[::every]), some).nanmedian().item() / SLOW_PACE**2
    return max(min(pace, 1.0), torch.finfo(starts.dtype).eps ** 2) if pace == pace else 1.0
