"""Where a network goes: the part of state space that the states it visits support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, check_positive, check_size
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from slowpoints.dynamics.checks import Array

SHARE = 0.99  # of the states' variance that lies along axes of their own
STATES_PER_AXIS = 10  # visited states that it takes to know a range
LEAST = 0.1  # of the states' spread that they are taken to vary by in any direction


@dataclass(frozen=True)
class Region:
    """The points within a range along each of the states' leading principal components, and near their span.

    Fixed points far from anything that the network visits say nothing about how it computes.

    Attributes
    ----------
    components
        The leading principal components of visited states.
    lower, upper
        `(component,)`: the range along each, as seen from the mean.
    distance
        How far from the span of the components a point may lie (Euclidean, in units of the state).
    """

    components: PrincipalComponents
    lower: Float[Tensor, " component"]
    upper: Float[Tensor, " component"]
    distance: float

    @classmethod
    def around(cls, states: Array, reach: float = 2.0) -> Region:
        """Return the region that visited states `(visited, state)` support.

        Along the components that explain 99 % of the variance, or as many as there are ten states for, it goes beyond
        the visited range by `reach` standard deviations on either side; off their span, beyond the farthest state by
        `reach` times the root mean square distance from it. No deviation is taken as less than a tenth of that from the
        mean in all directions together. So the region moves, turns and scales with the states.

        Raises
        ------
        InvalidInput
            Where the states are no finite `(visited, state)` array, or are all the same: they have no spread then.
        """
        points = as_points(states).double()
        check_positive(reach, "reach")
        if not (points != points[0]).any():
            raise InvalidInput("the visited states are all the same: they have no spread that a region could follow")
        found = principal_components(points)
        count = max(1, min(found.dimensions(SHARE), len(points) // STATES_PER_AXIS))
        leading = PrincipalComponents(found.mean, found.components[:count], found.variance[:count])
        position, off = _coordinates(leading, points)
        squares = torch.cat([position, off.unsqueeze(1)], dim=1).square().mean(dim=0)
        margin = reach * torch.maximum(squares, LEAST**2 * squares.sum()).sqrt()
        lower, upper = position.amin(dim=0) - margin[:-1], position.amax(dim=0) + margin[:-1]
        return cls(leading, lower, upper, (off.max() + margin[-1]).item())

    def contains(self, points: Array) -> Bool[Tensor, " point"]:
        """Say for each point `(point, state)` whether it lies in the region; a point with NaN does not."""
        if not isinstance(points, Tensor):
            points = as_points(points, "points")
        check_size(points, len(self.components.mean), "points", "the region")
        position, off = _coordinates(self.components, points.double())
        lower, upper = self.lower.to(points.device), self.upper.to(points.device)
        return ((position >= lower) & (position <= upper)).all(dim=1) & (off <= self.distance)


def _coordinates(
    components: PrincipalComponents, points: Float[Tensor, "point state"]
) -> tuple[Float[Tensor, "point component"], Float[Tensor, " point"]]:
    """Return where points lie along the components, and how far off their span."""
    position = components.project(points)
    within = position @ components.components.to(points)
    return position, (points - components.mean.to(points) - within).norm(dim=1)
