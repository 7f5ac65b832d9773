"""The main axes of fixed points, and their positions along these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.linalg import subspace_angles
from torch import Tensor

from slowpoints.dynamics.checks import InvalidInput, as_points, as_readout, check_count, check_size
from slowpoints.dynamics.embedding import SPACING, embed, thinned
from slowpoints.dynamics.fixed_points import FixedPoints
from slowpoints.dynamics.manifold import SHARE, Manifold
from slowpoints.dynamics.principal_components import PrincipalComponents, principal_components
from slowpoints.dynamics.shape import find_coverage, find_range, find_shape

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray

    from slowpoints.dynamics.checks import Array

MOST = 1000  # points among which all distances are looked at


def find_manifold(
    points: FixedPoints | Array,
    *,
    dimension: int | None = None,
    visited: Array | None = None,
    readout: Array | None = None,
    neighbours: Sequence[int] = (20, 10, 15, 30, 40),
) -> Manifold:
    """Find the main axes of fixed points, their positions along them, and what they form.

    Parameters
    ----------
    points
        `FixedPoints`, or locations `(point, state)`; at least three that differ.
    dimension
        Number of axes. Where None, it is chosen from the points: as many as hold 90 % of their variance.
    visited
        Visited states `(visited, state)`, against which coverage is measured. Where None, it is measured against the
        states from which `FixedPoints` were searched.
    readout
        Evidence axes: readout weights `(readout, hidden)`, or `(hidden,)` for one. They see the first entries of the
        state, or all of them. They fix the signs of the axes.
    neighbours
        Numbers of neighbours to embed with: theta is that of the first, the others tell its stability.

    Returns
    -------
    Manifold
        In the order of the points.

    Raises
    ------
    InvalidInput
        For fewer than three points, points that are all the same, a dimension beyond that of the points, or shapes that
        do not fit.

    Examples
    --------
    >>> import torch
    >>> from slowpoints import find_manifold
    >>> points = torch.linspace(-1, 1, 50).unsqueeze(1) * torch.tensor([[3.0, 4.0]])
    >>> found = find_manifold(points, visited=points)
    >>> found.shape, [round(entry, 3) for entry in found.axis.tolist()]
    ('line', [0.6, 0.8])

    References
    ----------
    Roweis & Saul (2000), Science 290, 2323; Maheswaranathan et al. (2019), arXiv 1906.10720, figure 2c; Aitken et al.
    (2021), arXiv 2010.15114.
    """
    locations = as_points(points.location if isinstance(points, FixedPoints) else points, "points").double()
    components = _components(locations)
    axes, alignment = _oriented(components.components[: _dimension(components, dimension)], readout)
    position = _positions(locations, components.mean, axes)
    if visited is None and isinstance(points, FixedPoints):
        visited = points.starts
    extent = torch.stack([position.amin(dim=0), position.amax(dim=0)], dim=1)
    searched, coverage = _searched(position, visited, components.mean, axes)
    within = components.project(locations, components.dimensions(SHARE))
    some, counts = _separate(within, SPACING * float(extent.diff().max()))
    ends = extent if searched is None else searched
    shape = find_shape(_array(within[some]), _array(position[some]), _array(ends), _array(counts))
    theta: dict[str, Any] = dict.fromkeys(("theta", "neighbours", "stability", "agreement"))
    if len(axes) == 1 or shape.course in ("open", "closed"):
        theta = vars(embed(locations, position, neighbours, closed=len(axes) > 1 and shape.course == "closed"))
    return Manifold(
        components=components,
        axes=axes,
        position=position,
        points=len(locations),
        extent=extent,
        searched=searched,
        coverage=coverage,
        alignment=alignment,
        **vars(shape),
        **theta,
    )


def _components(locations: Float[Tensor, "point state"]) -> PrincipalComponents:
    if len(locations) < 3:
        raise InvalidInput(f"a manifold needs at least three points, not {len(locations)}")
    components = principal_components(locations)
    if components.variance[0] <= 0:
        raise InvalidInput(f"all {len(locations)} points are the same: there is no manifold")
    return components


def _dimension(components: PrincipalComponents, dimension: int | None) -> int:
    if dimension is None:
        return components.dimensions(SHARE)
    check_count(dimension, "dimension")
    if dimension > len(components.variance):
        raise InvalidInput(f"dimension is {dimension}, but the points span no more than {len(components.variance)}")
    return dimension


def _oriented(
    axes: Float[Tensor, "axis state"], readout: Array | None
) -> tuple[Float[Tensor, "axis state"], Float[Tensor, " angle"] | None]:
    """Turn each axis towards the readout that it is most aligned with; also return how well the two spaces align."""
    if readout is None:
        return axes, None
    rows = as_readout(readout, axes.shape[1]).to(axes)
    seen = axes[:, : rows.shape[1]]
    lengths = seen.norm(dim=1, keepdim=True) * rows.norm(dim=1)
    cosines = torch.stack([torch.stack([axis @ row for row in rows]) for axis in seen]) / lengths
    cosines = cosines.nan_to_num()  # of an axis that the readout does not see
    nearest = cosines.gather(1, cosines.abs().argmax(dim=1, keepdim=True))
    axes = torch.where(nearest < 0, -axes, axes)
    if cosines.numel() == 1:
        return axes, cosines.abs().flatten()
    if not seen.any():
        return axes, cosines.new_zeros(1)
    angles = subspace_angles(_array(seen).T, _array(rows).T)
    return axes, torch.from_numpy(np.cos(angles[::-1].copy())).to(axes)


def _positions(
    states: Float[Tensor, "point state"], mean: Float[Tensor, " state"], axes: Float[Tensor, "axis state"]
) -> Float[Tensor, "point axis"]:
    centred = states - mean
    return torch.stack([centred @ axis for axis in axes], dim=1)


def _searched(
    position: Float[Tensor, "point axis"],
    visited: Array | None,
    mean: Float[Tensor, " state"],
    axes: Float[Tensor, "axis state"],
) -> tuple[Float[Tensor, "axis 2"] | None, float | None]:
    """Return the range in which points are looked for, and the share of it in which there are some."""
    if visited is None:
        return None, None
    states = as_points(visited, "visited").to(axes)
    check_size(states, axes.shape[1], "visited", "the points' state")
    along = _array(torch.stack([states @ axis - mean @ axis for axis in axes], dim=1))
    ends = find_range(along)
    if ends is None:
        return None, None
    return torch.from_numpy(ends).to(axes), find_coverage(_array(position), along, ends)


def _separate(
    points: Float[Tensor, "point component"], distance: float
) -> tuple[Int[Tensor, " row"], Int[Tensor, " row"]]:
    """Return rows at least `distance` apart, or more where these are too many, and how many points each stands for."""
    rows, nearest = thinned(points, distance)
    while len(rows) > MOST:
        distance *= 2
        rows, nearest = thinned(points, distance)
    return rows, nearest.bincount(minlength=len(rows))


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.cpu().numpy()
    return array
