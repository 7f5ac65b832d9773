"""The record of a search for fixed points: where each point ended, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from slowpoints.dynamics import pace, plots
from slowpoints.dynamics.checks import InvalidInput, check_positive
from slowpoints.dynamics.records import Record, joined, same_value

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from numpy.typing import NDArray

    from slowpoints.dynamics.region import Region


class Status(IntEnum):
    """How the search from one initial state ended, wherever that was."""

    CONVERGED = 0
    """Its q is below the tolerance."""
    SLOW = 1
    """It is no fixed point, but slow: a local minimum of q, or out of iterations, below the slow threshold."""
    NOT_CONVERGED = 2
    """It stopped where the network still moves."""
    DIVERGED = 4
    """Its location or q is not finite."""


@dataclass(frozen=True, repr=False)
class FixedPoints(Record):
    """Approximate fixed points, one entry for each initial state; nothing is dropped unless asked.

    `points[rows]` has the points of a mask, a slice, an index or several; `points + others` all points of both, whose
    tolerances must be the same.

    Attributes
    ----------
    location
        `(point, state)`, float64: where each search ended.
    q
        `(point,)`: `q = ||h - F(h, x)||^2 / N` at exactly this location.
    status
        `(point,)`: how each search ended, as `Status`.
    outside
        `(point,)`: whether it ended where the network never comes: far from what it visits, or beyond what its states
        can be (`Cell.bounds`).
    iterations
        `(point,)`: steps that the solver tried.
    displacement
        `(point,)`: Euclidean distance from the initial state.
    input
        `(point, input)`: the input x under which each is a fixed point.
    index
        `(point,)`: the row of the initial state.
    starts
        `(start, state)`: all initial states of the search, also of points that were left out since: how far points
        reach is measured against them.
    tolerance, slow_tolerance
        Values of q below which a point counts as converged, and as slow.
    typical_step
        How far the network moves in a step while it does its task, which relative speed is measured by; None where the
        search was not told.
    """

    location: Float[Tensor, "point state"]
    q: Float[Tensor, " point"]
    status: Int[Tensor, " point"]
    outside: Bool[Tensor, " point"]
    iterations: Int[Tensor, " point"]
    displacement: Float[Tensor, " point"]
    input: Float[Tensor, "point input"]
    index: Int[Tensor, " point"]
    starts: Float[Tensor, "start state"]
    tolerance: float
    slow_tolerance: float
    typical_step: float | None

    whole = frozenset({"starts"})
    table = ("index", "status", "outside", "q", "iterations", "displacement")
    plot = plots.plot_points

    @property
    def relative_speed(self) -> Float[Tensor, " point"]:
        """`(point,)`: distance moved in a step, as a share of the typical step: `sqrt(q N) / typical_step`.

        Raises
        ------
        InvalidInput
            Where the typical step is not known.
        """
        if self.typical_step is None:
            raise InvalidInput(
                "relative speed is a share of the network's typical step, which this search was not told: "
                "find_fixed_points(..., typical_step=typical_step(states)), of trajectories (batch, time, state)"
            )
        return pace.relative_speed(self.q, self.location.shape[1], self.typical_step)

    def __add__(self, other: FixedPoints) -> FixedPoints:
        if not isinstance(other, FixedPoints):
            return NotImplemented
        if not same_value(self.starts, other.starts):  # of another search: its starts follow these
            starts = joined("starts", self.starts, other.starts)
            other = replace(other, starts=starts, index=other.index + len(self.starts))
            self = replace(self, starts=starts)
        return super().__add__(other)

    @property
    def converged(self) -> FixedPoints:
        """The fixed points: slower than the tolerance, and not outside."""
        return self[(self.status == Status.CONVERGED) & ~self.outside]

    @property
    def slow(self) -> FixedPoints:
        """The fixed points and the slow points that are not outside."""
        return self[(self.status <= Status.SLOW) & ~self.outside]

    def below(self, q: float) -> FixedPoints:
        """Return the points whose q is below this value, and that are not outside."""
        return self[(self.status != Status.DIVERGED) & ~self.outside & (self.q < q)]

    def within(self, region: Region) -> FixedPoints:
        """Return the points that lie in the region."""
        return self[region.contains(self.location)]

    def unique(self, distance: float) -> FixedPoints:
        """Return points no two of which are closer than `distance`, the slowest first to be kept.

        Points are considered by q (ties: by location), so that their order in the record does not matter. They
        come back in the record's order. Points that diverged are left out.

        Raises
        ------
        InvalidInput
            Where `distance` is not above zero.
        """
        check_positive(distance, "distance")
        finite = (self.status != Status.DIVERGED).nonzero().squeeze(1)
        location = self.location[finite].cpu().numpy()
        order = np.lexsort((*location.T[::-1], self.q[finite].cpu().numpy()))
        kept = greedy_cover(location[order], distance)
        rows = finite[torch.from_numpy(np.sort(order[kept])).to(finite.device)]
        return self[rows]

    def counts(self) -> dict[str, int]:
        """Return how many points ended in each way, by the status's name in lower case.

        Fixed points and slow points that lie outside are counted as `outside` and as nothing else.
        """
        outside = self.outside & (self.status <= Status.SLOW)
        counts = {status.name.lower(): int(((self.status == status) & ~outside).sum()) for status in Status}
        diverged = counts.pop("diverged")
        return {**counts, "outside": int(outside.sum()), "diverged": diverged}

    @property
    def converged_share(self) -> float:
        """Share of all points that are fixed points and not outside; NaN for no points."""
        return self.counts()["converged"] / len(self) if len(self) else float("nan")

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns of the points' table by name, with the names of their statuses."""
        names = np.array([Status(status).name.lower() for status in self.status.tolist()], dtype=str)
        columns = {**super().columns(), "status": names}
        if self.typical_step is not None:
            columns["relative_speed"] = self.relative_speed.cpu().numpy()
        return columns

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.counts().items() if count)
        tolerance = f"tolerance {self.tolerance:g}"
        if self.typical_step is not None:
            relative = pace.relative_speed(self.tolerance, self.location.shape[1], self.typical_step)
            tolerance += f", relative speed {relative:.2g}"
        return f"{len(self)} points: {counts or 'none'} ({tolerance})"


def greedy_cover(points: NDArray[np.floating], distance: float) -> NDArray[np.intp]:
    """Return the rows that are kept when each row is dropped that is close to an earlier, kept one."""
    kept = np.zeros(len(points), dtype=bool)
    left = np.ones(len(points), dtype=bool)
    for row in range(len(points)):
        if left[row]:
            kept[row] = True
            later = np.flatnonzero(left[row:]) + row
            close = np.square(points[later] - points[row]).sum(axis=1) < distance**2
            left[later[close]] = False
    return np.flatnonzero(kept)
