"""What every solver for fixed points promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.dynamics.system import System

Report = Callable[[int], object]  # told how many more points have come to their end


class Solver(Protocol):
    """A way to make `q(h) = ||h - F(h, x)||^2 / N` small from many starts at once, in float64."""

    def solve(
        self,
        system: System,
        starts: Float[Tensor, "point state"],
        inputs: Float[Tensor, "point input"],
        tolerances: Sequence[float],
        report: Report,
    ) -> Solution:
        """Follow each point on its own until its speed is below the smallest of the (falling) tolerances."""
        ...

    def bytes_per_point(self, state_size: int) -> int:
        """Return the memory that one point needs while it is being solved."""
        ...


@dataclass(frozen=True)
class Solution:
    """Where each point was when it first passed each tolerance, or where it ended without passing it.

    Attributes
    ----------
    location
        `(tolerance, point, state)`.
    speed
        `(tolerance, point)`: q at exactly these locations.
    iterations
        `(tolerance, point)`: steps tried until there.
    """

    location: Float[Tensor, "tolerance point state"]
    speed: Float[Tensor, "tolerance point"]
    iterations: Int[Tensor, "tolerance point"]


class Crossings:
    """Notes each point's first passage under each tolerance while a solver runs.

    A run to several tolerances thereby gives exactly what one run to each of them would.
    """

    def __init__(self, starts: Float[Tensor, "point state"], tolerances: Sequence[float], report: Report) -> None:
        count = len(starts)
        self.tolerances = tuple(tolerances)
        self.location = starts.repeat(len(self.tolerances), 1, 1)
        self.speed = starts.new_full((len(self.tolerances), count), torch.nan)
        self.iterations = torch.zeros(len(self.tolerances), count, dtype=torch.int64, device=starts.device)
        self._passed = torch.zeros_like(self.speed, dtype=torch.bool)
        self._report = report

    def note(self, index: Tensor, location: Tensor, speed: Tensor, iteration: int) -> Tensor:
        """Note the points that pass a tolerance here; return which have passed all of them."""
        for level, tolerance in enumerate(self.tolerances):
            new = (speed < tolerance) & ~self._passed[level, index]
            self._write(level, index[new], location[new], speed[new], iteration)
            self._passed[level, index[new]] = True
        finished = self._passed[-1, index]
        self._report(int(finished.sum()))
        return finished

    def end(self, index: Tensor, location: Tensor, speed: Tensor, iteration: int) -> None:
        """Note where the points are that go no further."""
        for level in range(len(self.tolerances)):
            left = ~self._passed[level, index]
            self._write(level, index[left], location[left], speed[left], iteration)
        self._report(len(index))

    def _write(self, level: int, index: Tensor, location: Tensor, speed: Tensor, iteration: int) -> None:
        self.location[level, index] = location
        self.speed[level, index] = speed
        self.iterations[level, index] = iteration

    def solution(self) -> Solution:
        """Return all that was noted."""
        return Solution(self.location, self.speed, self.iterations)


def speed_of(residual: Float[Tensor, "point state"]) -> Float[Tensor, " point"]:
    """Return `q = ||r||^2 / N` of residuals `r = F(h, x) - h`."""
    return residual.square().mean(dim=1)
