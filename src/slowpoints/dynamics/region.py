"""Where a network goes: the part of state space near the states that it visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import as_points, check_positive, check_size

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from slowpoints.dynamics.checks import Array

CHUNK = 1 << 24  # distances held at once


@dataclass(frozen=True)
class Region:
    """The points within `radius` of at least one of `states`.

    Fixed points far from anything that the network visits say nothing about how it computes.

    Attributes
    ----------
    states
        Visited states `(visited, state)`.
    radius
        Distance (Euclidean, in units of the state) that still counts as near.
    """

    states: Float[Tensor, "visited state"]
    radius: float

    @classmethod
    def around(cls, states: Array, reach: float = 2.0) -> Region:
        """Return the region of all points no further from a visited state than `reach` times the states' spread.

        The spread is the root mean square distance of the states from their mean.

        Raises
        ------
        InvalidInput
            Where the states are no finite `(visited, state)` array, or are all the same: they have no spread then.
        """
        points = as_points(states).double()
        check_positive(reach, "reach")
        spread = (points - points.mean(dim=0)).square().sum(dim=1).mean().sqrt().item()
        check_positive(spread, "the spread of the visited states")
        return cls(points, reach * spread)

    def contains(self, points: Array) -> Bool[Tensor, " point"]:
        """Say for each point `(point, state)` whether it lies in the region; a point with NaN does not."""
        if not isinstance(points, Tensor):
            points = as_points(points, "points")
        check_size(points, self.states.shape[1], "points", "the region")
        visited = self.states.to(points.device, torch.float64)
        rows = max(1, CHUNK // len(visited))
        near = [torch.cdist(part.double(), visited).amin(dim=1) <= self.radius for part in points.split(rows)]
        return torch.cat(near) if near else torch.zeros(0, dtype=torch.bool, device=points.device)
