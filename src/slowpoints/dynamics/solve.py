"""The loop around every solver: tolerances, points that have come to their end, chunks, threads, progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from tqdm import tqdm

from slowpoints.dynamics.parallel import in_threads

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from slowpoints.dynamics.solvers import Front, Solver
    from slowpoints.dynamics.system import System

Report = Callable[[int], object]  # told how many more points have come to their end


@dataclass(frozen=True)
class Solution:
    """Where each point was when it first passed each tolerance, or where it ended without passing it.

    Attributes
    ----------
    location
        `(tolerance, point, state)`.
    q
        `(tolerance, point)`: q at exactly these locations.
    iterations
        `(tolerance, point)`: steps tried until there.
    """

    location: Float[Tensor, "tolerance point state"]
    q: Float[Tensor, "tolerance point"]
    iterations: Int[Tensor, "tolerance point"]


def solve(
    solver: Solver,
    system: System,
    starts: Float[Tensor, "point state"],
    inputs: Float[Tensor, "point input"],
    tolerances: Sequence[float],
    memory: int,
    progress: bool,
) -> Solution:
    """Follow each point until its q is below the smallest of the (falling) tolerances, or its solver gives it up."""
    threads = torch.get_num_threads() if starts.device.type == "cpu" and system.reentrant else 1
    rows = max(1, min(memory // solver.bytes_per_point(starts.shape[1]), -(-len(starts) // threads)))
    with tqdm(total=len(starts), desc="fixed points", unit="point", disable=not progress) as bar:
        chunks = list(zip(starts.split(rows), inputs.split(rows), strict=True))
        parts = in_threads(
            lambda chunk: _follow(solver, system, *chunk, tolerances, bar.update),
            chunks,
            starts.device,
            system.reentrant,
        )
    return Solution(
        location=torch.cat([part.location for part in parts], dim=1),
        q=torch.cat([part.q for part in parts], dim=1),
        iterations=torch.cat([part.iterations for part in parts], dim=1),
    )


def _follow(
    solver: Solver, system: System, starts: Tensor, inputs: Tensor, tolerances: Sequence[float], report: Report
) -> Solution:
    crossings = _Crossings(starts, tolerances)
    index = torch.arange(len(starts), device=starts.device)  # which start each point of the front came from
    front = solver.start(system, starts, inputs)
    for iteration in range(solver.max_iterations + 1):
        ended = crossings.note(index, front, iteration) | front.stuck | ~torch.isfinite(front.q)
        if iteration == solver.max_iterations:
            ended = torch.ones_like(ended)
        if ended.any():
            crossings.end(index[ended], front.keep(ended), iteration)
            report(int(ended.sum()))
            index, front = index[~ended], front.keep(~ended)
        if len(index) == 0:
            break
        front = solver.step(system, front)
    return crossings.solution()


class _Crossings:
    """Notes each point's first passage under each tolerance.

    A run to several tolerances thereby gives exactly what one run to each of them would.
    """

    def __init__(self, starts: Float[Tensor, "point state"], tolerances: Sequence[float]) -> None:
        count = len(starts)
        self.tolerances = tuple(tolerances)
        self.location = starts.repeat(len(self.tolerances), 1, 1)
        self.q = starts.new_full((len(self.tolerances), count), torch.nan)
        self.iterations = torch.zeros(len(self.tolerances), count, dtype=torch.int64, device=starts.device)
        self._passed = torch.zeros_like(self.q, dtype=torch.bool)

    def note(self, index: Tensor, front: Front, iteration: int) -> Tensor:
        """Note the points that pass a tolerance here; return which have passed all of them."""
        for level, tolerance in enumerate(self.tolerances):
            new = (front.q < tolerance) & ~self._passed[level, index]
            self._write(level, index[new], front.location[new], front.q[new], iteration)
            self._passed[level, index[new]] = True
        return self._passed[-1, index]

    def end(self, index: Tensor, front: Front, iteration: int) -> None:
        """Note where the points are that go no further, for the tolerances that they have not passed."""
        for level in range(len(self.tolerances)):
            left = ~self._passed[level, index]
            self._write(level, index[left], front.location[left], front.q[left], iteration)

    def _write(self, level: int, index: Tensor, location: Tensor, q: Tensor, iteration: int) -> None:
        self.location[level, index] = location
        self.q[level, index] = q
        self.iterations[level, index] = iteration

    def solution(self) -> Solution:
        """Return all that was noted."""
        return Solution(self.location, self.q, self.iterations)
