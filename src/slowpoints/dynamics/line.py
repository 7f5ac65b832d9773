"""The line along which fixed points lie, as a curve with places, and the network's drift along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_tensor, check_count, check_size

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from slowpoints.dynamics.checks import Array
    from slowpoints.dynamics.linearization import Linearization

NEIGHBOURS = 10  # points that a place of the curve is fitted to, at least
BEYOND = 0.25  # of the line, by which it goes on straight at either end: states overshoot


@dataclass(frozen=True)
class Line:
    """A curve through points that lie along a line, given at places with equal distances between them.

    Attributes
    ----------
    place
        `(place,)`: positions along the axis m, rising; the points lie between -1 and 1.
    location
        `(place, state)`: the curve there; between places it is straight.
    near
        `(place,)`: whether there are points about a place: false in gaps between them, and beyond their ends.
    axis
        `(state,)`: the unit vector m.
    middle, reach
        Position `m . h` of the place 0, and half the points' extent along m, in units of the state.
    """

    place: Float[Tensor, " place"]
    location: Float[Tensor, "place state"]
    near: Bool[Tensor, " place"]
    axis: Float[Tensor, " state"]
    middle: float
    reach: float

    def __len__(self) -> int:
        return len(self.place)

    def place_of(self, states: Array) -> Float[Tensor, " sample"]:
        """Return the place of states `(sample, state)`: their position along m, in the places' units.

        Raises
        ------
        InvalidInput
            For states of another size.
        """
        states = as_tensor(states, "states")
        check_size(states, len(self.axis), "states", "the line's state")
        return (states @ self.axis.to(states) - self.middle) / self.reach

    def nearest(self, states: Array) -> Int[Tensor, " sample"]:
        """Return the number of the place that is nearest to each state's, the last one for those beyond the ends."""
        spacing = float(self.place[1] - self.place[0])
        number = (self.place_of(states).nan_to_num() - float(self.place[0])) / spacing
        return number.round().clamp(0, len(self) - 1).long()


def trace_line(points: Array, axis: Array, places: int = 21) -> Line:
    """Lay a smooth curve through points that lie along an axis.

    At each place the points' location is regressed linearly on their position along the axis, with Gaussian weights as
    wide as the distance between places, or as it takes to reach ten points. By a quarter of the line at either end the
    curve goes on straight.

    Parameters
    ----------
    points
        Locations `(point, state)`.
    axis
        m `(state,)`, which is made a unit vector.
    places
        How many, from the first of the points to the last.

    Returns
    -------
    Line
        With `places` places on the points, and more beyond both ends.

    Raises
    ------
    InvalidInput
        For fewer than three points or places, points that do not differ along the axis, or sizes that do not fit.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import trace_line
    >>> points = torch.linspace(-1, 1, 50).unsqueeze(1) * torch.tensor([[2.0, 0.0]])
    >>> line = trace_line(points, axis=torch.tensor([1.0, 0.0]), places=5)
    >>> line.place[line.near].tolist(), round(line.reach, 3)
    ([-1.0, -0.5, 0.0, 0.5, 1.0], 2.0)

    References
    ----------
    Cleveland (1979), J. Am. Stat. Assoc. 74, 829: local linear regression.
    """
    points, axis = as_points(points, "points").double(), as_points(axis, "axis")[0].double()
    check_size(axis, points.shape[1], "axis", "the points' state")
    check_count(places, "places")
    position = points @ (axis / axis.norm())
    low, high = float(position.min()), float(position.max())
    if min(len(points), places) < 3 or not high > low:
        raise InvalidInput(f"a line takes three points that differ along the axis and three places, not {places}")
    middle, reach = (low + high) / 2, (high - low) / 2
    along = (position - middle) / reach
    inside = torch.linspace(-1, 1, places, dtype=along.dtype, device=along.device)
    fitted = [_fit(points, along - place, 2 / (places - 1)) for place in inside]
    step, more = 2 / (places - 1), round(2 * BEYOND / (2 / (places - 1)))
    further = step * torch.arange(1, more + 1, dtype=along.dtype, device=along.device)
    before = fitted[0][0] - further.flip(0).unsqueeze(1) * fitted[0][1]
    after = fitted[-1][0] + further.unsqueeze(1) * fitted[-1][1]
    place = torch.cat([-1 - further.flip(0), inside, 1 + further])
    return Line(
        place=place,
        location=torch.cat([before, torch.stack([location for location, _ in fitted]), after]),
        near=((along.unsqueeze(1) - place).abs().amin(dim=0) <= step) & (place.abs() <= 1),
        axis=axis / axis.norm(),
        middle=middle,
        reach=reach,
    )


def _fit(points: Tensor, distance: Tensor, spacing: float) -> tuple[Tensor, Tensor]:
    """Return where the curve is at distance 0, and how it goes on from there."""
    tenth = distance.abs().kthvalue(min(NEIGHBOURS, len(distance))).values
    weight = torch.exp(-((distance / tenth.clamp(min=spacing)) ** 2) / 2)
    weight = weight / weight.sum()
    mean, centre = weight @ distance, weight @ points
    slope = (weight * (distance - mean)) @ (points - centre) / (weight @ (distance - mean) ** 2)
    return centre - mean * slope, slope


def drift_along(linearization: Linearization, axis: Array) -> Float[Tensor, " point"]:
    """Return how far the network moves along an axis within a step of its constant input, in units of the state.

    Only what lies in the mode that acts along the axis counts, `(r . m) (l . (F(h, x*) - h))`, of those found that with
    the largest `|(r . m) (l . m)|`: a state beside the line falls back onto it, which is no drift. NaN at points where
    no mode can be trusted.

    Returns
    -------
    Tensor
        `(point,)`.

    Raises
    ------
    InvalidInput
        For an axis of another size.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import drift_along, linearize
    >>> leak = torch.tensor([0.99, 0.5])
    >>> linear = linearize(lambda h, x: leak * h + x, torch.tensor([[2.0, 0.3]]), input=torch.zeros(2))
    >>> drift_along(linear, torch.tensor([1.0, 0.0])).round(decimals=4).tolist()  # not what falls back onto the axis
    [-0.02]
    """
    axis = as_points(axis, "axis")[0]
    check_size(axis, linearization.location.shape[1], "axis", "the state")
    right, left = linearization.modes.right, linearization.modes.left
    velocity = (linearization.image - linearization.location).to(left)
    axis = axis.to(left)
    twice = 1 + (linearization.modes.eigenvalues.imag > 0).to(axis.real)  # of a pair, the other adds the conjugate
    held = twice * ((right @ axis) * (left @ axis)).real.abs()
    moved = twice * ((right @ axis) * (left @ velocity.unsqueeze(2)).squeeze(2)).real
    along = held.nan_to_num(-1.0).argmax(dim=1, keepdim=True)
    return moved.gather(1, along).squeeze(1)


def rest_places(
    place: Float[Tensor, " place"], drift: Float[Tensor, " place"], near: Bool[Tensor, " place"]
) -> tuple[Float[Tensor, " rest"], Bool[Tensor, " rest"]]:
    """Return where a drift along a line changes its sign, and whether states come to rest there or leave.

    Between neighbouring places the drift is taken to be linear. Where it is not known, or no points are near, nothing
    is said.

    Returns
    -------
    rest
        The zeros, rising.
    stable
        Whether the drift points to each from both sides.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import rest_places
    >>> place, drift = torch.linspace(-1, 1, 5), torch.tensor([0.1, -0.1, -0.1, 0.1, 0.2])
    >>> rest, stable = rest_places(place, drift, torch.ones(5, dtype=torch.bool))
    >>> rest.tolist(), stable.tolist()
    ([-0.75, 0.25], [True, False])
    """
    known = near & drift.isfinite()
    pair = known[:-1] & known[1:] & ((drift[:-1] > 0) != (drift[1:] > 0))
    first, second = drift[:-1][pair], drift[1:][pair]
    share = first / (first - second)
    return place[:-1][pair] + share * (place[1:] - place[:-1])[pair], first > 0
